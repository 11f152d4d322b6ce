"""Centres and ellipses that the command line fits in the scan: the numbers are those of the Python API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ltdesk as api
from ltdesk.geometry import Ellipse
from tests.engine.test_ring_fit import pattern
from tests.test_cli import ltdesk

WANTED = Ellipse(cy=78.5, cx=91.25, ry=43, rx=47, deg=30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rings")
    frames = np.random.default_rng(1).poisson(np.broadcast_to(pattern(WANTED), (3, 4, 160, 180)))
    np.save(folder / "scan.npy", frames.astype("<u2"))
    return folder


def specs(path: Path) -> dict[str, dict[str, Any]]:
    with np.load(path) as result:
        return {spec["name"]: spec for spec in json.loads(str(result["recipe"]))["job"]["analyses"]}


def test_fitted_numbers_are_in_the_recipe(folder: Path) -> None:
    done = ltdesk(
        "run", "scan.npy", "-o", "out.npz", "--detector", "bf=disk:78,91,20", "--analysis", "com:centre=fit,mask=bf",
        "--analysis", "radial:name=profile,ellipse=32+60,nbins=60", "--analysis", "radial", cwd=folder,
    )  # fmt: skip
    assert "'com' is about cy=78." in done.stderr
    assert "'profile' is about cy=78." in done.stderr
    found = specs(folder / "out.npz")
    assert (found["com"]["cy"], found["com"]["cx"]) == pytest.approx((78.5, 91.25), abs=0.5)
    assert (found["profile"]["cy"], found["profile"]["cx"]) == pytest.approx((78.5, 91.25), abs=0.15)
    assert found["profile"]["ratio"] == pytest.approx(43 / 47, abs=0.005)
    assert found["profile"]["deg"] == pytest.approx(30, abs=3)
    assert found["radial"]["cy"] is None
    ltdesk("run", "scan.npy", "-o", "again.npz", "--recipe", "out.npz", cwd=folder)
    with np.load(folder / "out.npz") as out, np.load(folder / "again.npz") as again:
        assert out["profile"].tobytes() == again["profile"].tobytes()
        with api.open(folder / "scan.npy") as dataset:
            ring = api.fit_ring(api.run(dataset, api.MeanFrame())["mean_frame"], 32, 60)
            wanted = api.run(dataset, api.RadialProfile(nbins=60).about(ring))["radial"]
        np.testing.assert_allclose(out["profile"], wanted, rtol=1e-9)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("radial:centre=middle", "the centre 'middle' is not known"),
        ("radial:ellipse=30", "'30' is not two radii"),
        ("radial:ellipse=50+30", "'radial': a ring between 50 and 30 pixels makes no sense"),
        ("radial:ellipse=60+70,name=outer", "'outer': there is no ring between 60 and 70 pixels"),
        ("com:ellipse=30+50", "'com' has no 'ellipse'"),
        ("sum_frame:centre=fit", "'sum_frame' has no 'centre'"),
        ("radial:rotation=fit", "'radial' has no 'rotation'"),
    ],
)
def test_a_fit_that_makes_no_sense_is_one_line(folder: Path, words: str, said: str) -> None:
    assert said in ltdesk("run", "scan.npy", "-o", "no.npz", "--analysis", words, cwd=folder, status=2).stderr
    assert not (folder / "no.npz").exists()


def test_descan_and_rotation_are_those_of_the_python_api(tmp_path: Path) -> None:
    y, x = np.indices((12, 14))
    wells = np.exp(-((y - 5) ** 2 + (x - 7) ** 2) / 8)
    gy, gx = np.gradient(wells)
    turned = (gx + 1j * gy) * np.exp(-1j * np.radians(40)) * 10 + (0.05 * x + 1j * 0.08 * y)
    ky, kx = np.indices((40, 40)) - 19.5
    frames = 2000 * np.exp(-((ky - turned.imag[..., None, None]) ** 2 + (kx - turned.real[..., None, None]) ** 2) / 18)
    np.save(tmp_path / "scan.npy", np.rint(frames).astype("<u2"))
    done = ltdesk(
        "run", "scan.npy", "-o", "o.npz", "--analysis", "com:descan=plane,rotation=fit,maps=y+curl", cwd=tmp_path
    )
    spec = specs(tmp_path / "o.npz")["com"]
    assert "'com' has descan=" in done.stderr
    with api.open(tmp_path / "scan.npy") as dataset:
        com = api.run(dataset, api.CenterOfMass())
        descan = api.fit_descan(com["com_y"], com["com_x"])
        flat = api.run(dataset, api.CenterOfMass(descan=descan))
        deg, flip = api.rotation_by_minimal_curl(flat["com_y"], flat["com_x"])
        assert (tuple(spec["descan"]), spec["rotation"], spec["flip"]) == (descan, deg, flip)
        wanted = api.run(dataset, api.CenterOfMass(descan=descan, rotation=deg, flip=flip, maps=("y", "curl")))
    assert deg == pytest.approx(40, abs=3)
    with np.load(tmp_path / "o.npz") as result:
        for name in ("com_y", "com_curl"):
            assert result[name].tobytes() == wanted[name].tobytes()


def test_a_detector_is_suggested(tmp_path: Path) -> None:
    expected = np.full((6, 8, 12, 16), 10.0)
    expected[:, 4:, 2, 3] += 30
    np.save(tmp_path / "scan.npy", np.random.default_rng(3).poisson(expected).astype("<u2"))
    words = ("--suggest", "best", "rect:0,4,6,8", "rect:0,0,6,4")
    analyses = ("--analysis", "sum_signal", "--analysis", "snr:mask=best")
    ltdesk("run", "scan.npy", "-o", "o.npz", *words, *analyses, cwd=tmp_path)
    with np.load(tmp_path / "o.npz") as result, api.open(tmp_path / "scan.npy") as dataset:
        regions = api.Rectangle(y0=0, x0=4, y1=6, x1=8), api.Rectangle(y0=0, x0=0, y1=6, x1=4)
        best = api.suggest_detector(dataset, *regions, name="best")
        wanted = api.run(dataset, [best, api.SignalToNoise(best.shape)])
        assert result["best"].tobytes() == wanted["best"].tobytes()
        assert set(result) == {"best", "sum_signal", "noise_sigma", "noise_snr", "valid", "recipe", "execution"}
        assert result["noise_sigma"].tobytes() == wanted["noise_sigma"].tobytes()
    bad = ("--suggest", "bad name", "rect:0,4,6,8", "rect:0,0,6,4")
    assert "'bad name'" in ltdesk("run", "scan.npy", "-o", "n.npz", *bad, cwd=tmp_path, status=2).stderr
