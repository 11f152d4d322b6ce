"""The direct beam is found where it was put, whatever lies on or beside it."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ltdesk.engine.bright_field import fit_direct_beam
from ltdesk.geometry import Disk

Frame = NDArray[np.float64]


def beam(size: tuple[int, int], cy: float, cx: float, r: float, level: float = 100.0) -> Frame:
    """A disk with an edge one pixel wide, (ky, kx) float64."""
    ys, xs = np.indices(size)
    return np.asarray(level * np.clip(r + 0.5 - np.hypot(ys - cy, xs - cx), 0, 1))


def near(disk: Disk, cy: float, cx: float, r: float, within: float = 0.5) -> bool:
    return max(abs(disk.cy - cy), abs(disk.cx - cx), abs(disk.r - r)) <= within


@given(
    cy=st.floats(40, 60),
    cx=st.floats(35, 80),
    r=st.floats(6, 30),
    counts=st.integers(50, 2000),
    seed=st.integers(0, 99),
)
def test_a_disk_in_counts_is_found_within_half_a_pixel(cy: float, cx: float, r: float, counts: int, seed: int) -> None:
    frame = np.random.default_rng(seed).poisson(beam((96, 120), cy, cx, r, counts) + 0.5)
    assert near(fit_direct_beam(frame.astype(np.uint16)), cy, cx, r, 0.6)


def test_diffracted_disks_a_slope_and_structure_inside_do_not_move_it() -> None:
    frame = beam((128, 128), 60.3, 66.8, 14)
    ys, xs = np.indices(frame.shape)
    frame *= 1 + 0.4 * np.cos(xs / 3)
    for dy, dx in ((32, 0), (-32, 0), (0, 32), (0, -32), (32, 32)):
        frame += beam(frame.shape, 60.3 + dy, 66.8 + dx, 14, 35)
    frame += 8 * np.exp(-np.hypot(ys - 60, xs - 67) / 30)
    assert near(fit_direct_beam(frame), 60.3, 66.8, 14, 0.8)


def test_hot_pixels_and_nan_do_not_move_it() -> None:
    frame = beam((96, 96), 50, 45, 10)
    frame[5, 90] = frame[5, 91] = 1e9
    frame[80, 3] = np.inf
    frame[50, 45] = np.nan
    assert near(fit_direct_beam(frame), 50, 45, 10)


def test_a_beam_stop_over_a_part_of_it_is_seen_through() -> None:
    frame = beam((128, 128), 64, 64, 20)
    frame[:, 70:] = 0
    assert near(fit_direct_beam(frame), 64, 64, 20, 1.5)


def test_a_disk_that_leaves_the_frame_keeps_its_radius() -> None:
    assert near(fit_direct_beam(beam((96, 96), 48, 6, 18)), 48, 6, 18, 1.0)


def test_a_large_frame_is_fitted_in_its_own_pixels() -> None:
    assert near(fit_direct_beam(beam((1024, 900), 500.5, 420, 130)), 500.5, 420, 130, 1.5)


def test_a_spot_of_parallel_illumination_is_found() -> None:
    frame = np.zeros((64, 64))
    frame[30:33, 40:43] = 1000
    disk = fit_direct_beam(frame)
    assert near(disk, 31, 41, 1.5, 0.8)


@pytest.mark.parametrize("frame", [np.zeros((8, 6)), np.full((8, 6), np.nan), np.full((8, 6), 7)])
def test_without_a_beam_it_is_the_middle_of_the_frame(frame: Frame) -> None:
    assert fit_direct_beam(frame) == Disk(cy=3.5, cx=2.5, r=1.0)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 2), (4, 5), (3, 3000)])
def test_the_smallest_frames_give_a_disk(size: tuple[int, int]) -> None:
    disk = fit_direct_beam(np.arange(size[0] * size[1], dtype=np.int32).reshape(size))
    assert disk.r >= 1


@pytest.mark.samples
def test_the_simulated_sample(samples: Path) -> None:
    with h5py.File(samples / "simulated" / "srtio3_40x40x95x95.h5") as file:
        data = file["data"]
        mean = data[::8, ::8].mean(axis=(0, 1))
        expected = 21.0 / float(data.attrs["frame_pixel_mrad"])
    assert near(fit_direct_beam(mean), 47, 47, expected, 1.5)
