"""First moments of frames: centre of mass.

Several camera rows are taken as one long row (measured: 18 -> 50 GB/s a thread on 128 columns, whose own loops are too
short). Its sums by column, each times where the column lies, give the moment along x; its own sum, and those of its
columns by the row they lie in, give the moment along y. Sums of 8- and 16-bit pixels are kept in 32 bits, safe up to
32767 rows, or for counts in 16 as long as that does (`count_strips`). Moments are taken about the first pixel in
float64, which holds those of integers exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ltdesk.engine.kernels.count_strips import RUNNING, strip_moments, strips_of
from ltdesk.engine.kernels.counts import is_counts
from ltdesk.engine.kernels.masks import rows_of, selector
from ltdesk.engine.kernels.prefetch import FAR_AHEAD, ask_in_parts
from ltdesk.engine.kernels.rows import U64
from ltdesk.engine.kernels.steps import Step, compiled, frames_at, laid_out, row_at, table_at, with_words
from ltdesk.engine.kernels.wide import wide_vectors
from ltdesk.geometry import Size2D

NARROW_LIMIT = 32767
LONG_ROW = 512
"""Pixels of a long row: sums of 16-bit pixels along it fit 32 bits, and its accumulators the first-level cache."""
NARROW = 0.5
"""A mask that touches no more than this part of a row's columns has the others left out, where pixels are summed in
wide numbers: f32 and u32 within a disk 1.3 times as fast in the cache."""
VECTOR = 32
"""Columns of a narrow mask are as many of these as hold it: pixels of 16 bits to a register."""
EXACT = 2**53
"""Whole numbers up to this are exact in float64."""


class Moments:
    """What the kernel takes of a camera.

    Parameters
    ----------
    frame_shape : (ky, kx)
    origin : (y, x) that centres are given from
    pixel : dtype of the pixels, as kernels see them
    mask : (ky, kx) bool, or None for all pixels; only rows that it touches are read

    Attributes
    ----------
    rows : (start, stop) of the frame that are read
    sums_exact : each frame's whole sum comes with its moments
    """

    def __init__(
        self, frame_shape: Size2D, origin: tuple[float, float], pixel: np.dtype[Any], mask: NDArray[np.bool_] | None
    ) -> None:
        ky, kx = frame_shape
        narrow = pixel.itemsize <= 2 and max(ky, kx) <= NARROW_LIMIT
        counts = narrow and is_counts(pixel) and 65535 * ky * kx * max(ky, kx) < EXACT
        family = pixel.kind if pixel.kind == "f" else f"{pixel.kind}{4 if narrow else 8}"
        together = max(1, LONG_ROW // kx)
        self.rows = (0, ky) if mask is None else rows_of(mask)
        columns = (0, kx) if mask is None else _columns(mask)
        if columns[1] - columns[0] < kx:
            together = 1
        strips = strips_of(frame_shape, mask, pixel.itemsize) if counts else None
        if strips is not None:
            family, self.rows = "strips", strips.rows
        across = np.arange(*columns, dtype=np.float64)
        along, below = np.tile(across, together), np.repeat(np.arange(together, dtype=np.float64), across.size)
        selected = selector(np.zeros(0, np.bool_) if mask is None else mask.ravel(), pixel)
        self.family, self.masked = family, mask is not None
        self.sums_exact = family == "strips" and mask is None
        numbers = (kx, columns[0], *self.rows, together)
        self.words = laid_out(*numbers, selected, np.array(origin, dtype=np.float64), along, below)
        if strips is not None:
            inside = selector(strips.inside.ravel(), pixel)
            self.words = laid_out(self.words, strips.bands, strips.blocks, inside, strips.columns, strips.lines)


def _columns(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """The columns, (start, stop), that are taken in: those that the mask touches and a few more, or all."""
    start, stop = rows_of(mask.T)
    kx = mask.shape[1]
    wanted = -(-(stop - start) // VECTOR) * VECTOR
    if wanted > NARROW * kx:
        return 0, kx
    start = min(start, kx - wanted)
    return start, start + wanted


def centre_step(
    pixel: np.dtype[Any], moments: Moments, out: NDArray[np.float64], sums: NDArray[np.uint64] | None = None
) -> Step:
    """Writes ``out (n, 2)``: (y, x) of each frame's centre of mass from the origin, NaN where its sum is 0.

    Where `moments.sums_exact` it writes to ``sums (n)`` too: each frame's sum.
    """
    if moments.family == "strips":
        return with_words(_strip_step(pixel, moments.masked), moments.words, out, _NOWHERE if sums is None else sums)
    return with_words(_centre_step(pixel, moments.family, moments.masked), moments.words, out)


@cache
def _centre_step(pixel: np.dtype[Any], family: str, masked: bool) -> int:
    run = (_MASKED if masked else _WHOLE)[family]
    mask_type = np.uint8 if pixel.kind == "f" else pixel.type

    def step(pixels, stride, n, first, cached, words):  # type: ignore[no-untyped-def]
        width, left, y0, y1, together = words[0], words[1], words[2], words[3], words[4]
        mask, origin = row_at(words, 5, mask_type), row_at(words, 7, np.float64)
        along, below = row_at(words, 9, np.float64), row_at(words, 11, np.float64)
        out = table_at(words, 13, np.float64)[first : first + n]
        flat = frames_at(pixels, n, stride, y1 * width)
        run(flat, stride, width, left, y0, y1, together, mask, origin[0], origin[1], along, below, out)

    return compiled(pixel, step)


@cache
def _strip_step(pixel: np.dtype[Any], masked: bool) -> int:
    kind, wide_frame = pixel.type, _wide_frame_inside if masked else _wide_frame

    def step(pixels, stride, n, first, cached, words):  # type: ignore[no-untyped-def]
        width, left, y0, y1, together = words[0], words[1], words[2], words[3], words[4]
        mask, origin = row_at(words, 5, kind), row_at(words, 7, np.float64)
        along, below = row_at(words, 9, np.float64), row_at(words, 11, np.float64)
        bands, blocks = table_at(words, 13, np.int64), table_at(words, 16, np.int64)
        inside, across = row_at(words, 19, kind), row_at(words, 21, np.float64)
        lines, out, sums = row_at(words, 23, np.int64), table_at(words, 25, np.float64), row_at(words, 28, np.uint64)
        flat = frames_at(pixels, n, stride, y1 * width)
        narrow, wide, fits = np.zeros(RUNNING + across.size, np.uint32), np.zeros(along.size, np.uint32), True
        for f in range(n):
            at = f * stride
            if fits:
                fits, total, y, x = strip_moments(
                    flat, stride, at, width, bands, blocks, inside, across, lines, narrow, cached
                )
            if not fits:  # a bright beam or a hot pixel: the next frames have it too
                total, y, x = wide_frame(flat, stride, at, width, left, y0, y1, together, mask, along, below, wide)
            _finish(total, y, x, origin[0], origin[1], out[first + f])
            if sums.size:
                sums[first + f] = U64(total)

    return compiled(pixel, step)


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
def _finish(total, y, x, cy, cx, out):  # type: ignore[no-untyped-def]
    if total == 0:
        out[0] = out[1] = np.nan
    else:
        out[0] = y / total - cy
        out[1] = x / total - cx


def _frame_moments(kind: Any, wide: Any, select: Callable[..., Any]) -> Callable[..., Any]:
    """What gives a frame's sum and moments (total, y, x), sums in `kind`; `select` gives a pixel by its mask."""

    @njit(nogil=True, cache=True, fastmath={"reassoc"})
    def add_row(columns, flat, i, mask, k, size):  # type: ignore[no-untyped-def]
        wide_vectors()
        s = kind(0)
        for x in range(size):
            v = kind(select(flat, i + x, mask, k + x))
            columns[x] = kind(columns[x] + v)
            s = kind(s + v)
        return s

    @njit(nogil=True, cache=True)
    def frame(flat, stride, at, width, left, y0, y1, together, mask, along, below, columns):  # type: ignore[no-untyped-def]
        columns[:] = kind(0)
        total = wide(0)
        moment_y = 0.0
        for y in range(y0, y1, together):
            i = y * width + left
            j = i + min(columns.size, (y1 - y) * width)
            ask_in_parts(flat, at + i, at + j, FAR_AHEAD, at + y1 * width, stride - (y1 - y0) * width)
            s = add_row(columns, flat, U64(at + i), mask, U64(i), U64(j - i))
            total += s
            moment_y += y * np.float64(s)
        inside_y, x = _moments_of(columns, along, below)
        return np.float64(total), moment_y + inside_y, x

    return frame


