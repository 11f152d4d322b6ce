"""Sums of counts and of their squares over frames, and their maximum, in one loop.

A count up to 4095 times itself fits 24 bits, so 256 of these are added in 32 bits, twice as many to a register as in
64. Pixels above that are seen by their maximum, and their frames are done again in 64 bits. One thread, 128x128 u16
in the cache: 1.5 times as fast as in 64 bits, and the maximum costs nothing more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ltdesk.engine.kernels.counts import U16, U32, add_saturating
from ltdesk.engine.kernels.rows import U64, add_each
from ltdesk.engine.kernels.wide import wide_vectors

BLOCK = 4096
"""Pixels of a row whose sums stay in the second-level cache."""
MOST_FRAMES = 256
"""So many squares of `LARGEST` fit 32 bits."""
LARGEST = np.uint16(4095)


def add_count_squares(
    flat: NDArray[Any],
    stride: int,
    n: int,
    sums: NDArray[np.uint64],
    squares: NDArray[np.uint64],
    largest: NDArray[Any] | None = None,
) -> None:
    """Add n frames of uint8 or uint16 to ``sums (p)`` and ``squares (p)``, and raise ``largest (p)`` to theirs."""
    add, raised = (_ADD, flat[:0]) if largest is None else (_ADD_AND_RAISE, largest)
    for start in range(0, n, MOST_FRAMES):
        stop = min(start + MOST_FRAMES, n)
        add(flat[start * stride :], stride, stop - start, sums, squares, raised)


@njit(nogil=True, cache=True)
def _square(v):  # type: ignore[no-untyped-def]
    """The square of a count as if it were no more than `LARGEST`."""
    few = U32(v & LARGEST)
    return U32(few * few)


@njit(nogil=True, cache=True)
def _pair(flat, i, step):  # type: ignore[no-untyped-def]
    """Two frames' pixels: their sum, at most `FULL`, the sum of their squares as if they were few, the larger."""
    a, b = U16(flat[i]), U16(flat[i + step])
    return add_saturating(a, b), U32(_square(a) + _square(b)), max(a, b)


@njit(nogil=True, cache=True)
def _four(flat, i, step):  # type: ignore[no-untyped-def]
    s0, q0, m0 = _pair(flat, i, step)
    s1, q1, m1 = _pair(flat, i + U64(2) * step, step)
    return add_saturating(s0, s1), U32(q0 + q1), max(m0, m1)


@njit(nogil=True, cache=True)
def _eight(flat, i, step):  # type: ignore[no-untyped-def]
    s0, q0, m0 = _four(flat, i, step)
    s1, q1, m1 = _four(flat, i + U64(4) * step, step)
    return add_saturating(s0, s1), U32(q0 + q1), max(m0, m1)


@njit(nogil=True, cache=True)
def _four_wide(flat, i, step):  # type: ignore[no-untyped-def]
    a, b = U32(flat[i]), U32(flat[i + step])
    c, d = U32(flat[i + U64(2) * step]), U32(flat[i + U64(3) * step])
    squares = U64(U64(a) * U64(a) + U64(b) * U64(b)) + U64(U64(c) * U64(c) + U64(d) * U64(d))
    return U32(U32(a + b) + U32(c + d)), U64(squares)


@njit(nogil=True, cache=True)
def _rows8_again(sums, squares, flat, at, step):  # type: ignore[no-untyped-def]
    """Add what eight frames' sums have lost in narrow numbers."""
    for p in range(U64(sums.size)):
        i = at + p
        s, q, _ = _eight(flat, i, step)
        s0, q0 = _four_wide(flat, i, step)
        s1, q1 = _four_wide(flat, i + U64(4) * step, step)
        sums[p] += U64(U32(U32(s0 + s1) - U32(s)))
        squares[p] += U64(U64(q0 + q1) - U64(q))


def _adding(raising: bool) -> Callable[..., None]:
    @njit(nogil=True, cache=True)
    def rows8(sums, squares, largest, flat, at, step):  # type: ignore[no-untyped-def]
        """Add eight frames; were they few enough?"""
        wide_vectors()
        top = U16(0)
        for p in range(U64(sums.size)):
            s, q, m = _eight(flat, at + p, step)
            top = max(top, m)
            if raising:
                largest[p] = max(U16(largest[p]), m)
            sums[p] = U32(sums[p] + U32(s))
            squares[p] = U32(squares[p] + q)
        return top <= LARGEST

    @njit(nogil=True, cache=True)
    def rows8_wide(sums, squares, largest, flat, at, step):  # type: ignore[no-untyped-def]
        wide_vectors()
        for p in range(U64(sums.size)):
            i = at + p
            s0, q0 = _four_wide(flat, i, step)
            s1, q1 = _four_wide(flat, i + U64(4) * step, step)
            if raising:
                largest[p] = max(U16(largest[p]), _eight(flat, i, step)[2])
            sums[p] += U64(U32(s0 + s1))
            squares[p] += U64(q0 + q1)

    @njit(nogil=True, cache=True)
    def row(sums, squares, largest, flat, at):  # type: ignore[no-untyped-def]
        for p in range(U64(sums.size)):
            v = U64(flat[at + p])
            if raising:
                largest[p] = max(U64(largest[p]), v)
            sums[p] += v
            squares[p] += U64(v * v)

    @njit(nogil=True, cache=True)
    def run(flat, stride, n, sums, squares, largest):  # type: ignore[no-untyped-def]
        size = min(BLOCK, sums.size)
        few_sums, few_squares = np.empty(size, np.uint32), np.empty(size, np.uint32)
        for i in range(0, sums.size, BLOCK):
            j, fits, step = min(i + BLOCK, sums.size), True, U64(stride)
            s, q, top = sums[i:j], squares[i:j], largest[i:j]
            few_s, few_q = few_sums[: j - i], few_squares[: j - i]
            for p in range(j - i):
                few_s[p] = few_q[p] = U32(0)
            for f in range(0, n - n % 8, 8):
                at = U64(f * stride + i)
                if not fits:
                    rows8_wide(s, q, top, flat, at, step)
                elif not rows8(few_s, few_q, top, flat, at, step):
                    _rows8_again(s, q, flat, at, step)
                    fits = False  # a bright beam or a hot pixel: the next frames have it too
            for f in range(n - n % 8, n):
                row(s, q, top, flat, U64(f * stride + i))
            add_each(s, few_s)
            add_each(q, few_q)

    return run


_ADD, _ADD_AND_RAISE = _adding(False), _adding(True)
