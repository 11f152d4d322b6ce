"""Pixels of decompressed chunks put where they belong, their bytes or bits back in order if a filter shuffled them.

The compiler makes these for the processor at hand: with AVX-512, 50 GB/s for shuffled bytes and 13-19 for shuffled bits
on one thread, where numcodecs does 4 and imagecodecs 8 (docs/decisions/0005-compressed-chunks.md). Each call takes
several chunks, so that small ones don't spend their time between calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ltdesk.engine.chunk_target import ALIKE, Bytes, Integers, Target


def place_plain(source: Bytes, starts: Integers, itemsize: int, target: Target, out: Bytes) -> None:
    """Chunks that begin at `starts`, whose pixels are as they should be. `out` is bytes of the target's array."""
    _BYTES[1](read_only(source), starts, *target.scaled(itemsize), out)


def place_bytes(source: Bytes, starts: Integers, itemsize: int, target: Target, out: Bytes) -> None:
    """Chunks that have all first bytes of their pixels, then all second ones, …"""
    _BYTES[itemsize](read_only(source), starts, *target, out.view(f"u{itemsize}"))


def place_bits(
    source: Bytes,
    starts: Integers,
    ends: Bytes,
    end_starts: Integers,
    itemsize: int,
    block: int,
    target: Target,
    out: Bytes,
) -> None:
    """Chunks in blocks that have all first bits of their pixels, then all second ones, …

    Parameters
    ----------
    source, starts : the chunks' blocks; block : pixels in each, a multiple of ALIKE, but a chunk's last
    ends, end_starts : the pixels at each chunk's end that are fewer than ALIKE, as they are
    """
    planes = np.empty(block // ALIKE * itemsize, np.uint64)
    order = read_only(source), starts, read_only(ends), end_starts, block, planes
    _BITS[itemsize](*order, *target, out.view(f"u{itemsize}"))


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """One compiled version of each kernel, not two."""
    view = array.view()
    view.flags.writeable = False
    return view


@njit(nogil=True, cache=True)
def copy(source, out):  # type: ignore[no-untyped-def]
    """A loop: numba copies slices byte by byte."""
    for i in range(out.size):
        out[i] = source[i]


@njit(nogil=True, cache=True)
def gather(source, starts, sizes, out):  # type: ignore[no-untyped-def]
    """Pieces of a source, one after the other."""
    end = 0
    for piece in range(starts.size):
        begin, end = end, end + sizes[piece]
        copy(source[starts[piece] : starts[piece] + sizes[piece]], out[begin:end])


@njit(nogil=True, cache=True)
def _turn_bits(rows, plane):  # type: ignore[no-untyped-def]
    """Eight rows of bits, each ``(n,) uint8``, to ``plane (n,) uint64``, eight bytes each: 8x8 bits turned."""
    n = plane.size
    r0, r1, r2, r3 = rows[:n], rows[n : 2 * n], rows[2 * n : 3 * n], rows[3 * n : 4 * n]
    r4, r5, r6, r7 = rows[4 * n : 5 * n], rows[5 * n : 6 * n], rows[6 * n : 7 * n], rows[7 * n : 8 * n]
    for i in range(n):
        low = np.uint64(r0[i]) | np.uint64(r1[i]) << np.uint64(8) | np.uint64(r2[i]) << np.uint64(16)
        mid = np.uint64(r3[i]) << np.uint64(24) | np.uint64(r4[i]) << np.uint64(32) | np.uint64(r5[i]) << np.uint64(40)
        x = low | mid | np.uint64(r6[i]) << np.uint64(48) | np.uint64(r7[i]) << np.uint64(56)
        t = (x ^ (x >> np.uint64(7))) & np.uint64(0x00AA00AA00AA00AA)
        x = x ^ t ^ (t << np.uint64(7))
        t = (x ^ (x >> np.uint64(14))) & np.uint64(0x0000CCCC0000CCCC)
        x = x ^ t ^ (t << np.uint64(14))
        t = (x ^ (x >> np.uint64(28))) & np.uint64(0x00000000F0F0F0F0)
        plane[i] = x ^ t ^ (t << np.uint64(28))


# Items of `out` from their bytes: byte b of item i is at begin + b * step + i.


@njit(nogil=True, cache=True)
def _join1(source, begin, step, out):  # type: ignore[no-untyped-def]
    copy(source[begin : begin + out.size], out)


@njit(nogil=True, cache=True)
def _join2(source, begin, step, out):  # type: ignore[no-untyped-def]
    n = out.size
    low, high = source[begin : begin + n], source[begin + step : begin + step + n]
    for i in range(n):
        out[i] = np.uint16(low[i]) | np.uint16(high[i]) << np.uint16(8)


@njit(nogil=True, cache=True)
def _join4(source, begin, step, out):  # type: ignore[no-untyped-def]
    n = out.size
    p0, p1 = source[begin : begin + n], source[begin + step : begin + step + n]
    p2, p3 = source[begin + 2 * step : begin + 2 * step + n], source[begin + 3 * step : begin + 3 * step + n]
    for i in range(n):
        low = np.uint32(p0[i]) | np.uint32(p1[i]) << np.uint32(8)
        out[i] = low | np.uint32(p2[i]) << np.uint32(16) | np.uint32(p3[i]) << np.uint32(24)


@njit(nogil=True, cache=True)
def _join8(source, begin, step, out):  # type: ignore[no-untyped-def]
    n, half = out.size, begin + 4 * step
    p0, p1 = source[begin : begin + n], source[begin + step : begin + step + n]
    p2, p3 = source[begin + 2 * step : begin + 2 * step + n], source[begin + 3 * step : begin + 3 * step + n]
    p4, p5 = source[half : half + n], source[half + step : half + step + n]
    p6, p7 = source[half + 2 * step : half + 2 * step + n], source[half + 3 * step : half + 3 * step + n]
    for i in range(n):
        low = np.uint64(p0[i]) | np.uint64(p1[i]) << np.uint64(8) | np.uint64(p2[i]) << np.uint64(16)
        mid = np.uint64(p3[i]) << np.uint64(24) | np.uint64(p4[i]) << np.uint64(32) | np.uint64(p5[i]) << np.uint64(40)
        out[i] = low | mid | np.uint64(p6[i]) << np.uint64(48) | np.uint64(p7[i]) << np.uint64(56)


_JOIN: dict[int, Callable[..., None]] = {1: _join1, 2: _join2, 4: _join4, 8: _join8}


@njit(nogil=True, cache=True)
def _place_of(row, shape, sizes, strides):  # type: ignore[no-untyped-def]
    """Where a chunk's row goes, from where the chunk goes; -1 if it isn't wanted."""
    rest, c = divmod(row, shape[2])
    a, b = divmod(rest, shape[1])
    if a >= sizes[0] or b >= sizes[1] or c >= sizes[2]:
        return -1
    return a * strides[0] + b * strides[1] + c * strides[2]


def _bytes_of(join: Callable[..., None]) -> Callable[..., None]:
    @njit(nogil=True, cache=True)
    def chunks(source, starts, first, shape, sizes, strides, out):  # type: ignore[no-untyped-def]
        rows = shape[0] * shape[1] * shape[2]
        for chunk in range(starts.size):
            for row in range(rows):
                place = _place_of(row, shape, sizes[chunk], strides)
                if place >= 0:
                    place += first[chunk]
                    part = out[place : place + sizes[chunk, 3]]
                    join(source, starts[chunk] + row * shape[3], rows * shape[3], part)

    return chunks


def _bits_of(itemsize: int, join: Callable[..., None]) -> Callable[..., None]:
    @njit(nogil=True, cache=True)
    def pixels(source, begin, step, stop, row_from, first, shape, sizes, strides, out):  # type: ignore[no-untyped-def]
        """Pixels `row_from` to `stop` of a chunk, whose bytes begin at `begin`."""
        at = row_from
        while at < stop:
            row, column = divmod(at, shape[3])
            n = min(stop - at, shape[3] - column)
            wanted = min(n, sizes[3] - column)
            place = _place_of(row, shape, sizes, strides)
            if place >= 0 and wanted > 0:
                place += first + column
                join(source, begin + at - row_from, step, out[place : place + wanted])
            at += n

    @njit(nogil=True, cache=True)
    def chunks(source, starts, ends, end_starts, block, planes, first, shape, sizes, strides, out):  # type: ignore[no-untyped-def]
        as_bytes = planes.view(np.uint8)
        count = shape[0] * shape[1] * shape[2] * shape[3]
        whole = count // ALIKE * ALIKE
        for chunk in range(starts.size):
            to = first[chunk], shape, sizes[chunk], strides, out
            for at in range(0, whole, block):
                n = min(block, whole - at)
                for byte in range(itemsize):
                    place = starts[chunk] + at * itemsize + byte * n
                    _turn_bits(source[place : place + n], planes[byte * (n // ALIKE) : (byte + 1) * (n // ALIKE)])
                pixels(as_bytes, 0, n, at + n, at, *to)
            for at in range(whole, count):
                pixels(ends, end_starts[chunk] + (at - whole) * itemsize, 1, at + 1, at, *to)

    return chunks


_BYTES = {itemsize: _bytes_of(join) for itemsize, join in _JOIN.items()}
_BITS = {itemsize: _bits_of(itemsize, join) for itemsize, join in _JOIN.items()}
