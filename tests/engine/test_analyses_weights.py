"""Weighted detectors, one or many in a job: what their weights give, and the same bytes alone and in company."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ltdesk.analysis import SumFrame, VirtualDetector
from ltdesk.geometry import Disk, PixelMask, Rectangle
from tests.engine.everywhere import run_everywhere
from tests.engine.executor_suite import FRAME, SCAN, make_array


def detectors(count: int, size: tuple[int, int] = FRAME) -> list[VirtualDetector]:
    random = np.random.default_rng(count)
    weights = [random.normal(size=size) * (random.random(size) < 0.7) for _ in range(count)]
    return [VirtualDetector(PixelMask.from_array(w), name=f"w{i}") for i, w in enumerate(weights)]


@pytest.mark.parametrize("dtype", ["?", "u1", "<u2", ">u2", "<i2", "<u4", "<u8", "<f2", ">f4", "<f8"])
@pytest.mark.parametrize("count", [1, 4, 6, 9, 17])
def test_weighted_sums(tmp_path: Path, dtype: str, count: int) -> None:
    array, specs = make_array(dtype), detectors(count)
    results = run_everywhere(tmp_path, array, *specs)
    for spec in specs:
        weights = spec.shape.weights(FRAME)
        assert weights is not None
        products = array.astype(np.longdouble) * weights
        error = np.abs(results[spec.name] - products.sum(axis=(2, 3)))
        assert (error <= 1e-13 * np.abs(products).sum(axis=(2, 3))).all()


@pytest.mark.parametrize("count", [3, 10])
def test_several_blocks_of_pixels(tmp_path: Path, count: int) -> None:
    array = np.random.default_rng(0).integers(0, 1000, (*SCAN, 100, 90), dtype=np.uint16)
    sparse = np.zeros((100, 90))
    sparse[99, 80:] = 0.5
    specs = [*detectors(count, (100, 90)), VirtualDetector(PixelMask.from_array(sparse), name="sparse")]
    results = run_everywhere(tmp_path, array, *specs)
    for spec in specs:
        weights = spec.shape.weights((100, 90))
        assert weights is not None
        expected = (array * weights).sum(axis=(2, 3))
        np.testing.assert_allclose(results[spec.name], expected, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("count", [5, 11])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_pixel_of_weight_0_is_never_taken_in(tmp_path: Path, bad: float, count: int) -> None:
    array, specs = make_array("<f4"), detectors(count)
    clean = array.copy()
    array[3, 4, 5, 6] = bad
    results = run_everywhere(tmp_path, array, *specs)
    for spec in specs:
        weights = spec.shape.weights(FRAME)
        assert weights is not None
        expected = (clean.astype(float) * weights).sum(axis=(2, 3))
        expected[3, 4] += bad * weights[5, 6] if weights[5, 6] else 0
        np.testing.assert_allclose(results[spec.name], expected, rtol=1e-9, atol=1e-9)


def test_weights_masks_and_frames_in_one_job_keep_their_order(tmp_path: Path) -> None:
    first, second, third = detectors(3)
    disk = VirtualDetector(Disk(cy=5, cx=7, r=3), name="disk")
    heavy = third.model_copy(update={"weight": -2.0})
    region = Rectangle(y0=2, x0=3, y1=6, x1=10)
    results = run_everywhere(tmp_path, make_array("<u2"), first, disk, second, SumFrame(), heavy, region=region)
    assert list(results) == ["w0", "disk", "w1", "sum_frame", "w2"]
    light = run_everywhere(tmp_path, make_array("<u2"), third, region=region)["w2"]
    np.testing.assert_array_equal(results["w2"], -2 * light)
    np.testing.assert_array_equal(np.isnan(results["w0"]), ~region.mask(SCAN))
