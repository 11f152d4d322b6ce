"""Sums of counts of four frames that are read side by side, whole or inside a mask (`counts`).

Sums stay in registers, 16 bits wide, for as long as these hold them, and memory answers more at once than where frames
are read one after the other. 2.1 GB from memory on AMD's Zen 3, against sums in the cache: whole frames, one thread,
235 -> 130 ms; two threads, a disk of radius 30 93 -> 68, a ring of 45 to 62 160 -> 135, twelve rings 330 -> 270.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.binding  # type: ignore[import-untyped]
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from ltdesk.engine.kernels.counts import COUNTS, FULL, LANES, U16, U32, load_counts
from ltdesk.engine.kernels.prefetch import FAR_AHEAD, LINE
from ltdesk.engine.kernels.rows import U64
from ltdesk.engine.kernels.vectors import NUMBER, ask_for, call, further, place_in, store, widely
from ltdesk.engine.kernels.wide import wide_vectors

MOST_LINES = 32
"""Vectors of a frame that are added in 16 bits: fit up to 2047 a pixel."""
ASKS = not llvmlite.binding.get_host_cpu_name().startswith(("znver", "bdver"))
"""Whether frames that are read side by side are asked for ahead. 2.1 GB from memory on two threads, with and without:
Intel (Emerald Rapids) 92 and 140 ms, AMD (Zen 3) 115 and 85."""
FAR = 1 << 18
"""Bytes of four frames: what is asked for is the next four, or of larger frames what lies `FAR_AHEAD`."""
WIDE_ROW = 16384
"""Pixels that are summed in 32 bits."""


def _add_lines(
    typing_context: Any, flat: Any, a: Any, b: Any, c: Any, d: Any, lines: Any, ahead: Any, sums: Any
) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        frames = [place_in(context, builder, signature, arguments, 0, place) for place in arguments[1:5]]

        def counts_at(line: Any, frame: Any) -> list[Any]:
            here = further(builder, frame, builder.mul(line, NUMBER(LANES)))
            if ASKS:
                ask_for(builder, further(builder, here, arguments[6]))
            return [load_counts(builder, here)]

        target = place_in(context, builder, signature, arguments, 7, NUMBER(0))
        _sum_up(builder, frames, arguments[5], counts_at, target)
        return context.get_dummy_value()

    return types.void(flat, a, b, c, d, lines, ahead, sums), generate


def _adding_pieces(asking: bool) -> Any:
    def add(
        typing_context: Any, flat: Any, a: Any, b: Any, c: Any, d: Any, ahead: Any, starts: Any, inside: Any,
        first: Any, pieces: Any, sums: Any,
    ) -> Any:  # fmt: skip
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            frames = [place_in(context, builder, signature, arguments, 0, place) for place in arguments[1:5]]
            start = place_in(context, builder, signature, arguments, 6, arguments[8])
            pixels = LINE * 8 // signature.args[0].dtype.bitwidth
            chosen = place_in(context, builder, signature, arguments, 7, builder.mul(arguments[8], NUMBER(pixels)))

            def counts_at(piece: Any, frame: Any) -> list[Any]:
                here = further(builder, frame, builder.load(further(builder, start, piece)))
                selectors = further(builder, chosen, builder.mul(piece, NUMBER(pixels)))
                if asking:
                    for pixel in (0, pixels - 1):
                        ask_for(builder, further(builder, further(builder, here, arguments[5]), pixel))
                return [
                    load_counts(builder, further(builder, here, k), further(builder, selectors, k))
                    for k in range(0, pixels, LANES)
                ]

            target = place_in(context, builder, signature, arguments, 10, NUMBER(0))
            _sum_up(builder, frames, arguments[9], counts_at, target)
            return context.get_dummy_value()

        return types.void(flat, a, b, c, d, ahead, starts, inside, first, pieces, sums), generate

    return intrinsic(add)


def _sum_up(builder: Any, frames: Sequence[Any], count: Any, counts_at: Callable[..., list[Any]], target: Any) -> None:
    """Write sums of each frame's counts, ``counts_at(number, frame)`` for so many numbers, to ``target (4, LANES)``."""
    widely(builder)
    totals = [cgutils.alloca_once_value(builder, ir.Constant(COUNTS, [0] * LANES)) for _ in frames]  # type: ignore[no-untyped-call]
    with cgutils.for_range(builder, count) as loop:
        for frame, total in zip(frames, totals, strict=True):
            value = builder.load(total)
            for counts in counts_at(loop.index, frame):
                value = call(builder, "llvm.uadd.sat", [value, counts])
            builder.store(value, total)
    for k, total in enumerate(totals):
        store(builder, builder.load(total), further(builder, target, k * LANES))


_add_four: Any = intrinsic(_add_lines)
"""``(flat, a, b, c, d, lines, ahead, sums)``: the sums of so many `LANES` pixels of four frames.

a, b, c, d : where they begin
ahead : how far on pixels are that are asked for
sums : (4 * LANES) uint16
"""
_add_pieces, _add_pieces_asking = _adding_pieces(asking=False), _adding_pieces(asking=True)
"""``(flat, a, b, c, d, ahead, starts, inside, first, pieces, sums)``: the same of what is inside a mask, in so many
pieces of 64 bytes (`pieces`) from number `first` on, and whether those are asked for that lie ahead."""


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


def counted_pieces(wide_run: Callable[..., Any]) -> Callable[..., Any]:
    """The loop over pieces (`pieces`) of counts; `wide_run` is the one in wide numbers."""

    @njit(nogil=True, cache=True)
    def run(four, flat, at, step, starts, selectors, first, stop):  # type: ignore[no-untyped-def]
        """Add four frames' pieces from `first` to `stop` to ``four (4)``; ask for those `step` pixels on."""
        sums, each = np.empty(4 * LANES, np.uint16), np.empty(4, np.uint32)
        a, b, c, d = U64(at[0]), U64(at[1]), U64(at[2]), U64(at[3])
        for s in range(first, stop, MOST_LINES):
            count = min(MOST_LINES, stop - s)
            if step:
                _add_pieces_asking(flat, a, b, c, d, step, starts, selectors, s, count, sums)
            else:
                _add_pieces(flat, a, b, c, d, step, starts, selectors, s, count, sums)
            if _totals(sums, each):
                for k in range(4):
                    four[k] += each[k]
            else:  # a bright beam or a hot pixel
                wide_run(four, flat, at, 0, starts, selectors, s, s + count)

    return run


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
