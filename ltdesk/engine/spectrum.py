"""Spectra of pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.pixels import picture_of


def fft_magnitude(picture: NDArray[Any], window: bool = False) -> NDArray[np.float64]:
    """The absolute value of a picture's discrete Fourier transform.

    Parameters
    ----------
    picture : (height, width), a frame or an image; what is not finite counts as the mean of the rest
    window : multiply the difference from the mean by a Hann window first, against the cross that edges make

    Returns
    -------
    magnitude : (height, width), frequency 0 at ``(height // 2, width // 2)``, one step per picture

    Raises UsageError where it is none.
    """
    values = picture_of(picture).astype(np.float64)
    known = np.isfinite(values)
    mean = float(values[known].mean()) if known.any() else 0.0
    values = np.where(known, values, mean)
    if window:
        height, width = values.shape
        values = mean + (values - mean) * np.outer(_hann(height), _hann(width))
    return np.abs(np.fft.fftshift(np.fft.fft2(values)))


def inverse_unit(unit: str) -> str:
    """The unit of frequencies over lengths in `unit`."""
    return unit.removeprefix("1/") if unit.startswith("1/") else f"1/{unit}"


def _hann(size: int) -> NDArray[np.float64]:
    """A Hann window of period `size`."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(size) + 0.5) / size)
