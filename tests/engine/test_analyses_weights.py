"""Weighted detectors, one or many in a job: what their weights give, and the same bytes alone and in company."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ltdesk.analysis import SumFrame, VirtualDetector
from ltdesk.geometry import Disk, PixelMask, Rectangle
from tests.engine.everywhere import run_everywhere
from tests.engine.executor_suite import FRAME, SCAN, make_array

ALLOWED = 1e-6
"""What sums of short integers may be off, in parts of Σ|w·I|."""


def detectors(count: int, size: tuple[int, int] = FRAME) -> list[VirtualDetector]:
    random = np.random.default_rng(count)
    weights = [random.normal(size=size) * (random.random(size) < 0.7) for _ in range(count)]
    return [VirtualDetector(PixelMask.from_array(w), name=f"w{i}") for i, w in enumerate(weights)]


def errors(found: NDArray[Any], array: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
    """Of weighted sums of each frame, in parts of the sum of sizes."""
    products = array.astype(np.longdouble) * weights
    size = np.abs(products).sum(axis=(2, 3))
    return np.asarray(np.abs(found - products.sum(axis=(2, 3))) / np.where(size > 0, size, 1))


@pytest.mark.parametrize("dtype", ["?", "u1", "<u2", ">u2", "<i2", "<u4", "<u8", "<f2", ">f4", "<f8"])
@pytest.mark.parametrize("count", [1, 4, 6, 9, 17])
def test_weighted_sums(tmp_path: Path, dtype: str, count: int) -> None:
    array, specs = make_array(dtype), detectors(count)
    results = run_everywhere(tmp_path, array, *specs)
    for spec in specs:
        weights = spec.shape.weights(FRAME)
        assert weights is not None
        assert (errors(results[spec.name], array, weights) <= (ALLOWED if array.itemsize <= 2 else 1e-13)).all()


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
        assert (errors(results[spec.name], array, weights) <= ALLOWED).all()


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


@pytest.mark.parametrize("dtype", ["u1", "i1", "<u2", ">i2"])
def test_the_largest_and_smallest_counts(tmp_path: Path, dtype: str) -> None:
    """Weights of about the same size and one sign are the worst for sums in float32: roundings add up."""
    random = np.random.default_rng(0)
    bounds = np.iinfo(dtype)
    array = np.full((*SCAN, 128, 100), bounds.max, dtype)
    array[1], array[2] = bounds.min, random.integers(bounds.min, bounds.max, array.shape[1:], endpoint=True)
    weights = {"even": np.full((128, 100), 0.1), "uneven": random.uniform(0.9, 1.1, (128, 100))}
    specs = [VirtualDetector(PixelMask.from_array(values), name=name) for name, values in weights.items()]
    results = run_everywhere(tmp_path, array, *specs)
    for name, values in weights.items():
        assert (errors(results[name], array, values) <= ALLOWED).all()


def test_small_whole_weights_give_exact_sums(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    array = random.integers(60000, 65535, (*SCAN, 64, 80), dtype=np.uint16, endpoint=True)
    weights = random.integers(-5, 5, (64, 80), endpoint=True)
    found = run_everywhere(tmp_path, array, VirtualDetector(PixelMask.from_array(weights.astype(float)), name="w"))["w"]
    np.testing.assert_array_equal(found, (array.astype(np.int64) * weights).sum(axis=(2, 3)))


@pytest.mark.parametrize("size", [1e-290, 1e-3, 1e290])
def test_weights_of_any_size_and_range_alone_and_in_company(tmp_path: Path, size: float) -> None:
    """Those of a Gaussian are smaller far out than float32 can tell: the only counts may be there."""
    y, x = np.indices((40, 50))
    shapes = {
        "gaussian": np.exp(-((y - 20) ** 2 + (x - 25) ** 2) / 4.0),
        "slope": size * (x - 24.5),
        "both": size * np.exp(-((y - 20) ** 2 + (x - 25) ** 2) / 9.0),
        "none": np.zeros((40, 50)),
    }
    array = make_array("<u2")[..., :1, :1] * np.ones((40, 50), np.uint16)
    array[:3, :, 5:-5, 5:-5] = 0
    specs = {name: VirtualDetector(PixelMask.from_array(values), name=name) for name, values in shapes.items()}
    results = run_everywhere(tmp_path, array, *specs.values())
    for name, spec in specs.items():
        assert (errors(results[name], array, shapes[name]) <= ALLOWED).all()
        np.testing.assert_array_equal(run_everywhere(tmp_path, array, spec)[name], results[name])
