"""How the camera's own marks are taken off frames, as frozen data: dark, gain, dead pixels.

A corrected frame is ``(frame - dark) * gain``; each dead pixel then takes the mean of the good pixels beside it:
LiberTEM's definition (its ``CorrectionSet``). A correction travels in the dataset's reference: every analysis sees the
same pixels wherever it runs, and a recipe gives the same numbers elsewhere.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from pydantic import BeforeValidator, model_validator

from ltdesk.errors import InvalidValue
from ltdesk.geometry import AnyShape, Bool2D, Float2D, PixelMask, Size2D
from ltdesk.mask_data import WeightsBlob
from ltdesk.validation import Frozen


class FrameValues(Frozen):
    """A number for each camera pixel.

    Attributes
    ----------
    size : (ky, kx)
    blob : the numbers; NaN and infinity may be among them
    source : what they were read from, for people to read
    """

    size: Size2D
    blob: WeightsBlob
    source: str = ""

    @model_validator(mode="after")
    def _fits(self) -> FrameValues:
        self.array()
        return self

    @classmethod
    def from_array(cls, values: NDArray[Any], source: str = "") -> FrameValues:
        """From numbers ``(ky, kx)``. Raises InvalidValue for anything else."""
        values = np.asarray(values)
        if values.ndim != 2 or 0 in values.shape or values.dtype.kind not in "buif":
            raise InvalidValue(f"a frame is a 2D array of numbers, not {values.dtype} {values.shape}")
        size = (int(values.shape[0]), int(values.shape[1]))
        return cls(size=size, blob=WeightsBlob.from_array(values), source=source)

    def array(self) -> Float2D:
        """The numbers ``(ky, kx) float64``."""
        return self.blob.array(self.size)


def _values(given: Any) -> Any:
    return FrameValues.from_array(given) if isinstance(given, np.ndarray) else given


def _shape(given: Any) -> Any:
    """An array marks dead pixels by what is not 0, however cameras number their faults."""
    return PixelMask.from_array(given != 0) if isinstance(given, np.ndarray) else given


class Correction(Frozen):
    """What is done to each frame before it is analysed.

    Attributes
    ----------
    dark : taken away from each frame, in counts; an array ``(ky, kx)`` will do
    gain : what is left is multiplied by this; an array ``(ky, kx)`` will do
    dead_pixels : pixels whose counts mean nothing: a shape, or an array ``(ky, kx)`` that is not 0 there

    A pixel whose dark or gain is NaN or infinite is dead too.
    """

    dark: Annotated[FrameValues | None, BeforeValidator(_values)] = None
    gain: Annotated[FrameValues | None, BeforeValidator(_values)] = None
    dead_pixels: Annotated[AnyShape | None, BeforeValidator(_shape)] = None

    @property
    def is_empty(self) -> bool:
        """Is nothing done at all?"""
        return self.dark is None and self.gain is None and self.dead_pixels is None

    @property
    def digest(self) -> str:
        """Tells corrections apart that give other pixels: a SHA-256."""
        values = [None if part is None else (part.size, part.blob.sha256) for part in (self.dark, self.gain)]
        dead = None if self.dead_pixels is None else self.dead_pixels.model_dump_json()
        return hashlib.sha256(repr((values, dead)).encode()).hexdigest()

    def dtype(self, dtype: DTypeLike) -> np.dtype[Any]:
        """The type of corrected pixels, in native byte order.

        Integers stay what they are where only dead pixels are patched, rounded to whole counts. With a dark or a gain
        they become floats: float32 where that holds each of the raw numbers exactly, else float64.
        """
        native = np.dtype(dtype).newbyteorder("=")
        if self.dark is None and self.gain is None and native.kind != "f":
            return native
        return np.result_type(np.float32, native)

    def dead(self, frame_shape: Size2D) -> Bool2D:
        """The dead pixels ``(ky, kx)``, those without a finite dark or gain among them."""
        dead = (
            np.zeros(frame_shape, np.bool_) if self.dead_pixels is None else self.dead_pixels.mask(frame_shape).copy()
        )
        for part in (self.dark, self.gain):
            if part is not None:
                dead |= ~np.isfinite(part.array())
        return dead
