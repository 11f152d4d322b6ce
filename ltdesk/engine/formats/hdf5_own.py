"""What Dectris' files hold to correct their frames with: the pixel mask and the flat field of the detector."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ltdesk.geometry import Size2D

_DETECTOR = "entry/instrument/detector"
_PLACES = (f"{_DETECTOR}/detectorSpecific", _DETECTOR)


def own_frames(file: h5py.File, frame_shape: Size2D) -> dict[str, NDArray[Any]]:
    """``gain`` and ``dead_pixels (ky, kx)``, where they are in the file.

    A pixel with any bit of the mask set is dead (a gap, dead, under- or over-responding, noisy): the camera gives it
    its largest number. The flat field holds factors; it is left out where the camera has applied it already.
    """
    found: dict[str, NDArray[Any]] = {}
    mask = _read(file, "pixel_mask", frame_shape)
    if mask is not None:
        found["dead_pixels"] = mask != 0
    flat = None if _is_set(file, "flatfield_correction_applied") else _read(file, "flatfield", frame_shape)
    if flat is not None:
        found["gain"] = flat
    return found


def own_notes(own: dict[str, NDArray[Any]]) -> list[str]:
    """What the user should know: only of what would change anything."""
    words = []
    if "dead_pixels" in own and own["dead_pixels"].any():
        words.append(f"a pixel mask of {int(own['dead_pixels'].sum())} pixels")
    if "gain" in own and (own["gain"] != 1).any():
        words.append("a flat field")
    return [f"holds {' and '.join(words)} that is applied where it is asked for"] if words else []


def _read(file: h5py.File, name: str, frame_shape: Size2D) -> NDArray[Any] | None:
    for place in _PLACES:
        try:
            item = file.get(f"{place}/{name}")
            if isinstance(item, h5py.Dataset) and item.shape == tuple(frame_shape) and item.dtype.kind in "buif":
                return np.asarray(item[()])
        except (OSError, RuntimeError, KeyError, TypeError):  # damaged, or of a type that numpy lacks: as good as none
            continue
    return None


def _is_set(file: h5py.File, name: str) -> bool:
    try:
        return any(bool(np.any(file[f"{place}/{name}"][()])) for place in _PLACES if f"{place}/{name}" in file)
    except (OSError, RuntimeError, KeyError, TypeError):
        return False
