"""One number from each frame: its sums of squares (exact for integers), its spread, its maximum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ltdesk.engine.kernels.folds import raise_row
from ltdesk.engine.kernels.squares import HALF, HALF_BITS, digit_counts, flip_of, variance

BLOCK = 16384
"""So many pixels of 16 bits, and squares of 8 bits, sum to less than 2**32."""
LANES = 256
"""Pixels that are compared at once."""


def variance_of_each(flat: NDArray[Any], stride: int, n: int, pixels: int) -> NDArray[np.float64]:
    """The variance ``(n) float64`` (ddof 0) of each frame's pixels."""
    if flat.dtype.kind == "f":
        out = np.empty(n)
        _float_variance(flat, stride, pixels, out)
        return out
    size = flat.dtype.itemsize
    digits = [np.zeros((count, n), np.uint64) for count in digit_counts(flat.dtype)]
    _SQUARES[flat.dtype.kind, size](flat.view(f"u{size}"), stride, pixels, *digits)
    return variance(pixels, *(list(rows) for rows in digits))


@njit(nogil=True, cache=True)
def max_of_each(flat, stride, pixels, out):  # type: ignore[no-untyped-def]
    """Write the largest value of each frame to ``out (n)``, of the pixels' dtype; NaN where it holds one."""
    lanes = np.empty(min(LANES, pixels), dtype=flat.dtype)
    for f in range(out.size):
        lanes[:] = flat[f * stride : f * stride + lanes.size]
        for i in range(lanes.size, pixels, LANES):
            j = min(i + LANES, pixels)
            raise_row(lanes[: j - i], flat[f * stride + i : f * stride + j])
        largest = lanes[0]
        for p in range(lanes.size):
            if lanes[p] > largest or lanes[p] != lanes[p]:
                largest = lanes[p]
        out[f] = largest


@njit(nogil=True, cache=True, fastmath={"reassoc"})
def _sum(r):  # type: ignore[no-untyped-def]
    a = 0.0
    for p in range(r.size):
        a += r[p]
    return a


@njit(nogil=True, cache=True, fastmath={"reassoc"})
def _deviations(r, mean):  # type: ignore[no-untyped-def]
    a = b = 0.0
    for p in range(r.size):
        d = r[p] - mean
        a += d
        b += d * d
    return a, b


@njit(nogil=True, cache=True)
def _float_variance(flat, stride, pixels, out):  # type: ignore[no-untyped-def]
    for f in range(out.size):
        r = flat[f * stride : f * stride + pixels]
        a, b = _deviations(r, _sum(r) / pixels)
        out[f] = max((b - a * a / pixels) / pixels, 0.0) if b == b else np.nan


def _narrow(flip: Any, wide: Any) -> Callable[..., None]:
    @njit(nogil=True, cache=True)
    def row(r):  # type: ignore[no-untyped-def]
        s, q = np.uint32(0), wide(0)
        for p in range(r.size):
            v = np.uint32(r[p] ^ flip)
            s = np.uint32(s + v)
            q = wide(q + wide(v) * wide(v))
        return s, q

    @njit(nogil=True, cache=True)
    def run(flat, stride, pixels, sums, squares):  # type: ignore[no-untyped-def]
        for f in range(sums.shape[1]):
            for i in range(0, pixels, BLOCK):
                s, q = row(flat[f * stride + i : f * stride + min(i + BLOCK, pixels)])
                sums[0, f] += s
                squares[0, f] += q

    return run


def _of_32(flip: Any) -> Callable[..., None]:
    @njit(nogil=True, cache=True)
    def run(flat, stride, pixels, sums, squares):  # type: ignore[no-untyped-def]
        for f in range(sums.shape[1]):
            s = q0 = q1 = np.uint64(0)
            for value in flat[f * stride : f * stride + pixels]:
                v = np.uint64(value ^ flip)
                s += v
                q0 += v * v & HALF
                q1 += v * v >> HALF_BITS
            sums[0, f], squares[0, f], squares[1, f] = s, q0, q1

    return run


def _of_64(flip: Any) -> Callable[..., None]:
    @njit(nogil=True, cache=True)
    def run(flat, stride, pixels, sums, squares):  # type: ignore[no-untyped-def]
        two = np.uint64(2)
        for f in range(sums.shape[1]):
            for value in flat[f * stride : f * stride + pixels]:
                v = np.uint64(value ^ flip)
                low, high = v & HALF, v >> HALF_BITS
                sums[0, f] += low
                sums[1, f] += high
                squares[0, f] += low * low & HALF
                squares[1, f] += (low * low >> HALF_BITS) + two * (high * low & HALF)
                squares[2, f] += two * (high * low >> HALF_BITS) + (high * high & HALF)
                squares[3, f] += high * high >> HALF_BITS

    return run


_SQUARES: dict[tuple[str, int], Callable[..., None]] = {
    (kind, size): _narrow(flip_of(kind, size), np.uint32 if size == 1 else np.uint64)
    for kind in "ui"
    for size in (1, 2)
} | {(kind, size): make(flip_of(kind, size)) for kind in "ui" for size, make in ((4, _of_32), (8, _of_64))}
