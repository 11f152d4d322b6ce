"""Folds of all frames: standard deviation and variance, against exact fractions."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ltdesk.analysis import MaxFrame, MeanFrame, StdFrame, SumFrame, VarFrame
from ltdesk.engine.kernels.squares import add_squares, digit_counts, variance
from ltdesk.geometry import Rectangle
from tests.engine.everywhere import run_everywhere, run_with_missing
from tests.engine.executor_suite import FRAME, SCAN, make_array

INTEGERS = ["u1", "i1", "<u2", ">u2", "<i2", "<u4", ">i4", "<u8", "<i8"]


def exact_variance(values: NDArray[Any]) -> float:
    """Of one pixel, as a fraction of whole numbers rounded once."""
    whole = [int(v) for v in values]
    return float(Fraction(len(whole) * sum(v * v for v in whole) - sum(whole) ** 2, len(whole) ** 2))


def exact_variances(frames: NDArray[Any]) -> NDArray[np.float64]:
    flat = frames.reshape(len(frames), -1)
    return np.array([exact_variance(flat[:, p]) for p in range(flat.shape[1])]).reshape(frames.shape[1:])


@pytest.mark.parametrize("dtype", ["?", *INTEGERS])
def test_integers_are_exact(tmp_path: Path, dtype: str) -> None:
    array = make_array(dtype)
    if array.dtype.kind != "b":
        array[:, :, 0, 0], array[:, :, 0, 1] = np.iinfo(dtype).max, np.iinfo(dtype).min
        array[0, 0, 0, 1] = np.iinfo(dtype).max
    results = run_everywhere(tmp_path, array, StdFrame(), VarFrame(), SumFrame(), MeanFrame(), MaxFrame())
    expected = exact_variances(array.reshape(-1, *FRAME))
    np.testing.assert_allclose(results["var_frame"], expected, rtol=1e-15, atol=0)
    np.testing.assert_array_equal(results["std_frame"], np.sqrt(results["var_frame"]))
    assert results["std_frame"].dtype == np.float64
    if array.dtype.kind != "b":
        assert results["std_frame"][0, 0] == 0


@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f4", "<f8"])
@pytest.mark.parametrize("offset", [0, 1e3])
def test_floats_keep_a_small_spread_on_a_large_mean(tmp_path: Path, dtype: str, offset: float) -> None:
    array = (make_array("f8") + (offset if dtype != "<f8" else offset * 1e6)).astype(dtype)
    results = run_everywhere(tmp_path, array, VarFrame(), StdFrame(name="sd"))
    exact = np.array([[[Fraction(float(v)) for v in row] for row in frame] for frame in array.reshape(-1, *FRAME)])
    mean = exact.sum(axis=0) / len(exact)
    expected = (((exact - mean) ** 2).sum(axis=0) / len(exact)).astype(float)
    tolerance = max(1e-12, 2e-15 * float(mean.max()) / expected.min() ** 0.5)  # a difference of sums: its square
    np.testing.assert_allclose(results["var_frame"], expected, rtol=tolerance)
    np.testing.assert_allclose(results["sd"], np.sqrt(expected), rtol=tolerance)


def test_nan_and_infinity_stay_in_their_pixels(tmp_path: Path) -> None:
    array = make_array("<f4")
    array[4, 4, 2, 2], array[5, 5, 3, 3] = np.nan, np.inf
    found = run_everywhere(tmp_path, array, StdFrame())["std_frame"]
    assert np.argwhere(np.isnan(found)).tolist() == [[2, 2], [3, 3]]


@pytest.mark.parametrize("dtype", ["<u2", "<i2", "<f4"])
def test_only_the_regions_frames_count(tmp_path: Path, dtype: str) -> None:
    array, region = make_array(dtype), Rectangle(y0=2, x0=3, y1=6, x1=10)
    specs = (StdFrame(), VarFrame(), MaxFrame(), SumFrame(), MeanFrame())
    found = run_everywhere(tmp_path, array, *specs, region=region)
    inside = array[2:6, 3:10]
    wide = inside.astype(float)
    np.testing.assert_allclose(found["std_frame"], wide.std(axis=(0, 1)), rtol=1e-12)
    np.testing.assert_allclose(found["var_frame"], wide.var(axis=(0, 1)), rtol=1e-12)
    np.testing.assert_array_equal(found["max_frame"], inside.max(axis=(0, 1)))
    np.testing.assert_allclose(found["sum_frame"], wide.sum(axis=(0, 1)), rtol=1e-12)
    np.testing.assert_allclose(found["mean_frame"], wide.mean(axis=(0, 1)), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["<u2", "<f4"])
def test_missing_frames_do_not_count(tmp_path: Path, dtype: str) -> None:
    array, missing = make_array(dtype), {(0, 0), (3, 4), (8, 10)}
    results = run_with_missing(tmp_path, array, missing, StdFrame())
    kept = np.ones(SCAN, bool)
    kept[tuple(np.transpose(list(missing)))] = False
    np.testing.assert_array_equal(results.valid, kept)
    np.testing.assert_allclose(results["std_frame"], array[kept].astype(float).std(axis=0), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["<u2", "<f4"])
def test_without_a_frame_there_is_no_spread(tmp_path: Path, dtype: str) -> None:
    nowhere = Rectangle(y0=50, x0=50, y1=51, x1=51)
    results = run_everywhere(tmp_path, make_array(dtype), StdFrame(), VarFrame(), region=nowhere)
    assert np.isnan(results["std_frame"]).all()
    assert np.isnan(results["var_frame"]).all()


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(INTEGERS), st.data())
def test_sums_of_squares_of_any_numbers(text: str, data: st.DataObject) -> None:
    dtype = np.dtype(text).newbyteorder("=")
    limits = np.iinfo(dtype)
    values = data.draw(st.lists(st.integers(int(limits.min), int(limits.max)), min_size=1, max_size=40))
    flat = np.array(values, dtype)
    flat.flags.writeable = False
    sums, squares = ([np.zeros(1, np.uint64) for _ in range(count)] for count in digit_counts(dtype))
    add_squares(flat, 1, len(values), sums, squares)
    np.testing.assert_allclose(variance(len(values), sums, squares), exact_variance(flat), rtol=1e-15)


@pytest.mark.parametrize(("dtype", "frames"), [("u2", 2**32 - 2), ("u4", 2**32 - 2), ("u8", 2**30)])
def test_digits_hold_the_largest_scans(dtype: str, frames: int) -> None:
    top = int(np.iinfo(dtype).max)
    flat = np.array([top], dtype)
    flat.flags.writeable = False
    sums, squares = ([np.zeros(1, np.uint64) for _ in range(count)] for count in digit_counts(np.dtype(dtype)))
    add_squares(flat, 1, 1, sums, squares)
    half = frames // 2  # half of all frames are at the top, the others 0
    assert all(int(digit[0]) * half < 2**64 for digit in (*sums, *squares))
    many = [[digit * np.uint64(half) for digit in digits] for digits in (sums, squares)]
    np.testing.assert_allclose(variance(2 * half, *many), top**2 / 4, rtol=1e-15)
