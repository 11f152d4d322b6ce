"""Masks and pixel types as kernels take them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ltdesk.errors import UsageError
from ltdesk.geometry import AnyShape, Size2D


def pixel_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """The type that kernels see for pixels of `dtype`: native; bool as uint8, float16 as float32."""
    native = np.dtype(dtype).newbyteorder("=")
    if native == np.bool_:
        return np.dtype(np.uint8)
    return np.dtype(np.float32) if native == np.float16 else native


def picture_of(values: Any) -> NDArray[Any]:
    """An image or a frame as an array with two axes. Raises UsageError for anything else."""
    picture = np.asarray(values)
    if picture.ndim != 2 or not picture.size or picture.dtype.kind not in "buif":
        what = f"an array of shape {picture.shape} and type {picture.dtype} is no picture"
        raise UsageError(what, "Give an image (sy, sx) or a frame (ky, kx) of numbers.")
    return picture


def mask_of(shape: AnyShape, size: Size2D, name: str, of: str = "frame") -> NDArray[np.bool_]:
    """The mask ``(ky, kx)`` of a shape on a frame, or on a scan. Raises UsageError naming `name` where a pixel mask has
    another size."""
    try:
        return shape.mask(size)
    except ValueError as error:
        raise UsageError(f"'{name}': {error} as the {of}", f"Give a mask of the {of}'s size.") from error


def weights_of(shape: AnyShape, size: Size2D) -> NDArray[np.float64] | None:
    """The weights ``(ky, kx)`` of a shape, None for a plain 0/1 mask."""
    return shape.weights(size)
