"""Sums of counts: unsigned pixels of 8 and 16 bits, added in 16 bits as long as that holds them.

Few scans count so much that eight pixels leave 16 bits, and one instruction adds 32 pixels of that width, where sums
that are widened first take four times as many. Sums here stay at 65535 instead of passing it; where one does, that
piece is summed again in wide numbers: slower, never wrong. One thread, 128x128 u16 in the cache, against sums that
are widened first: 1.3 to 1.8 times as fast, and up to a quarter slower where it had to be done again. Sums of frames,
with four read side by side and sums in registers, took 235 -> 130 ms for 2.1 GB from memory on one thread of AMD's
Zen 3, whose memory is slow to answer one request after the other.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding  # type: ignore[import-untyped]
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from ltdesk.engine.kernels.prefetch import FAR_AHEAD
from ltdesk.engine.kernels.rows import U64, add_each, adding
from ltdesk.engine.kernels.vectors import NUMBER, ask_for, call, further, load, place_in, store, widely
from ltdesk.engine.kernels.wide import wide_vectors

FULL = np.uint16(65535)
"""A sum that is this may be larger."""
LANES = 32
"""Pixels to a vector: 64 bytes of pixels of 16 bits."""
MOST_LINES = 32
"""Vectors of a frame that are added in 16 bits: fit up to 2047 a pixel."""
ASKS = not llvmlite.binding.get_host_cpu_name().startswith(("znver", "bdver"))
"""Whether frames that are read side by side are asked for ahead. 2.1 GB from memory on two threads, with and without:
Intel (Emerald Rapids) 92 and 140 ms, AMD (Zen 3) 115 and 85."""
FAR = 1 << 18
"""Bytes of four frames: what is asked for is the next four, or of larger frames what lies `FAR_AHEAD`."""
WIDE_ROW = 16384
"""Pixels that are summed in 32 bits."""
U16, U32 = np.uint16, np.uint32
_COUNTS = ir.VectorType(ir.IntType(16), LANES)
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


def _add_lines(
    typing_context: Any, flat: Any, a: Any, b: Any, c: Any, d: Any, lines: Any, ahead: Any, sums: Any
) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        widely(builder)
        frames = [place_in(context, builder, signature, arguments, 0, place) for place in arguments[1:5]]
        totals = [cgutils.alloca_once_value(builder, ir.Constant(_COUNTS, [0] * LANES)) for _ in frames]  # type: ignore[no-untyped-call]
        with cgutils.for_range(builder, arguments[5]) as loop:
            for frame, total in zip(frames, totals, strict=True):
                here = further(builder, frame, builder.mul(loop.index, NUMBER(LANES)))
                if ASKS:
                    ask_for(builder, further(builder, here, arguments[6]))
                counts = load_counts(builder, here)
                builder.store(call(builder, "llvm.uadd.sat", [builder.load(total), counts]), total)
        for k, total in enumerate(totals):
            store(builder, builder.load(total), place_in(context, builder, signature, arguments, 7, NUMBER(k * LANES)))
        return context.get_dummy_value()

    return types.void(flat, a, b, c, d, lines, ahead, sums), generate


_add_four: Any = intrinsic(_add_lines)
"""``(flat, a, b, c, d, lines, ahead, sums)``: the sums of so many `LANES` pixels of four frames.

a, b, c, d : where they begin
ahead : how far on pixels are that are asked for
sums : (4 * LANES) uint16
"""


def load_counts(builder: Any, place: Any, selectors: Any = None) -> Any:
    """`LANES` pixels as a vector of 16 bits; of these selectors, 0 where they have no bits."""
    kind = ir.VectorType(place.type.pointee, LANES)
    counts = load(builder, place, kind)
    if selectors is not None:
        counts = builder.and_(counts, load(builder, selectors, kind))
    return builder.zext(counts, _COUNTS) if kind.element.width < _COUNTS.element.width else counts


@njit(nogil=True, cache=True)
def _totals(sums, four):  # type: ignore[no-untyped-def]
    """Write the sum of each frame's lanes to ``four (4)``; were all of them below `FULL`?"""
    wide_vectors()
    top = U16(0)
    for k in range(4):
        total = U32(0)
        for p in range(U64(k * LANES), U64((k + 1) * LANES)):
            total = U32(total + U32(sums[p]))
            top = max(top, sums[p])
        four[k] = total
    return top != FULL


def counted_sums(wide_row: Any) -> Any:
    """What writes the sum of each whole frame to ``out (n)``; `wide_row` sums a row in wide numbers.

    Four frames are read side by side: memory answers more at once than where one is read after the other.
    """

    @njit(nogil=True, cache=True)
    def run(flat, stride, pixels, out):  # type: ignore[no-untyped-def]
        last, fits = out.size - 1, True
        sums, four = np.empty(4 * LANES, np.uint16), np.empty(4, np.uint32)
        ahead = 4 * stride if 4 * stride * flat.itemsize <= FAR else FAR_AHEAD // flat.itemsize
        for f in range(0, out.size, 4):
            a, b = f * stride, min(f + 1, last) * stride  # the last frame fills up what is missing to four
            c, d = min(f + 2, last) * stride, min(f + 3, last) * stride
            out[f : f + 4] = start = 0
            while pixels - start >= LANES and fits:
                lines = min((pixels - start) // LANES, MOST_LINES)
                _add_four(
                    flat, U64(a + start), U64(b + start), U64(c + start), U64(d + start), U64(lines), U64(ahead), sums
                )
                fits = _totals(sums, four)  # else a bright beam or a hot pixel: the next frames have it too
                if fits:
                    for k in range(min(4, out.size - f)):
                        out[f + k] += four[k]
                    start += lines * LANES
            for k in range(f, min(f + 4, out.size)):
                for i in range(start, pixels, WIDE_ROW):
                    out[k] += wide_row(flat, k * stride + i, k * stride + min(i + WIDE_ROW, pixels))

    return run
