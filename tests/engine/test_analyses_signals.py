"""One number from each frame, against numpy and exact fractions."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from ltdesk.analysis import MaxSignal, MeanSignal, StdSignal, SumSignal
from ltdesk.geometry import Rectangle
from tests.engine.everywhere import run_everywhere
from tests.engine.executor_suite import SCAN, make_array
from tests.engine.test_analyses_frames import INTEGERS, exact_variance

ANALYSES = (SumSignal(), MeanSignal(), StdSignal(), MaxSignal())


@pytest.mark.parametrize("dtype", ["?", *INTEGERS])
def test_integers_are_exact(tmp_path: Path, dtype: str) -> None:
    array = make_array(dtype)
    if array.dtype.kind != "b":
        array[0, 0], array[0, 1] = np.iinfo(dtype).max, np.iinfo(dtype).min
    results = run_everywhere(tmp_path, array, *ANALYSES)
    frames = array.reshape(*SCAN, -1)
    np.testing.assert_array_equal(results["max_signal"], frames.max(axis=-1))
    assert results["max_signal"].dtype == array.dtype.newbyteorder("=")
    expected = [exact_variance(frames[y, x]) ** 0.5 for y, x in np.ndindex(SCAN)]
    np.testing.assert_allclose(results["std_signal"].ravel(), expected, rtol=1e-15, atol=0)
    mean = [float(Fraction(sum(int(v) for v in frames[y, x]), frames.shape[-1])) for y, x in np.ndindex(SCAN)]
    fit = slice(2 if array.itemsize == 8 else 0, None)  # sums of 64-bit pixels wrap at their limits
    np.testing.assert_allclose(results["mean_signal"].ravel()[fit], mean[fit], rtol=1e-15)


@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f8"])
@pytest.mark.parametrize("offset", [0, 1000])
def test_floats(tmp_path: Path, dtype: str, offset: float) -> None:
    array = (make_array("f8") + offset).astype(dtype)
    results = run_everywhere(tmp_path, array, *ANALYSES)
    wide = array.astype(np.longdouble)
    np.testing.assert_allclose(results["std_signal"], wide.std(axis=(2, 3)).astype(float), rtol=1e-12)
    np.testing.assert_allclose(results["mean_signal"], wide.mean(axis=(2, 3)).astype(float), rtol=1e-14)
    np.testing.assert_array_equal(results["max_signal"], array.max(axis=(2, 3)))


@pytest.mark.parametrize("at", [0, 5, 300, 5000, 8191])
def test_nan_shows_wherever_it_is_in_the_frame(tmp_path: Path, at: int) -> None:
    array = np.random.default_rng(0).normal(size=(*SCAN, 64, 128)).astype("<f4")
    array[3, 4].reshape(-1)[at] = np.nan
    results = run_everywhere(tmp_path, array, *ANALYSES)
    for name in results:
        assert np.argwhere(np.isnan(results[name])).tolist() == [[3, 4]], name
    np.testing.assert_array_equal(results["max_signal"], array.max(axis=(2, 3)))


@pytest.mark.parametrize("dtype", ["u1", "<u2", "<i2", "<u4"])
def test_large_frames_do_not_wrap(tmp_path: Path, dtype: str) -> None:
    info = np.iinfo(dtype)
    array = np.full((*SCAN, 150, 128), info.max, dtype)
    array[..., :75, :] = info.min
    results = run_everywhere(tmp_path, array, *ANALYSES)
    assert (results["std_signal"] == (int(info.max) - int(info.min)) / 2).all()
    assert (results["mean_signal"] == (int(info.max) + int(info.min)) / 2).all()


def test_outside_the_region_there_is_nothing(tmp_path: Path) -> None:
    region = Rectangle(y0=2, x0=3, y1=6, x1=10)
    results = run_everywhere(tmp_path, make_array("<u2"), *ANALYSES, region=region)
    outside = ~region.mask(SCAN)
    np.testing.assert_array_equal(np.isnan(results["mean_signal"]), outside)
    np.testing.assert_array_equal(np.isnan(results["std_signal"]), outside)
    assert not results["max_signal"][outside].any()
