"""A pixel mask from a picture file: ``.npy`` or TIFF, 0/1 or weights."""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.errors import UsageError, os_error_text
from ltdesk.geometry import PixelMask

SUFFIXES = (".npy", ".tif", ".tiff")


def read_mask_values(path: str) -> NDArray[Any]:
    """The values in the file, (h, w). Raises UsageError naming the file."""
    try:
        values = _read(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {os_error_text(error)}", "Choose another file.") from error
    except Exception as error:  # tifffile raises many kinds for a file that is damaged or something else
        raise UsageError(f"{path}: cannot be used as a mask: {error}", _way_out()) from error
    values = np.squeeze(values)
    if values.ndim != 2 or 0 in values.shape or values.dtype.kind not in "buif":
        raise UsageError(f"{path}: is {values.dtype} {values.shape}, a mask is 2D and of numbers", _way_out())
    if not np.isfinite(values).all():
        raise UsageError(f"{path}: has NaN or infinite values", "Give a mask of finite numbers.")
    return values


def is_zero_one(values: NDArray[Any]) -> bool:
    """Are the values just 0 and 1, or 0 and one other number, as 255 in pictures?"""
    kinds = np.unique(values)
    return len(kinds) <= 2 and bool((kinds == 0).any() or (kinds == 1).all())


def mask_of(values: NDArray[Any], as_weights: bool, invert: bool = False) -> PixelMask:
    """A mask: where the values are not 0, or with the values as weights. `invert` swaps inside and outside."""
    if as_weights and not invert:
        return PixelMask.from_array(values)
    return PixelMask.from_array((values == 0) if invert else (values != 0))


def mask_name(path: str) -> str:
    """A name for a detector after the file's: only what names may hold."""
    stem = os.path.splitext(os.path.basename(path))[0]
    return re.sub(r"[^A-Za-z0-9_.]+", "_", stem).strip("_.") or "mask"


def _read(path: str) -> NDArray[Any]:
    if path.lower().endswith((".tif", ".tiff")):
        import tifffile

        return np.asarray(tifffile.imread(path))
    return np.asarray(np.load(path, allow_pickle=False))


def _way_out() -> str:
    return "Give a 2D array as .npy, or a grey TIFF."
