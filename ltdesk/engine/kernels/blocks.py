"""Binned frames for previews: making blocks ``(bins, positions)`` of them, and weighing the bins of a block.

The bins come first so that an image is a sum of contiguous rows, and only of those rows that its mask touches. Frames
are binned sixteen at a time into the cache and turned over from there, so that whole cache lines are written. On
2 threads, 128x128 u16 in bins of 4x4: 2 passes with the reading.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ltdesk.engine.kernels.rows import U64
from ltdesk.engine.kernels.steps import Step, compiled, frames_at, row_at, table_at, with_words
from ltdesk.engine.kernels.wide import wide_vectors
from ltdesk.geometry import Size2D

AT_ONCE = 16
QUICK = (1, 2, 3, 4)
STRETCH = 2048
"""Positions whose sums stay in the first-level cache while bins are added to them."""
MOST_COUNTED = 1 << 16
"""So many bins of 16 bits are summed in 32 bits."""


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


def weigh(
    store: NDArray[Any],
    starts: NDArray[np.int64],
    present: NDArray[np.bool_],
    weights: NDArray[np.float64],
    cut: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Sums of bins, weighted by ``weights (k, bins)``: ``(k, positions)`` of all partitions, one after the other.

    One call for the whole scan: what is done between kernels waits for whoever has Python's lock. A bin that no
    weight touches is never read.

    Parameters
    ----------
    store : the blocks ``(bins, positions of it)`` of all partitions end to end, flat
    starts : (partitions + 1) positions before each partition
    present : (partitions) which of them are there; the others give 0
    cut : (bins) bins of which not all pixels are meant: where such a sum is not finite it is left out, since the
        pixel that made it so may not be one of them
    """
    out = np.zeros((len(weights), int(starts[-1])))
    touched = (weights != 0.0).any(axis=0)
    plain = touched & (weights[0] == 1.0) if store.dtype == np.uint16 and len(weights) == 1 else np.zeros_like(touched)
    counted = np.flatnonzero(plain)[:MOST_COUNTED]
    touched[counted] = False
    weighed = np.flatnonzero(touched)
    whole = store.dtype.kind in "ui"
    exact = np.zeros_like(cut) if whole else cut
    _weigh(store, starts, present, weights.shape[1], counted, weighed, weights, exact, whole, out)
    return out


@njit(nogil=True, cache=True)
def _weigh(store, starts, present, bins, counted, weighed, weights, cut, whole, out):  # type: ignore[no-untyped-def]
    counts = np.empty(STRETCH, np.uint32)
    for i in range(present.size):
        if not present[i]:
            continue
        n, base = starts[i + 1] - starts[i], bins * starts[i]
        for first in range(0, n, STRETCH):
            size, at = min(STRETCH, n - first), starts[i] + first
            if counted.size:
                _count_rows(store, counted, base + first, n, counts[:size])
                for p in range(size):
                    out[0, at + p] = np.float64(counts[p])
            if out.shape[0] == 3:
                # slices of the rows: those of a slice of all three are not known to be in one piece
                x, y, z = out[0, at : at + size], out[1, at : at + size], out[2, at : at + size]
                done = _add3_rows(x, y, z, store, weighed, base + first, n, weights) if whole else 0
                for b in weighed[done:]:
                    row = store[base + b * n + first : base + b * n + first + size]
                    _add3(x, y, z, row, weights[0, b], weights[1, b], weights[2, b], cut[b])
            else:
                for k in range(out.shape[0]):
                    part = out[k, at : at + size]
                    done = _add_whole_rows(part, store, weighed, base + first, n, weights[k]) if whole else 0
                    _add_rows(store, weighed[done:], base + first, n, weights[k], cut, part)


