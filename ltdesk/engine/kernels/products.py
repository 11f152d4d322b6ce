"""The innermost loops of weighted sums: vectors of pixels meet vectors of weights, in registers.

LLVM keeps sixteen sums in registers only where a plain loop is not turned into vectors by itself, so these are written
out. Sums go in an order that is the same for every frame and set of weights: `CHAIN` vectors of `LANES` pixels one
after the other in float32, so many of these chains again in float32, the rest in float64.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding  # type: ignore[import-untyped]
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ltdesk.engine.kernels.vectors import NUMBER, WORD, ask_for, call, further, load, place_in, store, widely

LANES = 16
"""Pixels to a vector: 512 bits of float32, or two vectors of 256."""
CHAIN = 8
"""Vectors that are summed in registers before their sums go to memory."""
STRETCH = LANES * CHAIN
FRAMES, SETS = (4, 4) if llvmlite.binding.get_host_cpu_features().get("avx512f") else (3, 2)
"""Frames and sets of weights that meet at once: as many sums as there are registers for."""
_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_HALF = ir.VectorType(ir.DoubleType(), LANES // 2)
_NONE = ir.Constant(_VECTOR, ir.Undefined)


def _widen(typing_context: Any, flat: Any, at: Any, vectors: Any, ahead: Any, out: Any, to: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        widely(builder)
        _, at, vectors, ahead, _, to = arguments
        pixels = place_in(context, builder, signature, arguments, 0, at)
        target = place_in(context, builder, signature, arguments, 4, to)
        kind = ir.VectorType(pixels.type.pointee, LANES)
        convert = builder.sitofp if signature.args[0].dtype.signed else builder.uitofp
        with cgutils.for_range(builder, vectors) as loop:
            place = builder.mul(loop.index, NUMBER(LANES))
            source = further(builder, pixels, place)
            ask_for(builder, further(builder, source, ahead))
            values = convert(load(builder, source, kind), _VECTOR)
            store(builder, values, further(builder, target, builder.mul(place, NUMBER(FRAMES))))
        return context.get_dummy_value()

    return types.void(flat, at, vectors, ahead, out, to), generate


widen: Any = intrinsic(_widen)
"""``(flat, at, vectors, ahead, out, to)``: writes integers from ``flat[at]`` on as float32, a vector to each `FRAMES`
vectors of `out` from ``out[to]`` on; asks for what lies `ahead` pixels on, too."""


def _add_products(
    typing_context: Any, frames: Any, weights: Any, start: Any, stretches: Any, sums: Any, to: Any, sets: Any
) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        widely(builder)
        _, _, start, stretches, _, to, sets = arguments
        pixels = place_in(context, builder, signature, arguments, 0, NUMBER(0))
        factors = place_in(context, builder, signature, arguments, 1, start)
        totals = [cgutils.alloca_once_value(builder, ir.Constant(_VECTOR, [0.0] * LANES)) for _ in range(FRAMES * SETS)]  # type: ignore[no-untyped-call]
        with cgutils.for_range(builder, stretches) as loop:
            here = [
                further(builder, first, builder.mul(loop.index, NUMBER(STRETCH * rows)))
                for first, rows in ((pixels, FRAMES), (factors, SETS))
            ]
            for total, chain in zip(totals, _chains(builder, *here), strict=True):
                builder.store(builder.fadd(builder.load(total), chain), total)
        target = place_in(context, builder, signature, arguments, 4, to)
        for k, total in enumerate(totals):
            row = builder.add(builder.mul(sets, NUMBER(k // SETS)), NUMBER(k % SETS))
            _add_halves(builder, builder.load(total), further(builder, target, builder.mul(row, NUMBER(LANES // 2))))
        return context.get_dummy_value()

    return types.void(frames, weights, start, stretches, sums, to, sets), generate


add_products: Any = intrinsic(_add_products)
"""``(frames, weights, start, stretches, sums, to, sets)``: adds products of some frames and sets of weights to sums.

frames : float32, as `widen` leaves them
weights, start : float32 ``(vectors, SETS, LANES)`` from ``weights[start]`` on
stretches : of `STRETCH` pixels
sums, to, sets : ``(FRAMES, sets, LANES / 2) float64`` from ``sums[to]`` on
"""


def _chains(builder: Any, pixels: Any, factors: Any) -> list[Any]:
    """The sums of one stretch, as vectors, in registers."""
    sums: list[Any] = []
    for step in range(CHAIN):
        frames = [load(builder, pixels, _VECTOR, step * FRAMES + k) for k in range(FRAMES)]
        sets = [load(builder, factors, _VECTOR, step * SETS + k) for k in range(SETS)]
        pairs = [(frame, weights) for frame in frames for weights in sets]
        if step == 0:
            sums = [builder.fmul(*pair) for pair in pairs]
        else:
            sums = [call(builder, "llvm.fmuladd", [*pair, total]) for pair, total in zip(pairs, sums, strict=True)]
    return sums


def _add_halves(builder: Any, vector: Any, place: Any) -> None:
    """Add both halves of a vector to the float64 at a place."""
    halves = [ir.Constant(ir.VectorType(WORD, LANES // 2), list(range(i, i + LANES // 2))) for i in (0, LANES // 2)]
    low, high = (builder.fpext(builder.shuffle_vector(vector, _NONE, half), _HALF) for half in halves)
    store(builder, builder.fadd(load(builder, place, _HALF), builder.fadd(low, high)), place)
