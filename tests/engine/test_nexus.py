"""Axes of results in HDF5 files: places and units, calibrated where the scan is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import ltdesk
from tests.test_cli import ltdesk as command

SCAN, FRAME = (4, 5), (16, 20)
Axes = dict[str, tuple[list[float], str]]


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        data = file.create_dataset("data", data=np.random.default_rng(3).poisson(20, SCAN + FRAME).astype("<u2"))
        data.attrs.update({"scan_step_nm": 0.5, "frame_pixel_mrad": 2.0})
    return tmp_path / "scan.h5"


def axes_of(path: Path, name: str) -> Axes:
    with h5py.File(path) as file:
        group = file[f"entry/{name}"]
        names = list(group.attrs["axes"])
        assert group["data"].shape == tuple(group[axis].size for axis in names)
        return {axis: (group[axis][()].tolist(), group[axis].attrs["units"]) for axis in names}


def saved(scan: Path, *analyses: Any) -> Path:
    with ltdesk.open(scan) as dataset:
        ltdesk.save(ltdesk.run(dataset, analyses), scan.with_name("out.h5"))
    return scan.with_name("out.h5")


def test_distances_from_a_centre_are_calibrated(scan: Path) -> None:
    rings = ltdesk.AnnularSeries(radii=(3, 10, 30)), ltdesk.AnnularSeries(name="quarters")
    out = saved(scan, ltdesk.RadialProfile(nbins=4), *rings)
    assert axes_of(out, "radial") == {
        "scan_y": ([0.0, 0.5, 1.0, 1.5], "nm"),
        "scan_x": ([0.0, 0.5, 1.0, 1.5, 2.0], "nm"),
        "distance": ([0.0, 2.0, 4.0, 6.0], "mrad"),
    }
    assert axes_of(out, "annular")["distance"] == ([13.0, 40.0], "mrad"), "the middles of the rings"
    edges = np.array(rings[1].edges(FRAME))
    assert axes_of(out, "quarters")["distance"] == ((edges[:-1] + edges[1:]).tolist(), "mrad")


def test_frequencies_are_0_in_the_middle(scan: Path) -> None:
    y, x = axes_of(saved(scan, ltdesk.FftFrame()), "fft_frame").items()
    assert (y[0], x[0]) == ("frequency_y", "frequency_x")
    np.testing.assert_allclose(y[1][0], (np.arange(16) - 8) / (16 * 2.0))
    np.testing.assert_allclose(x[1][0], (np.arange(20) - 10) / (20 * 2.0))
    assert y[1][1] == x[1][1] == "1/mrad"


def test_frequencies_of_an_image_go_by_the_scans_step(scan: Path) -> None:
    words = ("--analysis", "sum_signal", "--fft", "sum_signal", "--analysis", "sum_frame", "--fft", "sum_frame")
    command("run", scan, "-o", "out.h5", *words, cwd=scan.parent)
    found = axes_of(scan.with_name("out.h5"), "sum_signal_fft")
    assert found["frequency_y"] == ([-1.0, -0.5, 0.0, 0.5], "1/nm")
    assert found["frequency_x"][0][2] == 0
    assert axes_of(scan.with_name("out.h5"), "sum_frame_fft")["frequency_x"][1] == "1/mrad"


def test_without_a_calibration_frequencies_are_periods_a_pixel(tmp_path: Path) -> None:
    np.save(tmp_path / "scan.npy", np.ones(SCAN + FRAME, "<u2"))
    found = axes_of(saved(tmp_path / "scan.npy", ltdesk.FftFrame(), ltdesk.RadialProfile()), "fft_frame")
    assert found["frequency_y"][1] == "1/px"
    assert found["frequency_y"][0][0] == -0.5
    assert axes_of(tmp_path / "out.h5", "radial")["distance"][1] == "px"
