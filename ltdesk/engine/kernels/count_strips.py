"""First moments of frames of counts, added in 16 bits as long as that holds them (`counts`).

A frame, or what a mask touches of it, is read in blocks of eight rows of `LANES` columns, one below the other in
strips. A block's rows are added in registers, and so are their sums so far: with those added once a row, a row
counts the more often the earlier it came, which is its moment along y without any multiplication. A frame that counts
too much for that is done again in wide numbers. All sums are whole, so which way they were made changes no byte.

256x256x128x128 u16 on AMD's Zen 3, one and two threads, against long rows whose sums lie in the cache: 307, 158 -> 178,
114 ms, half of which is that lines are asked for one after the other; within a disk of radius 30 155, 95 -> 115, 78.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from ltdesk.engine.kernels import vectors
from ltdesk.engine.kernels.counts import FULL, LANES, U32, load_counts
from ltdesk.engine.kernels.masks import rows_of
from ltdesk.engine.kernels.prefetch import AHEAD, LINE, ask_for
from ltdesk.engine.kernels.rows import U64
from ltdesk.engine.kernels.vectors import NUMBER, WORD, call, further, load, place_in, store, widely
from ltdesk.engine.kernels.wide import wide_vectors
from ltdesk.geometry import Size2D

ROWS = 8
"""Rows of a block: their moment is at most 36 counts of each, so fits up to 1820 a pixel."""
MOST_BLOCKS = 8192
"""K rows of blocks of n strips have moments of at most ``131070 * n * 8 * K * (K + 1) / 2``: 32 bits hold it for
``n * K * (K + 1)`` up to this."""
PAIRS = LANES // 2
RUNNING = 2 * PAIRS
"""Numbers of 32 bits that all strips share: moments along y, the largest sums so far in 16 bits."""
_PAIRS = ir.VectorType(WORD, PAIRS)
_LOW, _SHIFT = (ir.Constant(_PAIRS, [value] * PAIRS) for value in (0xFFFF, 16))


class Strips(NamedTuple):
    """Where a frame is looked at.

    bands : (n, 2), of each the number of blocks up to its end, and the row that its moments are taken from
    blocks : (n, 3), of each its first pixel, its strip's first lane, and the row after it, below its band's
    inside : (n, ROWS, LANES) bool, pixels that count; each in one block only. Empty where all of them do
    columns : (lanes), that each lane is of: of a strip the even ones, then the odd ones
    lines : pixels, of each line of memory that is asked for one
    rows : of the frame, (start, stop), that are read
    """

    bands: NDArray[np.int64]
    blocks: NDArray[np.int64]
    inside: NDArray[np.bool_]
    columns: NDArray[np.float64]
    lines: NDArray[np.int64]
    rows: tuple[int, int]


def strips_of(frame_shape: Size2D, mask: NDArray[np.bool_] | None, itemsize: int) -> Strips | None:
    """The strips of a mask ``(ky, kx)``, or of whole frames.

    None where a block doesn't fit the frame, or nothing is inside.
    """
    ky, kx = frame_shape
    (y0, y1), (x0, x1) = ((0, ky), (0, kx)) if mask is None else (rows_of(mask), rows_of(mask.T))
    if ky < ROWS or kx < LANES or y0 == y1:
        return None
    # the last ones may overlap those before, since none ends past the frame: a pixel counts in one of them only
    rows, columns = np.arange(y0, y1, ROWS), np.arange(x0, x1, LANES)
    y, x = np.minimum(rows, ky - ROWS), np.minimum(columns, kx - LANES)
    if mask is None and ky % ROWS == kx % LANES == 0:
        row, strip = (index.ravel() for index in np.indices((len(rows), len(columns))))
        inside = np.empty((0, ROWS, LANES), np.bool_)
    else:
        inside = _inside((rows, columns), (y, x), mask)
        row, strip = np.nonzero(inside.any(axis=(2, 3)))
        inside = inside[row, strip]
    high = max(1, math.isqrt(MOST_BLOCKS // len(columns)) - 1)
    tops, band = y[::high], row // high
    blocks = np.stack((y[row] * kx + x[strip], RUNNING + strip * LANES, y[row] + ROWS - tops[band]), axis=1)
    bands = np.stack((np.searchsorted(band, np.arange(len(tops)), "right"), tops), axis=1)
    lanes = np.add.outer(x, np.arange(LANES)).reshape(-1, PAIRS, 2).transpose(0, 2, 1).ravel().astype(np.float64)
    lines = _lines(blocks[:, 0], kx, LINE // itemsize)
    return Strips(bands, blocks, inside, lanes, lines, (int(y[0]), int(y[-1]) + ROWS))


def _inside(
    wanted: tuple[NDArray[np.int64], NDArray[np.int64]],
    places: tuple[NDArray[np.int64], NDArray[np.int64]],
    mask: NDArray[np.bool_] | None,
) -> NDArray[np.bool_]:
    """``(rows, columns, ROWS, LANES)``: what counts of blocks at some `places`, from places that are `wanted` on."""
    (rows, columns), (y, x) = wanted, places
    at_y, at_x = np.add.outer(y, np.arange(ROWS)), np.add.outer(x, np.arange(LANES))
    inside = (at_y >= rows[:, None])[:, None, :, None] & (at_x >= columns[:, None])[None, :, None, :]
    if mask is not None:
        inside &= mask[at_y[:, None, :, None], at_x[None, :, None, :]]
    return inside


def _lines(blocks: NDArray[np.int64], kx: int, unit: int) -> NDArray[np.int64]:
    """What is asked for ahead: pixels of the lines, `unit` pixels each, that blocks touch which start at some pixels.

    Where that is half of the rows or more, all of these, one after the other: measured, the processor helps then.
    """
    start, stop = int(blocks.min()) // kx * kx, (int(blocks.max()) // kx + ROWS) * kx
    if 2 * blocks.size * ROWS * LANES >= stop - start:
        return np.arange(start, stop, unit)
    return np.add.outer(blocks, np.add.outer(np.arange(ROWS) * kx, [0, LANES - 1])).ravel()


def _add_block(
    typing_context: Any, flat: Any, at: Any, width: Any, asked: Any, sums: Any, lane: Any, below: Any
) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, at, width, asked, _, lane, below = arguments
        first, ahead = (place_in(context, builder, signature, arguments, 0, place) for place in (at, asked))
        line, rows = LINE * 8 // signature.args[0].dtype.bitwidth, []
        for row in range(ROWS):
            if row * LANES % line == 0:
                vectors.ask_for(builder, further(builder, ahead, row * LANES))
            rows.append(load_counts(builder, further(builder, first, builder.mul(width, NUMBER(row)))))
        _add_rows(builder, rows, place_in(context, builder, signature, arguments, 4, NUMBER(0)), lane, below)
        return context.get_dummy_value()

    return types.void(flat, at, width, asked, sums, lane, below), generate


def _add_block_inside(
    typing_context: Any, flat: Any, at: Any, width: Any, inside: Any, start: Any, sums: Any, lane: Any, below: Any
) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, at, width, _, start, _, lane, below = arguments
        first = place_in(context, builder, signature, arguments, 0, at)
        selectors = place_in(context, builder, signature, arguments, 3, start)
        rows = [
            load_counts(
                builder,
                further(builder, first, builder.mul(width, NUMBER(row))),
                further(builder, selectors, row * LANES),
            )
            for row in range(ROWS)
        ]
        _add_rows(builder, rows, place_in(context, builder, signature, arguments, 5, NUMBER(0)), lane, below)
        return context.get_dummy_value()

    return types.void(flat, at, width, inside, start, sums, lane, below), generate


add_block: Any = intrinsic(_add_block)
"""``(flat, at, width, asked, sums, lane, below)``: adds a block of counts to sums of 32 bits.

