"""First moments of frames: centre of mass.

Several camera rows are taken as one long row (measured: 18 -> 50 GB/s a thread on 128 columns, whose own loops are too
short): its sums by column, folded, give the moment along x; its sum and its parts' sums give the moment along y.
Sums of 8- and 16-bit pixels are kept in 32 bits, safe up to 32767 rows, moments are taken in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

NARROW_LIMIT = 32767
LONG_ROW = 1024
"""Pixels of a long row: sums of 16-bit pixels along it fit 32 bits, and its accumulators the first-level cache."""

Rows = tuple[int, int]


def centre_of_mass(
    flat: NDArray[Any], stride: int, width: int, rows: Rows, mask: Any, origin: tuple[float, float], out: NDArray[Any]
) -> None:
    """Write ``out (n, 2) float64``: (y, x) of each frame's centre of mass relative to `origin`, NaN where its sum is 0.

    `width` is kx; only `rows` (y0, y1) are read; `mask` is a flat selector (`masks.selector`) or None.
    """
    narrow = flat.dtype.itemsize <= 2 and max(width, rows[1] - rows[0]) <= NARROW_LIMIT
    family = flat.dtype.kind if flat.dtype.kind == "f" else f"{flat.dtype.kind}{4 if narrow else 8}"
    together = max(1, LONG_ROW // width)
    along = np.arange(width) - origin[1]
    if mask is None:
        _WHOLE[family](flat, stride, width, rows[0], rows[1], together, origin[0], along, out)
    else:
        _MASKED[family](flat, stride, width, rows[0], rows[1], together, mask, origin[0], along, out)


@njit(nogil=True, cache=True, fastmath={"reassoc"})
def _dot(columns, along):  # type: ignore[no-untyped-def]
    moment = 0.0
    for x in range(columns.size):
        moment += along[x] * np.float64(columns[x])
    return moment


def _finisher(kind: Any, wide: Any) -> Callable[..., None]:
    @njit(nogil=True, cache=True, fastmath={"reassoc"})
    def fold(columns, part):  # type: ignore[no-untyped-def]
        s = wide(0)
        for x in range(columns.size):
            s += part[x]
            columns[x] = kind(columns[x] + part[x])
        return s

    @njit(nogil=True, cache=True)
    def finish(columns, width, total, moment_y, along, out):  # type: ignore[no-untyped-def]
        for r in range(1, columns.size // width):
            moment_y += r * np.float64(fold(columns[:width], columns[r * width : (r + 1) * width]))
        if total == 0:
            out[0] = out[1] = np.nan
        else:
            out[0] = moment_y / total
            out[1] = _dot(columns[:width], along) / total

    return finish


def _whole(kind: Any, wide: Any) -> Callable[..., None]:
    finish = _FINISH[kind]

    @njit(nogil=True, cache=True, fastmath={"reassoc"})
    def add_row(columns, r):  # type: ignore[no-untyped-def]
        s = kind(0)
        for x in range(r.size):
            v = kind(r[x])
            columns[x] = kind(columns[x] + v)
            s = kind(s + v)
        return s

    @njit(nogil=True, cache=True)
    def run(flat, stride, width, y0, y1, together, cy, along, out):  # type: ignore[no-untyped-def]
        columns = np.zeros(together * width, dtype=kind)
        for f in range(out.shape[0]):
            columns[:] = kind(0)
            total = wide(0)
            moment_y = 0.0
            for y in range(y0, y1, together):
                s = add_row(columns, flat[f * stride + y * width : f * stride + min(y + together, y1) * width])
                total += s
                moment_y += (y - cy) * np.float64(s)
            finish(columns, width, np.float64(total), moment_y, along, out[f])

    return run


def _masked(kind: Any, wide: Any, is_float: bool) -> Callable[..., None]:
    finish = _FINISH[kind]
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
    def run(flat, stride, width, y0, y1, together, mask, cy, along, out):  # type: ignore[no-untyped-def]
        columns = np.zeros(together * width, dtype=kind)
        for f in range(out.shape[0]):
            columns[:] = kind(0)
            total = wide(0)
            moment_y = 0.0
            for y in range(y0, y1, together):
                i, j = y * width, min(y + together, y1) * width
                s = add_row(columns, flat[f * stride + i : f * stride + j], mask[i:j])
                total += s
                moment_y += (y - cy) * np.float64(s)
            finish(columns, width, np.float64(total), moment_y, along, out[f])

    return run


_KINDS = {
    "u4": (np.uint32, np.uint64),
    "i4": (np.int32, np.int64),
    "u8": (np.uint64, np.uint64),
    "i8": (np.int64, np.int64),
    "f": (np.float64, np.float64),
}
_FINISH: dict[Any, Callable[..., None]] = {kind: _finisher(kind, wide) for kind, wide in _KINDS.values()}
_WHOLE: dict[str, Callable[..., None]] = {family: _whole(kind, wide) for family, (kind, wide) in _KINDS.items()}
_MASKED: dict[str, Callable[..., None]] = {
    family: _masked(kind, wide, family == "f") for family, (kind, wide) in _KINDS.items()
}
