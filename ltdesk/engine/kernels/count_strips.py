"""First moments of counts inside a mask: only the parts of rows that it touches are read.

A frame is read in blocks of eight rows of `LANES` columns that lie one below the other in strips, so that the sums of
a block, and its sums of sums so far, stay in registers; they are 16 bits wide, as in `count_moments`. A frame that
counts too much for that is done again in wide numbers. All sums are whole, so which way they were made changes no byte.
Two threads, 256x256x128x128 u16, against long rows of all columns: within a disk of radius 12 55 -> 27 ms, of radius 30
78 -> 54, of radius 62 167 -> 123.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from ltdesk.engine.kernels.counts import FULL, U32
from ltdesk.engine.kernels.masks import rows_of
from ltdesk.engine.kernels.rows import U64
from ltdesk.engine.kernels.vectors import NUMBER, WORD, ask_for, call, further, load, place_in, store, widely
from ltdesk.engine.kernels.wide import wide_vectors

LANES = 32
"""Columns of a strip: 64 bytes of pixels of 16 bits."""
ROWS = 8
"""Rows of a block: their moment is at most 36 counts of each, so fits up to 1820 a pixel."""
MOST_ROWS = 992
"""Rows of a band, whose moments fit 32 bits: 65535 * 8 * (1 + 2 + ... + 992 / 8)."""
AHEAD = 2
"""Frames from the one that is being summed to the one that is asked for."""
KINDS = 3
"""Rows of sums that a strip has."""
_COUNTS, _SUMS = ir.VectorType(ir.IntType(16), LANES), ir.VectorType(WORD, LANES)


class Strips(NamedTuple):
    """Where a mask is looked at.

    bands : (n, 2), of each the number of blocks up to its end, and the row that its moments are taken from
    blocks : (n, 3), of each its first pixel, its first row below its band's and its strip's first lane
    inside : (n, ROWS, LANES) bool, pixels that count; each of the mask in one block only
    columns : (lanes), that each lane is of
    rows : of the frame, (start, stop), that are read
    """

    bands: NDArray[np.int64]
    blocks: NDArray[np.int64]
    inside: NDArray[np.bool_]
    columns: NDArray[np.float64]
    rows: tuple[int, int]


def strips_of(mask: NDArray[np.bool_]) -> Strips | None:
    """The strips of a mask ``(ky, kx)``; None where a block doesn't fit the frame, or nothing is inside."""
    (ky, kx), (y0, y1), (x0, x1) = mask.shape, rows_of(mask), rows_of(mask.T)
    if ky < ROWS or kx < LANES or y0 == y1:
        return None
    # the last ones may overlap those before, since none ends past the frame: a pixel counts in one of them only
    rows, columns = np.arange(y0, y1, ROWS), np.arange(x0, x1, LANES)
    y, x = np.minimum(rows, ky - ROWS), np.minimum(columns, kx - LANES)
    at_y, at_x = np.add.outer(y, np.arange(ROWS)), np.add.outer(x, np.arange(LANES))
    counts = (at_y >= rows[:, None])[:, None, :, None] & (at_x >= columns[:, None])[None, :, None, :]
    inside = mask[at_y[:, None, :, None], at_x[None, :, None, :]] & counts
    row, strip = np.nonzero(inside.any(axis=(2, 3)))
    tops = rows[:: MOST_ROWS // ROWS]
    band = row // (MOST_ROWS // ROWS)
    blocks = np.stack((y[row] * kx + x[strip], y[row] - tops[band], strip * LANES), axis=1)
    bands = np.stack((np.searchsorted(band, np.arange(len(tops)), "right"), tops), axis=1)
    return Strips(bands, blocks, inside[row, strip], at_x.ravel().astype(np.float64), (int(y[0]), int(y[-1]) + ROWS))


def _add_block(
    typing_context: Any, flat: Any, at: Any, width: Any, ahead: Any, inside: Any, start: Any, sums: Any, lane: Any,
    below: Any,
) -> Any:  # fmt: skip
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        widely(builder)
        _, at, width, ahead, _, start, _, lane, below = arguments
        pixels = place_in(context, builder, signature, arguments, 0, at)
        selectors = place_in(context, builder, signature, arguments, 4, start)
        a = b = None
        for row in range(ROWS):
            first = further(builder, pixels, builder.mul(width, NUMBER(row)))
            for place in (first, further(builder, first, LANES - 1)):
                ask_for(builder, further(builder, place, ahead))
            counts = _inside(builder, first, selectors, row)
            a = counts if a is None else call(builder, "llvm.uadd.sat", [a, counts])
            b = a if b is None else call(builder, "llvm.uadd.sat", [b, a])
        target = place_in(context, builder, signature, arguments, 6, builder.mul(lane, NUMBER(KINDS)))
        _add_sums(builder, a, b, below, target)
        return context.get_dummy_value()

    return types.void(flat, at, width, ahead, inside, start, sums, lane, below), generate


add_block: Any = intrinsic(_add_block)
"""``(flat, at, width, ahead, inside, start, sums, lane, below)``: adds a block of counts to sums of 32 bits.

flat, at, width, ahead : pixels, where the block's first is, how far rows are apart, and how far on to ask for more
inside, start : ``(ROWS, LANES)`` from ``inside[start]`` on, all bits set where a pixel counts
sums, lane : ``(lanes / LANES, KINDS, LANES) uint32``: sums by column, their moments, the largest sums in 16 bits
below : uint32, how far the row after the block's last is below the one that moments are taken from
"""


def _inside(builder: Any, pixels: Any, selectors: Any, row: int) -> Any:
    """A row of a block, of 16 bits, 0 where it isn't inside."""
    kind = ir.VectorType(pixels.type.pointee, LANES)
    counts = builder.and_(load(builder, pixels, kind), load(builder, selectors, kind, row))
    return builder.zext(counts, _COUNTS) if kind.element.width < _COUNTS.element.width else counts


def _add_sums(builder: Any, a: Any, b: Any, below: Any, target: Any) -> None:
    """Add a block's sums, and with them so far: the first of its rows is in b eight times, the last once."""
    columns, so_far = (builder.zext(vector, _SUMS) for vector in (a, b))
    rows = builder.insert_element(ir.Constant(_SUMS, ir.Undefined), below, WORD(0))
    rows = builder.shuffle_vector(rows, rows, ir.Constant(_SUMS, [0] * LANES))
    moments = builder.sub(builder.mul(columns, rows), so_far)
    for number, new in enumerate((columns, moments)):
        place = further(builder, target, number * LANES)
        store(builder, builder.add(load(builder, place, _SUMS), new), place)
    place = further(builder, target, 2 * LANES)
    store(builder, call(builder, "llvm.umax", [load(builder, place, _SUMS), so_far]), place)


@njit(nogil=True, cache=True, fastmath={"reassoc"})
def _totals(sums, across):  # type: ignore[no-untyped-def]
    """Sum and moments of all strips, and the largest sum in 16 bits; they begin anew."""
    wide_vectors()
    total = y = x = 0.0
    top = U32(0)
    for i in range(0, across.size, LANES):
        columns, moments = U64(i * KINDS), U64(i * KINDS + LANES)
        for p in range(U64(LANES)):
            value = np.float64(sums[columns + p])
            total += value
            x += across[U64(i) + p] * value
            y += np.float64(sums[moments + p])
            top = max(top, sums[moments + U64(LANES) + p])
    sums[:] = U32(0)
    return top, total, y, x


@njit(nogil=True, cache=True)
def strip_moments(flat, at, width, ahead, bands, blocks, inside, across, sums):  # type: ignore[no-untyped-def]
    """Whether 16 bits held a frame's sums, then its sum and moments."""
    total = moment_y = moment_x = 0.0
    b = 0
    for band in range(bands.shape[0]):
        while b < bands[band, 0]:
            start, lane, below = b * ROWS * LANES, blocks[b, 2], U32(blocks[b, 1] + ROWS)
            add_block(flat, at + blocks[b, 0], width, ahead, inside, start, sums, lane, below)
            b += 1
        top, s, y, x = _totals(sums, across)
        if top == FULL:
            return False, 0.0, 0.0, 0.0
        total, moment_y, moment_x = total + s, moment_y + bands[band, 1] * s + y, moment_x + x
    return True, total, moment_y, moment_x
