"""Sums of counts: unsigned pixels of 8 and 16 bits, added in 16 bits as long as that holds them.

Few scans count so much that eight pixels leave 16 bits, and one instruction adds 32 pixels of that width, where sums
that are widened first take four times as many. Sums here stay at 65535 instead of passing it; where one does, that
piece is summed again in wide numbers: slower, never wrong. One thread, 128x128 u16 in the cache, against sums that
are widened first: 1.3 to 1.8 times as fast, and up to a quarter slower where it had to be done again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from ltdesk.engine.kernels.prefetch import ask_ahead
from ltdesk.engine.kernels.rows import U64, add_each, adding
from ltdesk.engine.kernels.wide import wide_vectors

FULL = np.uint16(65535)
"""A sum that is this may be larger."""
LONG_ROW = 512
"""Pixels of a frame that are added to the next ones, to them the next; their sums stay in the first-level cache."""
MOST_PAIRS = 16
"""So many pairs of long rows are added in 16 bits: fit up to 2047 a pixel."""
U16, U32 = np.uint16, np.uint32
_eight_wide, _rows8_wide, _row = adding(U32)


def is_counts(pixel: np.dtype[Any]) -> bool:
    """Are these pixels summed so?"""
    return pixel.kind == "u" and pixel.itemsize <= 2


def _add_saturating(typing_context: Any, a: Any, b: Any) -> Any:
    if a != types.uint16 or b != types.uint16:
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(16)
        kind = ir.FunctionType(word, [word, word])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.uadd.sat.i16")  # type: ignore[no-untyped-call]
        return builder.call(function, arguments)

    return types.uint16(types.uint16, types.uint16), generate


add_saturating: Any = intrinsic(_add_saturating)
"""In a compiled function: ``a + b`` of two uint16, at most `FULL`."""


@njit(nogil=True, cache=True)
def _eight(flat, i, step):  # type: ignore[no-untyped-def]
    """The sum of eight pixels, at most `FULL`."""
    a = add_saturating(U16(flat[i]), U16(flat[i + step]))
    b = add_saturating(U16(flat[i + U64(2) * step]), U16(flat[i + U64(3) * step]))
    c = add_saturating(U16(flat[i + U64(4) * step]), U16(flat[i + U64(5) * step]))
    d = add_saturating(U16(flat[i + U64(6) * step]), U16(flat[i + U64(7) * step]))
    return add_saturating(add_saturating(a, b), add_saturating(c, d))


@njit(nogil=True, cache=True)
def _rows8(sums, flat, at, step):  # type: ignore[no-untyped-def]
    """Add eight frames' pixels from place `at` on; were all sums below `FULL`?"""
    wide_vectors()
    top = U16(0)
    for p in range(U64(sums.size)):
        t = _eight(flat, at + p, step)
        top = max(top, t)
        sums[p] = U32(sums[p] + U32(t))
    return top != FULL


@njit(nogil=True, cache=True)
def _rows8_again(sums, flat, at, step):  # type: ignore[no-untyped-def]
    """Put right what `_rows8` has added."""
    for p in range(U64(sums.size)):
        missing = U32(_eight_wide(flat, at + p, step) - U32(_eight(flat, at + p, step)))
        sums[p] = U32(sums[p] + missing)


@njit(nogil=True, cache=True)
def sum_in_rows(flat, stride, n, acc, block):  # type: ignore[no-untyped-def]
    """Add at most `steps.MOST_FRAMES` frames to ``acc (p) uint64``, `block` pixels of each at a time."""
    space = np.empty(min(block, acc.size), dtype=np.uint32)
    for i in range(0, acc.size, block):
        j = min(i + block, acc.size)
        sums, fits = space[: j - i], True
        sums[:] = U32(0)
        for f in range(0, n - n % 8, 8):
            at, step = U64(f * stride + i), U64(stride)
            if not fits:
                _rows8_wide(sums, flat, at, step)
            elif not _rows8(sums, flat, at, step):
                _rows8_again(sums, flat, at, step)
                fits = False  # a bright beam or a hot pixel: the next frames have it too
        for f in range(n - n % 8, n):
            _row(sums, flat, U64(f * stride + i))
        add_each(acc[i:j], sums)


def counted_sums(wide_row: Any) -> Any:
    """What writes the sum of each whole frame to ``out (n)``; `wide_row` sums a row in wide numbers."""

    @njit(nogil=True, cache=True)
    def add2(sums, flat, i):  # type: ignore[no-untyped-def]
        wide_vectors()
        step = U64(sums.size)
        for p in range(step):
            both = add_saturating(U16(flat[i + p]), U16(flat[i + step + p]))
            sums[p] = add_saturating(sums[p], both)

    @njit(nogil=True, cache=True)
    def total_of(sums):  # type: ignore[no-untyped-def]
        """Their sum and the largest of them; they begin anew."""
        wide_vectors()
        total, top = U32(0), U16(0)
        for p in range(sums.size):
            total = U32(total + U32(sums[p]))
            top = max(top, sums[p])
            sums[p] = U16(0)
        return total, top

    @njit(nogil=True, cache=True)
    def run(flat, stride, pixels, out):  # type: ignore[no-untyped-def]
        sums, fits = np.zeros(LONG_ROW, np.uint16), True
        for f in range(out.size):
            start, stop, out[f] = f * stride, f * stride + pixels, 0
            while stop - start >= 2 * LONG_ROW and fits:
                rows = min((stop - start) // (2 * LONG_ROW), MOST_PAIRS) * 2
                for i in range(start, start + rows * LONG_ROW, 2 * LONG_ROW):
                    ask_ahead(flat, i, i + 2 * LONG_ROW)
                    add2(sums, flat, U64(i))
                total, top = total_of(sums)
                fits = top != FULL  # else a bright beam or a hot pixel: the next frames have it too
                if fits:
                    out[f] += total
                    start += rows * LONG_ROW
            for i in range(start, stop, LONG_ROW * MOST_PAIRS):
                out[f] += wide_row(flat, i, min(i + LONG_ROW * MOST_PAIRS, stop))

    return run