flat, at, width : pixels, where the block's first is, how far rows are apart
asked : the first pixel of as much memory as a block has, which is asked for: in order, the processor helps then
sums : (RUNNING + lanes) uint32, the running ones and those by column
lane : the first of the strip's
below : uint32, how far the row after the block's last is below the one that moments are taken from
"""
add_block_inside: Any = intrinsic(_add_block_inside)
"""``(flat, at, width, inside, start, sums, lane, below)``: the same of what is inside a mask; nothing is asked for.

inside, start : ``(ROWS, LANES)`` from ``inside[start]`` on, all bits set where a pixel counts
"""


def _add_rows(builder: Any, rows: Sequence[Any], running: Any, lane: Any, below: Any) -> None:
    """Add a block's rows, and their sums so far: the first row is in these eight times, the last once."""
    widely(builder)
    total = so_far = rows[0]
    for row in rows[1:]:
        total = call(builder, "llvm.uadd.sat", [total, row])
        so_far = call(builder, "llvm.uadd.sat", [so_far, total])
    even, odd = _halves(builder, total)
    strip = further(builder, running, lane)
    _add_to(builder, strip, even)
    _add_to(builder, further(builder, strip, PAIRS), odd)
    far = builder.insert_element(ir.Constant(_PAIRS, ir.Undefined), below, WORD(0))
    far = builder.shuffle_vector(far, far, ir.Constant(_PAIRS, [0] * PAIRS))
    counted = builder.add(*_halves(builder, so_far))
    _add_to(builder, running, builder.sub(builder.mul(builder.add(even, odd), far), counted))
    top = builder.bitcast(further(builder, running, PAIRS), so_far.type.element.as_pointer())
    store(builder, call(builder, "llvm.umax", [load(builder, top, so_far.type), so_far]), top)