@njit(nogil=True, cache=True)
def _count_rows(store, which, base, step, counts):  # type: ignore[no-untyped-def]
    size = counts.size
    counts[:] = 0
    for t in range(0, which.size - 3, 4):
        a, b = base + which[t] * step, base + which[t + 1] * step
        c, d = base + which[t + 2] * step, base + which[t + 3] * step
        _count4(counts, store[a : a + size], store[b : b + size], store[c : c + size], store[d : d + size])
    for t in range(which.size // 4 * 4, which.size):
        a = base + which[t] * step
        _count(counts, store[a : a + size])


@njit(nogil=True, cache=True)
def _count(counts, a):  # type: ignore[no-untyped-def]
    for p in range(counts.size):
        counts[p] += np.uint32(a[p])


@njit(nogil=True, cache=True)
def _count4(counts, a, b, c, d):  # type: ignore[no-untyped-def]
    for p in range(counts.size):
        first, second = np.uint32(a[p]) + np.uint32(b[p]), np.uint32(c[p]) + np.uint32(d[p])
        counts[p] = np.uint32(counts[p] + np.uint32(first + second))


@njit(nogil=True, cache=True)
def _add_rows(store, which, base, step, weights, cut, out):  # type: ignore[no-untyped-def]
    size, t = out.size, 0
    while t < which.size:
        b = which[t]
        row = store[base + b * step : base + b * step + size]
        if t + 1 < which.size and not cut[b] and not cut[which[t + 1]]:
            c = which[t + 1]
            _add2(out, row, weights[b], store[base + c * step : base + c * step + size], weights[c])
            t += 2
        else:
            _add(out, row, weights[b], cut[b])
            t += 1


@njit(nogil=True, cache=True)
def _add_whole_rows(out, store, which, base, step, weights):  # type: ignore[no-untyped-def]
    """Add four bins at a time to an image; how many that were. Of whole numbers, which are always finite."""
    for t in range(0, which.size - 3, 4):
        i, j, k, m = which[t], which[t + 1], which[t + 2], which[t + 3]
        at = (U64(base + i * step), U64(base + j * step), U64(base + k * step), U64(base + m * step))
        _add_of4(out, store, at, weights[i], weights[j], weights[k], weights[m])
    return which.size // 4 * 4


@njit(nogil=True, cache=True, fastmath={"contract"})
def _add_of4(out, store, at, i, j, k, m):  # type: ignore[no-untyped-def]
    wide_vectors()
    a, b, c, d = at
    for p in range(U64(out.size)):
        e, f = np.float64(store[a + p]), np.float64(store[b + p])
        g, h = np.float64(store[c + p]), np.float64(store[d + p])
        out[p] += (i * e + j * f) + (k * g + m * h)


@njit(nogil=True, cache=True)
def _add(out, row, weight, finite):  # type: ignore[no-untyped-def]
    if weight == 0.0:
        return
    if finite:
        for p in range(out.size):
            value = np.float64(row[p])
            out[p] += weight * value if np.isfinite(value) else 0.0
    else:
        for p in range(out.size):
            out[p] += weight * np.float64(row[p])


@njit(nogil=True, cache=True)
def _add2(out, a, weight_a, b, weight_b):  # type: ignore[no-untyped-def]
    if weight_a == 0.0 or weight_b == 0.0:  # of several images: one that has no part in it may be NaN
        _add(out, a, weight_a, False)
        _add(out, b, weight_b, False)
        return
    for p in range(out.size):
        out[p] += weight_a * np.float64(a[p]) + weight_b * np.float64(b[p])


@njit(nogil=True, cache=True)
def _add3(x, y, z, row, first, second, third, finite):  # type: ignore[no-untyped-def]
    if finite or first == 0.0 or second == 0.0 or third == 0.0:
        _add(x, row, first, finite)
        _add(y, row, second, finite)
        _add(z, row, third, finite)
        return
    for p in range(row.size):
        value = np.float64(row[p])
        x[p] += first * value
        y[p] += second * value
        z[p] += third * value


@njit(nogil=True, cache=True)
def _add3_rows(x, y, z, store, which, base, step, weights):  # type: ignore[no-untyped-def]
    """Add four bins at a time to three images; how many that were. Of whole numbers, which are always finite."""
    for t in range(0, which.size - 3, 4):
        i, j, k, m = which[t], which[t + 1], which[t + 2], which[t + 3]
        at = (U64(base + i * step), U64(base + j * step), U64(base + k * step), U64(base + m * step))
        first, second = weights[:, i], weights[:, j]
        third, fourth = weights[:, k], weights[:, m]
        _add3_of4(x, y, z, store, at, first, second, third, fourth)
    return which.size // 4 * 4


@njit(nogil=True, cache=True, fastmath={"contract"})
def _add3_of4(x, y, z, store, at, i, j, k, m):  # type: ignore[no-untyped-def]
    wide_vectors()
    a, b, c, d = at
    xi, xj, xk, xm = i[0], j[0], k[0], m[0]
    yi, yj, yk, ym = i[1], j[1], k[1], m[1]
    zi, zj, zk, zm = i[2], j[2], k[2], m[2]
    for p in range(U64(x.size)):
        e, f = np.float64(store[a + p]), np.float64(store[b + p])
        g, h = np.float64(store[c + p]), np.float64(store[d + p])
        x[p] += (xi * e + xj * f) + (xk * g + xm * h)
        y[p] += (yi * e + yj * f) + (yk * g + ym * h)
        z[p] += (zi * e + zj * f) + (zk * g + zm * h)


@njit(nogil=True, cache=True)
def _add_frame(row, out):  # type: ignore[no-untyped-def]
    for p in range(out.size):
        out[p] += np.float64(row[p])
