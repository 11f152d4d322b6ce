"""First moments of frames: centre of mass.

Several camera rows are taken as one long row (measured: 18 -> 50 GB/s a thread on 128 columns, whose own loops are too
short). Its sums by column, each times where the column lies, give the moment along x; its own sum, and those of its
columns by the row they lie in, give the moment along y. Sums of 8- and 16-bit pixels are kept in 32 bits, safe up to
32767 rows, moments are taken in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ltdesk.engine.kernels.masks import rows_of, selector
from ltdesk.engine.kernels.prefetch import FAR_AHEAD, ask_ahead
from ltdesk.engine.kernels.wide import wide_vectors
from ltdesk.geometry import Size2D

NARROW_LIMIT = 32767
LONG_ROW = 512
"""Pixels of a long row: sums of 16-bit pixels along it fit 32 bits, and its accumulators the first-level cache."""


class Moments:
    """What the kernel takes of a camera.

    Parameters
    ----------
    frame_shape : (ky, kx)
    origin : (y, x) that moments are taken about
    pixel : dtype of the pixels, as kernels see them
    mask : (ky, kx) bool, or None for all pixels; only rows that it touches are read
    """

    def __init__(
        self, frame_shape: Size2D, origin: tuple[float, float], pixel: np.dtype[Any], mask: NDArray[np.bool_] | None
    ) -> None:
        ky, kx = frame_shape
        self.width, self.together = kx, max(1, LONG_ROW // kx)
        self.rows = (0, ky) if mask is None else rows_of(mask)
        self.cy = origin[0]
        self.along = np.tile(np.arange(kx) - origin[1], self.together)
        self.below = np.repeat(np.arange(self.together, dtype=np.float64), kx)
        narrow = pixel.itemsize <= 2 and max(ky, kx) <= NARROW_LIMIT
        family = pixel.kind if pixel.kind == "f" else f"{pixel.kind}{4 if narrow else 8}"
        self.masks = () if mask is None else (selector(mask.ravel(), pixel),)
        self.run = (_WHOLE if mask is None else _MASKED)[family]


def centre_of_mass(flat: NDArray[Any], stride: int, moments: Moments, out: NDArray[Any]) -> None:
    """Write ``out (n, 2) float64``: (y, x) of each frame's centre of mass from the origin, NaN where its sum is 0."""
    m = moments
    m.run(flat, stride, m.width, m.rows[0], m.rows[1], m.together, *m.masks, m.cy, m.along, m.below, out)


@njit(nogil=True, cache=True, fastmath={"reassoc"})
def _moments_of(columns, along, below):  # type: ignore[no-untyped-def]
    """Moments along y and x of sums by column of a long row."""
    y = x = 0.0
    for k in range(columns.size):
        value = np.float64(columns[k])
        y += below[k] * value
        x += along[k] * value
    return y, x


@njit(nogil=True, cache=True)
def _finish(columns, total, moment_y, along, below, out):  # type: ignore[no-untyped-def]
    y, x = _moments_of(columns, along, below)
    if total == 0:
        out[0] = out[1] = np.nan
    else:
        out[0] = (moment_y + y) / total
        out[1] = x / total


def _whole(kind: Any, wide: Any) -> Callable[..., None]:
    @njit(nogil=True, cache=True, fastmath={"reassoc"})
    def add_row(columns, r):  # type: ignore[no-untyped-def]
        wide_vectors()
        s = kind(0)
        for x in range(r.size):
            v = kind(r[x])
            columns[x] = kind(columns[x] + v)
            s = kind(s + v)
        return s

    @njit(nogil=True, cache=True)
    def run(flat, stride, width, y0, y1, together, cy, along, below, out):  # type: ignore[no-untyped-def]
        columns = np.zeros(together * width, dtype=kind)
        for f in range(out.shape[0]):
            columns[:] = kind(0)
            total = wide(0)
            moment_y = 0.0
            for y in range(y0, y1, together):
                i, j = f * stride + y * width, f * stride + min(y + together, y1) * width
                ask_ahead(flat, i, j, FAR_AHEAD)
                s = add_row(columns, flat[i:j])
                total += s
                moment_y += (y - cy) * np.float64(s)
            _finish(columns, np.float64(total), moment_y, along, below, out[f])

    return run


def _masked(kind: Any, wide: Any, is_float: bool) -> Callable[..., None]:
    if is_float:

        @njit(nogil=True, cache=True)
        def select(v, m):  # type: ignore[no-untyped-def]
            return np.float64(v) if m else 0.0
    else:

        @njit(nogil=True, cache=True)
        def select(v, m):  # type: ignore[no-untyped-def]
            return kind(v & m)

    @njit(nogil=True, cache=True, fastmath={"reassoc"})
    def add_row(columns, r, m):  # type: ignore[no-untyped-def]
        s = kind(0)
        for x in range(r.size):
            v = select(r[x], m[x])
            columns[x] = kind(columns[x] + v)
            s = kind(s + v)
        return s

    @njit(nogil=True, cache=True)
    def run(flat, stride, width, y0, y1, together, mask, cy, along, below, out):  # type: ignore[no-untyped-def]
        columns = np.zeros(together * width, dtype=kind)
        for f in range(out.shape[0]):
            columns[:] = kind(0)
            total = wide(0)
            moment_y = 0.0
            for y in range(y0, y1, together):
                i, j, at = y * width, min(y + together, y1) * width, f * stride
                ask_ahead(flat, at + i, at + j, FAR_AHEAD)
                s = add_row(columns, flat[at + i : at + j], mask[i:j])
                total += s
                moment_y += (y - cy) * np.float64(s)
            _finish(columns, np.float64(total), moment_y, along, below, out[f])

    return run


_KINDS = {
    "u4": (np.uint32, np.uint64),
    "i4": (np.int32, np.int64),
    "u8": (np.uint64, np.uint64),
    "i8": (np.int64, np.int64),
    "f": (np.float64, np.float64),
}
_WHOLE: dict[str, Callable[..., None]] = {family: _whole(kind, wide) for family, (kind, wide) in _KINDS.items()}
_MASKED: dict[str, Callable[..., None]] = {
    family: _masked(kind, wide, family == "f") for family, (kind, wide) in _KINDS.items()
}