def _over_frames(kind: Any, frame: Callable[..., Any]) -> Callable[..., None]:
    @njit(nogil=True, cache=True)
    def run(flat, stride, width, left, y0, y1, together, mask, cy, cx, along, below, out):  # type: ignore[no-untyped-def]
        columns = np.zeros(along.size, dtype=kind)
        for f in range(out.shape[0]):
            total, y, x = frame(flat, stride, f * stride, width, left, y0, y1, together, mask, along, below, columns)
            _finish(total, y, x, cy, cx, out[f])

    return run


@njit(nogil=True, cache=True)
def _any(flat, i, mask, k):  # type: ignore[no-untyped-def]
    return flat[i]


@njit(nogil=True, cache=True)
def _inside(flat, i, mask, k):  # type: ignore[no-untyped-def]
    return flat[i] & mask[k]


@njit(nogil=True, cache=True)
def _inside_float(flat, i, mask, k):  # type: ignore[no-untyped-def]
    return np.float64(flat[i]) if mask[k] else 0.0


_KINDS = {
    "u4": (np.uint32, np.uint64),
    "i4": (np.int32, np.int64),
    "u8": (np.uint64, np.uint64),
    "i8": (np.int64, np.int64),
    "f": (np.float64, np.float64),
}
_FRAMES = {family: _frame_moments(kind, wide, _any) for family, (kind, wide) in _KINDS.items()}
_FRAMES_INSIDE = {
    family: _frame_moments(kind, wide, _inside_float if family == "f" else _inside)
    for family, (kind, wide) in _KINDS.items()
}
_wide_frame_inside = _FRAMES_INSIDE["u4"]
_WHOLE = {family: _over_frames(_KINDS[family][0], frame) for family, frame in _FRAMES.items()}
_MASKED = {family: _over_frames(_KINDS[family][0], frame) for family, frame in _FRAMES_INSIDE.items()}
_wide_frame = _FRAMES["u4"]
_NOWHERE = np.zeros(0, np.uint64)
