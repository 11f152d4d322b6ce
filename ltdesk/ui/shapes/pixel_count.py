"""What a shape selects on a frame of a given size, in numbers and words."""

from __future__ import annotations

from dataclasses import dataclass

from ltdesk.geometry import AnyShape, Size2D
from ltdesk.shape_bounds import partly_outside


@dataclass(frozen=True)
class PixelCount:
    """How many pixels of a frame a shape selects, and what is wrong with it, in words."""

    pixels: int
    problem: str = ""

    @property
    def text(self) -> str:
        return f"{self.pixels:,} px".replace(",", "\N{NARROW NO-BREAK SPACE}")


def count_pixels(shape: AnyShape, size: Size2D) -> PixelCount:
    """Count. Takes a second for an outline of hundreds of points on a large frame, so not in the GUI thread."""
    try:
        pixels = int(shape.mask(size).sum())
    except ValueError as error:  # a pixel mask of another size
        return PixelCount(0, f"{error}. Load a mask of the frame's size.".capitalize())
    if not pixels:
        return PixelCount(0, "Empty mask: no pixel of the frame is inside, so the image is 0.")
    outside = partly_outside(shape, size)
    return PixelCount(pixels, "Partly outside the frame: what is outside is cut off." if outside else "")
