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
