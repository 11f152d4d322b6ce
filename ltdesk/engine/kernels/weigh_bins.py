"""Images from binned frames: sums of the bins of blocks ``(bins, positions)``, each by its weight."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ltdesk.engine.kernels.rows import U64
from ltdesk.engine.kernels.wide import wide_vectors

STRETCH = 2048
"""Positions whose sums stay in the first-level cache while bins are added to them."""
MOST_COUNTED = 1 << 16
"""So many bins of 16 bits are summed in 32 bits."""


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
