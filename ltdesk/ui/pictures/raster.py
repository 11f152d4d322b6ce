"""Arrays as QImages, with half-size copies of large ones. No widget and no painter: any thread may make them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PyQt5.QtGui import QImage

LARGE = 1024
"""A picture with a longer side gets half-size copies down to this, for Qt shrinks by leaving pixels out."""


class Raster(NamedTuple):
    """A QImage and the pixels that it shows; they live and die together."""

    pixels: NDArray[np.uint32]
    image: QImage


def raster(argb: NDArray[np.uint32]) -> Raster:
    """Premultiplied ``0xAARRGGBB`` (h, w) as a QImage of the same memory."""
    pixels = np.ascontiguousarray(argb)
    height, width = pixels.shape
    image = QImage(pixels.data.cast("B"), width, height, 4 * width, QImage.Format_ARGB32_Premultiplied)
    return Raster(pixels, image)


def pyramid(argb: NDArray[np.uint32]) -> tuple[Raster, ...]:
    """The picture, and its half-size copies, largest first."""
    rasters = [raster(argb)]
    while max(rasters[-1].pixels.shape) > LARGE:
        rasters.append(raster(halved(rasters[-1].pixels)))
    return tuple(rasters)


def halved(argb: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Each pixel the mean of two by two (of two, where there is but one row); an odd last one is left out."""
    if argb.shape[0] == 1:
        argb = np.repeat(argb, 2, axis=0)
    if argb.shape[1] == 1:
        argb = np.repeat(argb, 2, axis=1)
    height, width = (2 * (side // 2) for side in argb.shape)
    quads = argb[:height, :width]
    total_even = np.zeros((height // 2, width // 2), dtype=np.uint32)
    total_odd = total_even.copy()
    low = np.uint32(0x00FF00FF)
    for row in (0, 1):
        for column in (0, 1):
            part = quads[row::2, column::2]
            total_even += part & low
            total_odd += (part >> np.uint32(8)) & low
    two = np.uint32(2)
    return ((total_even >> two) & low) | (((total_odd >> two) & low) << np.uint32(8))


def stencil(mask: NDArray[np.bool_]) -> Raster | None:
    """A mask as a picture that is opaque where it is set; None where it is not set anywhere."""
    return raster(np.where(mask, np.uint32(0xFF000000), np.uint32(0))) if mask.any() else None
