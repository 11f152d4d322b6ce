"""First moments of frames: centre of mass.

Column sums are kept in 32 bits for 8- and 16-bit pixels (safe up to 32767 rows or columns) and each row is
summed in the same loop; moments are taken from the column and row sums in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

NARROW_LIMIT = 32767

Box = tuple[int, int, int, int]


def centre_of_mass(
    flat: NDArray[Any],
    stride: int,
    width: int,
    box: Box,
    mask: Any,
    origin: tuple[float, float],
    out: NDArray[Any],
) -> None:
    """Write ``out (n, 2) float64``: (y, x) of each frame's centre of mass relative to `origin`, NaN where its sum is 0.

    `width` is kx; only pixels in `box` (y0, y1, x0, x1) are read; `mask` is a flat selector (`masks.selector`) or None.
    """
    narrow = flat.dtype.itemsize <= 2 and max(box[1] - box[0], box[3] - box[2]) <= NARROW_LIMIT
    family = flat.dtype.kind if flat.dtype.kind == "f" else f"{flat.dtype.kind}{4 if narrow else 8}"
    place = np.array(box, dtype=np.int64)
    if mask is None:
        _WHOLE[family](flat, stride, width, place, origin[0], origin[1], out)
    else:
        _MASKED[family](flat, stride, width, place, mask, origin[0], origin[1], out)


@njit(nogil=True, cache=True)
def _finish(columns, x0, cx, total, moment_y, out):  # type: ignore[no-untyped-def]
    moment_x = 0.0
    for x in range(columns.size):
        moment_x += (x + x0 - cx) * np.float64(columns[x])
    if total == 0:
        out[0] = out[1] = np.nan
    else:
        out[0] = moment_y / total
        out[1] = moment_x / total


def _whole(kind: Any, wide: Any) -> Callable[..., None]:
    @njit(nogil=True, cache=True, fastmath={"reassoc"})
    def add_row(columns, r):  # type: ignore[no-untyped-def]
        s = kind(0)
        for x in range(columns.size):
            v = kind(r[x])
            columns[x] = kind(columns[x] + v)
            s = kind(s + v)
        return s

    @njit(nogil=True, cache=True)
    def run(flat, stride, width, box, cy, cx, out):  # type: ignore[no-untyped-def]
        y0, y1, x0, x1 = box
        columns = np.zeros(x1 - x0, dtype=kind)
        for f in range(out.shape[0]):
            columns[:] = kind(0)
            total = wide(0)
            moment_y = 0.0
            for y in range(y0, y1):
                at = f * stride + y * width
                s = add_row(columns, flat[at + x0 : at + x1])
                total += s
                moment_y += (y - cy) * np.float64(s)
            _finish(columns, x0, cx, np.float64(total), moment_y, out[f])

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
        for x in range(columns.size):
            v = select(r[x], m[x])
            columns[x] = kind(columns[x] + v)
            s = kind(s + v)
        return s

    @njit(nogil=True, cache=True)
    def run(flat, stride, width, box, mask, cy, cx, out):  # type: ignore[no-untyped-def]
        y0, y1, x0, x1 = box
        columns = np.zeros(x1 - x0, dtype=kind)
        for f in range(out.shape[0]):
            columns[:] = kind(0)
            total = wide(0)
            moment_y = 0.0
            for y in range(y0, y1):
                at = f * stride + y * width
                s = add_row(columns, flat[at + x0 : at + x1], mask[y * width + x0 : y * width + x1])
                total += s
                moment_y += (y - cy) * np.float64(s)
            _finish(columns, x0, cx, np.float64(total), moment_y, out[f])

    return run


_KINDS = {
    "u4": (np.uint32, np.uint64),
    "i4": (np.int32, np.int64),
    "u8": (np.uint64, np.uint64),
    "i8": (np.int64, np.int64),
    "f": (np.float64, np.float64),
}
_WHOLE = {family: _whole(kind, wide) for family, (kind, wide) in _KINDS.items()}
_MASKED = {family: _masked(kind, wide, family == "f") for family, (kind, wide) in _KINDS.items()}
