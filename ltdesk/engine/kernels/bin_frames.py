"""Binned frames for previews: making blocks ``(bins, positions)`` of them.

The bins come first so that an image is a sum of contiguous rows, and only of those rows that its mask touches (see
`weigh_bins`). Frames are binned sixteen at a time into the cache and turned over from there, so that whole cache lines
are written. On 2 threads, 128x128 u16 in bins of 4x4: 2 passes with the reading.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ltdesk.engine.kernels.steps import Step, compiled, frames_at, row_at, table_at, with_words
from ltdesk.geometry import Size2D

AT_ONCE = 16
QUICK = (1, 2, 3, 4)


def bin_step(
    pixel: np.dtype[Any],
    shape: Size2D,
    factor: Size2D,
    block: NDArray[Any],
    start: int,
    sample: NDArray[np.float64],
    sampled: int,
) -> Step:
    """Writes the sum of each frame in each bin to ``block (bins, positions)``, and adds some frames up.

    Sums are made in 32 bits for integers of up to 16 bits, else in float64.

    Parameters
    ----------
    shape : (ky, kx)
    factor : pixels to a bin, (y, x); the last bins may be smaller
    start : position of the first frame
    sample, sampled : ``(ky * kx)``, to which one frame of so many is added
    """
    numbers = (*shape, *factor, *_steps(factor[1]), start, sampled)
    return with_words(_bin_step(pixel, block.dtype), *numbers, block, sample)


@cache
def _bin_step(pixel: np.dtype[Any], out: np.dtype[Any]) -> int:
    accumulator, kind = accumulator_dtype(pixel).type, out.type
    run = _BIN[accumulator_dtype(pixel).name]

    def step(pixels, stride, n, first, cached, words):  # type: ignore[no-untyped-def]
        shape, factor, steps = (words[0], words[1]), (words[2], words[3]), (words[4], words[5])
        block, sample = table_at(words, 8, kind), row_at(words, 11, np.float64)
        flat = frames_at(pixels, n, stride, sample.size)
        sums = np.empty((AT_ONCE, shape[0] * -(-shape[1] // factor[1])), accumulator)
        run(flat, stride, n, shape, factor, steps, sums, block, words[6] + first)
        for f in range(-first % words[7], n, words[7]):
            _add_frame(flat[f * stride : f * stride + sample.size], sample)

    return compiled(pixel, step)


def _steps(factor: int) -> tuple[int, int]:
    """Two factors that have quick loops, together `factor`; where there are none their product is another number."""
    return next(((a, factor // a) for a in (4, 2, 3) if factor // a * a == factor and factor // a in QUICK), (1, 1))


def accumulator_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """What the pixels of a bin are summed in."""
    if dtype.kind in "ui" and dtype.itemsize <= 2:
        return np.dtype(np.uint32 if dtype.kind == "u" else np.int32)
    return np.dtype(np.float64)


def _binning(kind: Any) -> Callable[..., None]:
    @njit(nogil=True, cache=True)
    def along4(pixels, out):  # type: ignore[no-untyped-def]
        for c in range(out.size):
            out[c] = kind(
                kind(kind(pixels[4 * c]) + kind(pixels[4 * c + 1]))
                + kind(kind(pixels[4 * c + 2]) + kind(pixels[4 * c + 3]))
            )

    @njit(nogil=True, cache=True)
    def along2(pixels, out):  # type: ignore[no-untyped-def]
        for c in range(out.size):
            out[c] = kind(kind(pixels[2 * c]) + kind(pixels[2 * c + 1]))

    @njit(nogil=True, cache=True)
    def along3(pixels, out):  # type: ignore[no-untyped-def]
        for c in range(out.size):
            out[c] = kind(kind(kind(pixels[3 * c]) + kind(pixels[3 * c + 1])) + kind(pixels[3 * c + 2]))

    @njit(nogil=True, cache=True)
    def along_any(pixels, factor, out):  # type: ignore[no-untyped-def]
        for c in range(out.size):
            total = kind(0)
            for i in range(c * factor, min((c + 1) * factor, pixels.size)):
                total = kind(total + kind(pixels[i]))
            out[c] = total

    @njit(nogil=True, cache=True)
    def along(pixels, factor, out):  # type: ignore[no-untyped-def]
        if factor == 4:
            along4(pixels, out)
        elif factor == 2:
            along2(pixels, out)
        elif factor == 3:
            along3(pixels, out)
        else:
            along_any(pixels, factor, out)

    @njit(nogil=True, cache=True)
    def add(out, row):  # type: ignore[no-untyped-def]
        for p in range(out.size):
            out[p] = kind(out[p] + row[p])

    @njit(nogil=True, cache=True)
    def add4(out, rows, step):  # type: ignore[no-untyped-def]
        a, b = rows[: out.size], rows[step : step + out.size]
        c, d = rows[2 * step : 2 * step + out.size], rows[3 * step : 3 * step + out.size]
        for p in range(out.size):
            out[p] = kind(kind(a[p] + b[p]) + kind(c[p] + d[p]))

    @njit(nogil=True, cache=True)
    def narrowed(pixels, kx, factor, steps, half, out):  # type: ignore[no-untyped-def]
        columns = -(-kx // factor)
        whole = kx // factor if steps[0] * steps[1] == factor else 0
        if whole == columns and steps[1] == 1:  # rows that lie together are one long row
            along(pixels, steps[0], out)
        elif whole == columns:
            along(pixels, steps[0], half)
            along(half, steps[1], out)
        else:
            for y in range(pixels.size // kx):
                row = pixels[y * kx : (y + 1) * kx]
                if whole and steps[1] == 1:
                    along(row, factor, out[y * columns : y * columns + whole])
                    along_any(row[whole * factor :], factor, out[y * columns + whole : (y + 1) * columns])
                else:
                    along_any(row, factor, out[y * columns : (y + 1) * columns])

    @njit(nogil=True, cache=True)
    def run(flat, stride, n, shape, factor, steps, sums, block, start):  # type: ignore[no-untyped-def]
        (ky, kx), columns = shape, -(-shape[1] // factor[1])
        pixels, step = ky * kx, factor[0] * columns
        half = np.empty(pixels // steps[0], sums.dtype)
        rows = np.zeros((ky + factor[0]) * columns, sums.dtype)  # those past the end stay 0
        for first in range(0, n, sums.shape[0]):
            count = min(sums.shape[0], n - first)
            for f in range(count):
                at = (first + f) * stride
                narrowed(flat[at : at + pixels], kx, factor[1], steps, half, rows[: ky * columns])
                # each row with the next ones: one long row again, of which every factor-th is of use
                if factor[0] >= 4:
                    add4(sums[f], rows, columns)
                else:
                    sums[f] = rows[: ky * columns]
                for r in range(4 if factor[0] >= 4 else 1, factor[0]):
                    add(sums[f], rows[r * columns : (ky + r) * columns])
            for b in range(block.shape[0]):
                at, out = b // columns * step + b % columns, block[b]
                for f in range(count):
                    out[start + first + f] = sums[f, at]

    return run


_BIN: dict[str, Callable[..., None]] = {
    np.dtype(kind).name: _binning(kind) for kind in (np.uint32, np.int32, np.float64)
}


@njit(nogil=True, cache=True)
def _add_frame(row, out):  # type: ignore[no-untyped-def]
    for p in range(out.size):
        out[p] += np.float64(row[p])