def _halves(builder: Any, counts: Any) -> tuple[Any, Any]:
    """The even and the odd of some counts, in 32 bits: what is quickest to make of them."""
    pairs = builder.bitcast(counts, _PAIRS)
    return builder.and_(pairs, _LOW), builder.lshr(pairs, _SHIFT)


def _add_to(builder: Any, place: Any, values: Any) -> None:
    store(builder, builder.add(load(builder, place, _PAIRS), values), place)


@njit(nogil=True, cache=True, fastmath={"reassoc"})
def _totals(sums, across):  # type: ignore[no-untyped-def]
    """Whether 16 bits held the sums, then sum and moments; they begin anew."""
    wide_vectors()
    top, y = U32(0), U64(0)
    for p in range(U64(PAIRS)):
        y += U64(sums[p])
        both = sums[U64(PAIRS) + p]
        top = max(top, max(both & U32(FULL), both >> U32(16)))
    total = x = 0.0
    for p in range(U64(across.size)):
        value = np.float64(sums[U64(RUNNING) + p])
        total += value
        x += across[p] * value
    sums[:] = U32(0)
    return top != U32(FULL), total, np.float64(y), x


@njit(nogil=True, cache=True)
def _ask(flat, at, stride, lines, first, stop):  # type: ignore[no-untyped-def]
    """Ask for lines number `first` to `stop` of the frame at place `at`, or of the next one where it has no more."""
    size = lines.size
    for line in range(first, min(stop, size)):
        ask_for(flat, at + lines[line])
    for line in range(max(first, size), min(stop, 2 * size)):
        ask_for(flat, at + stride + lines[line - size])


@njit(nogil=True, cache=True)
def strip_moments(flat, stride, at, width, bands, blocks, inside, across, lines, sums, cached):  # type: ignore[no-untyped-def]
    """Whether 16 bits held a frame's sums, then its sum and moments (total, y, x)."""
    fits, total, moment_y, moment_x = True, 0.0, 0.0, 0.0
    size, pixels, ahead = ROWS * LANES, lines.size * LINE // flat.itemsize, 0 if cached else AHEAD // flat.itemsize
    each, lead = (lines.size - 1) // max(1, blocks.shape[0]) + 1, min(AHEAD // LINE, lines.size)
    b = 0
    for band in range(bands.shape[0]):
        while b < bands[band, 0]:
            place, lane, below = at + blocks[b, 0], U64(blocks[b, 1]), U32(blocks[b, 2])
            if inside.size:
                if not cached:
                    _ask(flat, at, stride, lines, lead + b * each, lead + (b + 1) * each)
                add_block_inside(flat, place, width, inside, b * size, sums, lane, below)
            else:
                asked = b * size + ahead
                add_block(
                    flat, place, width, at + (asked if asked < pixels else asked + stride - pixels), sums, lane, below
                )
            b += 1
        fit, s, y, x = _totals(sums, across)
        fits &= fit
        total, moment_y, moment_x = total + s, moment_y + bands[band, 1] * s + y, moment_x + x
    return fits, total, moment_y, moment_x
