"""Analyses as the command line writes them: what is refused, and what is said of results that hold nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.test_cli import files, ltdesk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "scan.npy", np.random.default_rng(3).poisson(20, (4, 5, 16, 20)).astype("<u2"))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("radial:nbins=10000000", "no pixel of the 16x20 frame is farther than 12 from the centre. Give nbins=13."),
        ("radial:cy=9000", "the centre (9000, 9.5) is 9000 pixels from a corner of the 16x20 frame"),
        ("radial:cy=1e300", "'radial:cy=1e300': cy: "),
        ("annular:cx=-1e200", "'annular:cx=-1e200': cx: "),
        ("radial_fourier:ratio=1e-300", "'radial_fourier:ratio=1e-300': ratio: "),
    ],
)
def test_numbers_beyond_all_measure_are_refused(folder: Path, words: str, said: str) -> None:
    assert said in ltdesk("run", "scan.npy", "-o", "no.npz", "--analysis", words, cwd=folder, status=2).stderr
    assert files(folder) == {"scan.npy"}


def test_numbers_beyond_all_measure_that_mean_something_are_computed_in_silence(folder: Path) -> None:
    done = ltdesk(
        "run", "scan.npy", "-o", "out.npz", "--detector", "bf*1e308=disk:8,9,3", "--analysis", "snr:weight=1e308",
        "--analysis", "com:descan=1e308+0+0+1e308+1e308+0,maps=y+x+curl+divergence+icom",
        "--analysis", "annular:radii=0+1e200", cwd=folder,
    )  # fmt: skip
    assert not done.stderr
    with np.load(folder / "out.npz") as result:
        assert np.isinf(result["bf"]).all()
        np.testing.assert_array_equal(result["annular"][..., 0], np.load(folder / "scan.npy").sum((2, 3)))


def test_rings_and_dead_pixels_that_select_nothing_are_warnings(folder: Path) -> None:
    done = ltdesk(
        "run", "scan.npy", "-o", "out.npz", "--dead-pixels", "point:500,3", "--analysis", "annular:radii=500+600",
        "--analysis", "radial_fourier:r_in=90,r_out=99", "--analysis", "radial:cy=-100,nbins=5",
        "--analysis", "radial:name=whole", cwd=folder,
    )  # fmt: skip
    said = [line.removeprefix("ltdesk: warning: ") for line in done.stderr.splitlines() if "no pixel of" in line]
    who = ["'annular'", "'fourier'", "'radial'", "--dead-pixels"]
    assert said == [f"{name} selects no pixel of the 16x20 frame" for name in who]


def test_a_fit_that_found_nothing_says_so(tmp_path: Path) -> None:
    np.save(tmp_path / "dark.npy", np.zeros((4, 4, 16, 20), "<u2"))
    done = ltdesk("run", "dark.npy", "-o", "out.npz", "--analysis", "radial:centre=fit", cwd=tmp_path)
    assert "warning: no direct beam stands out: 'radial' is about the frame's centre" in done.stderr
    assert "about cy" not in done.stderr
    for fit in ("rotation=fit", "descan=plane"):
        words = ("run", "dark.npy", "-o", "no.npz", "--analysis", f"com:name=dpc,{fit}")
        said = ltdesk(*words, cwd=tmp_path, status=2).stderr
        assert "'dpc': the centre of mass is known nowhere: no frame has counts" in said


def test_a_rotation_names_the_opposite_one(tmp_path: Path) -> None:
    y, x = np.indices((16, 20))
    rows = np.sin(np.arange(6.0))[:, None, None, None] + np.cos(np.arange(5.0))[:, None, None]
    np.save(tmp_path / "scan.npy", np.rint(900 * np.exp(-((y - 8 - rows) ** 2 + (x - 9) ** 2) / 8)).astype("<u2"))
    words = ("run", "scan.npy", "-o", "out.npz", "--detector", "bf=disk:8,9,6")
    done = ltdesk(*words, "--analysis", "com:rotation=fit", cwd=tmp_path).stderr
    found = [float(part.split(",")[0].split(":")[0]) for part in done.split("rotation=")[1:3]]
    assert abs(found[0] - found[1]) == pytest.approx(180)
    assert "mask=NAME with a detector around the direct beam" in done
    assert "mask=NAME" not in ltdesk(*words, "--analysis", "com:rotation=fit,mask=bf", cwd=tmp_path).stderr
