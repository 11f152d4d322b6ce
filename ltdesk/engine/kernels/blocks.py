"""Binned frames for previews: making blocks ``(bins, positions)`` of them, and weighing the bins of a block.

The bins come first so that an image is a sum of contiguous rows, and only of those rows that its mask touches. Frames
are binned sixteen at a time into the cache and turned over from there, so that whole cache lines are written. On
2 threads, 128x128 u16 in bins of 4x4: 2 passes with the reading; weighing a disk of radius 10 takes 1 ms of 65,536
positions, every bin 15 ms, one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ltdesk.engine.kernels.frames import Frames

AT_ONCE = 16
QUICK = (1, 2, 3, 4)


def bin_frames(frames: Frames, factor: tuple[int, int], block: NDArray[Any], start: int) -> None:
    """Write the sum of each frame in each bin of ``factor`` pixels to ``block (bins, positions)``, from position
    `start` on; the last bins may be smaller.

    Sums are made in 32 bits for integers of up to 16 bits, else in float64.
    """
    accumulator = accumulator_dtype(frames.flat.dtype)
    sums = np.empty((AT_ONCE, frames.shape[0] * -(-frames.shape[1] // factor[1])), accumulator)
    run = _BIN[accumulator.name]
    run(frames.flat, frames.stride, frames.n, frames.shape, factor, _steps(factor[1]), sums, block, start)


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
def _add(out, row, weight):  # type: ignore[no-untyped-def]
    for p in range(out.size):
        out[p] += weight * np.float64(row[p])


@njit(nogil=True, cache=True)
def weigh(block, touched, weights, out):  # type: ignore[no-untyped-def]
    """Write to ``out (k, positions) float64`` the sums of a block's rows `touched`, weighted by ``weights (k, bins)``.

    A row of weight 0 is never taken in. Rows are added in order, so integers with whole weights stay exact.
    """
    out[:] = 0.0
    for t in range(touched.size):
        row = block[touched[t]]
        for k in range(out.shape[0]):
            if weights[k, touched[t]] != 0.0:
                _add(out[k], row, weights[k, touched[t]])


@njit(nogil=True, cache=True)
def add_frame(row, out):  # type: ignore[no-untyped-def]
    """Add a frame's pixels to ``out (p) float64``."""
    for p in range(out.size):
        out[p] += np.float64(row[p])
