"""Spectra of pictures, against scipy and waves whose frequency is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.fft
import scipy.signal.windows

from ltdesk.analysis import FftFrame
from ltdesk.engine.spectrum import fft_magnitude
from ltdesk.geometry import Rectangle
from tests.engine.everywhere import run_everywhere
from tests.engine.executor_suite import FRAME, make_array


@pytest.mark.parametrize("shape", [(8, 9), (7, 12), (1, 5)])
def test_magnitudes_with_frequency_0_in_the_middle(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).normal(size=shape)
    expected = np.abs(scipy.fft.fftshift(scipy.fft.fft2(picture)))
    np.testing.assert_allclose(fft_magnitude(picture), expected, atol=1e-12)


def test_a_wave_is_two_spots() -> None:
    y, x = np.indices((32, 48))
    found = fft_magnitude(1 + np.cos(2 * np.pi * (3 * y / 32 + 5 * x / 48)))
    assert sorted(map(tuple, np.argwhere(found > 1).tolist())) == [(13, 19), (16, 24), (19, 29)]


def test_a_window_takes_the_cross_away() -> None:
    ramp = np.indices((32, 48))[1] + 100.0
    assert fft_magnitude(ramp, window=True)[16, 34] < 0.05 * fft_magnitude(ramp)[16, 34]
    hann = np.outer(*(scipy.signal.windows.hann(2 * n + 1)[1::2] for n in (32, 48)))
    expected = np.abs(scipy.fft.fftshift(scipy.fft.fft2((ramp - ramp.mean()) * hann + ramp.mean())))
    np.testing.assert_allclose(fft_magnitude(ramp, window=True), expected, atol=1e-9)


def test_what_is_not_known_counts_as_the_mean() -> None:
    picture = np.random.default_rng(0).normal(size=(6, 7))
    picture[2, 3] = np.nan
    filled = np.where(np.isnan(picture), np.nanmean(picture), picture)
    np.testing.assert_allclose(fft_magnitude(picture), fft_magnitude(filled))
    assert not fft_magnitude(np.full((4, 4), np.nan)).any()


@pytest.mark.parametrize("window", [False, True])
def test_the_spectrum_of_the_mean_frame(tmp_path: Path, window: bool) -> None:
    array = make_array("<u2")
    results = run_everywhere(tmp_path, array, FftFrame(window=window))
    expected = fft_magnitude(array.mean(axis=(0, 1)), window)
    np.testing.assert_allclose(results["fft_frame"], expected, rtol=1e-9)
    assert results.specs["fft_frame"].shape((9, 11), FRAME) == FRAME
    nowhere = run_everywhere(tmp_path, array, FftFrame(), region=Rectangle(y0=50, x0=50, y1=51, x1=51))
    assert np.isnan(nowhere["fft_frame"]).all()
