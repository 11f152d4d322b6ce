"""What a pixel of a Fourier transform measures."""

from __future__ import annotations

from typing import NamedTuple

from ltdesk.engine.spectrum import inverse_unit
from ltdesk.geometry import Size2D


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
