"""Pictures of Fourier transforms, and what a pixel of one measures."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ltdesk.engine.spectrum import fft_magnitude, inverse_unit
from ltdesk.geometry import Size2D
from ltdesk.ui.pictures.content import WORK_COST, Work
from ltdesk.ui.pictures.prepare import Picture
from ltdesk.ui.pictures.vectors import Vectors


class FrequencyScale(NamedTuple):
    """As `PictureView.set_calibration` takes it: sizes along x and y, their unit, and where frequency 0 is."""

    size: float
    unit: str
    origin: tuple[float, float]
    size_y: float


def frequency_scale(shape: Size2D, pixel: float | None, unit: str) -> FrequencyScale:
    """The scale of the Fourier transform of a picture ``(height, width)`` whose pixels measure `pixel` of `unit` each.

    A pixel is one period in the whole picture. Without a size, frequencies are periods a pixel: ``1/px``.
    """
    height, width = shape
    size, name = (pixel, unit) if pixel else (1.0, "px")
    return FrequencyScale(1 / (width * size), inverse_unit(name), (height // 2, width // 2), 1 / (height * size))


def spectrum_work(make: Callable[[], Picture | Vectors], kind: str, size: int) -> Work:
    """The absolute Fourier transform of what `make` gives, of `size` pixels: ``plain`` or after a Hann ``window``."""
    return Work(lambda: _spectrum(make(), kind == "window"), WORK_COST * size)


def _spectrum(picture: Picture | Vectors, window: bool) -> Picture:
    """Of vectors it is that of their lengths; what is unknown counts as mean, and of nothing known there is none."""
    if isinstance(picture, Vectors):
        values, unit = np.hypot(picture.y, picture.x), picture.unit
    else:
        values, unit = picture.values, picture.unit
    if picture.valid is not None and not picture.valid.all():
        values = np.where(picture.valid, values, np.nan)
    known = np.isfinite(values).any()
    magnitude = fft_magnitude(values, window) if known else np.full(values.shape, np.nan)
    return Picture(magnitude, unit=unit, status=picture.status, missing=picture.missing)
