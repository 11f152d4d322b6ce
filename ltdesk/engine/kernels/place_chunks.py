"""Pixels of decompressed chunks put where they belong, their bytes or bits back in order if a filter shuffled them.

The compiler makes these for the processor at hand: with AVX-512, 50 GB/s for shuffled bytes and 13-19 for shuffled bits
on one thread, where numcodecs does 4 and imagecodecs 8 (docs/decisions/0009-compressed-chunks.md). Each call takes
several chunks, so that small ones don't spend their time between calls.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numba.extending import overload
from numpy.typing import NDArray

from ltdesk.engine.chunk_target import ALIKE, Bytes, Integers, Target
from ltdesk.engine.kernels.rows import U64


def place_plain(source: Bytes, starts: Integers, itemsize: int, target: Target, out: Bytes) -> None:
    """Chunks that begin at `starts`, whose pixels are as they should be. `out` is bytes of the target's array."""
    _bytes(read_only(source), starts, *target.scaled(itemsize), out)


def place_bytes(source: Bytes, starts: Integers, itemsize: int, target: Target, out: Bytes) -> None:
    """Chunks that have all first bytes of their pixels, then all second ones, …"""
    _bytes(read_only(source), starts, *target, out.view(f"u{itemsize}"))


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
    order = read_only(source), starts, read_only(ends), end_starts, itemsize, block, planes
    _bits(*order, *target, out.view(f"u{itemsize}"))


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


# n items of `out` from place `to` on, from their bytes: byte b of item i is at begin + b * step + i. Places are U64 and
# no slices are made, each of which takes 30 to 40 ns: rows of 64 pixels are copied in 10.


def _join1(source, begin, step, out, to, n):  # type: ignore[no-untyped-def]
    for i in range(n):
        out[to + i] = source[begin + i]


def _join2(source, begin, step, out, to, n):  # type: ignore[no-untyped-def]
    for i in range(n):
        out[to + i] = np.uint16(source[begin + i]) | np.uint16(source[begin + step + i]) << np.uint16(8)


def _join4(source, begin, step, out, to, n):  # type: ignore[no-untyped-def]
    p1, p2, p3 = begin + step, begin + U64(2) * step, begin + U64(3) * step
    for i in range(n):
        low = np.uint32(source[begin + i]) | np.uint32(source[p1 + i]) << np.uint32(8)
        out[to + i] = low | np.uint32(source[p2 + i]) << np.uint32(16) | np.uint32(source[p3 + i]) << np.uint32(24)


def _join8(source, begin, step, out, to, n):  # type: ignore[no-untyped-def]
    p1, p2, p3, p4 = begin + step, begin + U64(2) * step, begin + U64(3) * step, begin + U64(4) * step
    p5, p6, p7 = p4 + step, p4 + U64(2) * step, p4 + U64(3) * step
    for i in range(n):
        low = np.uint64(source[begin + i]) | np.uint64(source[p1 + i]) << np.uint64(8)
        low |= np.uint64(source[p2 + i]) << np.uint64(16) | np.uint64(source[p3 + i]) << np.uint64(24)
        high = np.uint64(source[p4 + i]) << np.uint64(32) | np.uint64(source[p5 + i]) << np.uint64(40)
        high |= np.uint64(source[p6 + i]) << np.uint64(48) | np.uint64(source[p7 + i]) << np.uint64(56)
        out[to + i] = low | high


def _join(source: Bytes, begin: Any, step: Any, out: NDArray[Any], to: Any, n: Any) -> None:
    """One of these by the size of the items. Numba could not cache kernels that were given theirs as a variable."""
    raise NotImplementedError


@overload(_join)
def _join_for(source, begin, step, out, to, n):  # type: ignore[no-untyped-def]
    return {8: _join1, 16: _join2, 32: _join4, 64: _join8}[out.dtype.bitwidth]


@njit(nogil=True, cache=True)
def _bytes(source, starts, first, sizes, shape, strides, out):  # type: ignore[no-untyped-def]
    _, height, depth, length = shape
    step = shape[0] * height * depth * length
    for chunk in range(starts.size):
        wanted = sizes[chunk, 3]
        for a in range(sizes[chunk, 0]):
            for b in range(sizes[chunk, 1]):
                place = first[chunk] + a * strides[0] + b * strides[1]
                begin = starts[chunk] + (a * height + b) * depth * length
                for c in range(sizes[chunk, 2]):
                    row = place + c * strides[2]
                    _join(source, U64(begin + c * length), U64(step), out, U64(row), U64(wanted))


@njit(nogil=True, cache=True)
def _bits(source, starts, ends, end_starts, itemsize, block, planes, first, sizes, shape, strides, out):  # type: ignore[no-untyped-def]
    as_bytes = planes.view(np.uint8)
    count = shape[0] * shape[1] * shape[2] * shape[3]
    whole = count // ALIKE * ALIKE
    for chunk in range(starts.size):
        to = first[chunk], sizes[chunk], shape, strides, out
        at = (np.int64(0), np.int64(0), np.int64(0), np.int64(0))
        for done in range(0, whole, block):
            n = min(block, whole - done)
            for byte in range(itemsize):
                place = starts[chunk] + done * itemsize + byte * n
                _turn_bits(source[place : place + n], planes[byte * (n // ALIKE) : (byte + 1) * (n // ALIKE)])
            at = _pixels(as_bytes, 0, n, n, at, *to)
        for rest in range(count - whole):
            at = _pixels(ends, end_starts[chunk] + rest * itemsize, 1, 1, at, *to)


@njit(nogil=True, cache=True)
def _pixels(source, begin, step, count, at, first, sizes, shape, strides, out):  # type: ignore[no-untyped-def]
    """Some pixels of a chunk, whose bytes begin at `begin`; `at` is the place of the first, (a, b, c, d).

    Returns the place of the next.
    """
    a, b, c, d = at
    done = 0
    while done < count:
        n = min(count - done, shape[3] - d)
        wanted = min(n, sizes[3] - d)
        if wanted > 0 and a < sizes[0] and b < sizes[1] and c < sizes[2]:
            place = first + a * strides[0] + b * strides[1] + c * strides[2] + d
            _join(source, U64(begin + done), U64(step), out, U64(place), U64(wanted))
        done, d = done + n, d + n
        if d == shape[3]:
            c, d = c + 1, 0
            if c == shape[2]:
                b, c = b + 1, 0
                if b == shape[1]:
                    a, b = a + 1, 0
    return a, b, c, d
