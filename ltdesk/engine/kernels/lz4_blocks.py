"""Compressed blocks, each with its length before it (4 bytes, the most significant first), found and put together."""

from __future__ import annotations

import numpy as np
from numba import njit

from ltdesk.engine.kernels.place_chunks import copy

LENGTH_BYTES = 4


@njit(nogil=True, cache=True)
def scan_blocks(source, starts, stops, nbytes, size, ends):  # type: ignore[no-untyped-def]
    """Find the blocks of some chunks, which lie in the source from `starts` to `stops`.

    Each chunk holds `nbytes` in blocks of `size`, the last of which may hold less. Fills in where each chunk's last
    block ends. Returns how many bytes the blocks take with their lengths, -1 if one leaves its chunk; and whether one
    is as long as what it holds.
    """
    total, same = 0, False
    for chunk in range(starts.size):
        place = starts[chunk]
        for first in range(0, nbytes, size):
            if place + LENGTH_BYTES > stops[chunk]:
                return -1, same
            length = _length(source, place)
            place += LENGTH_BYTES + length
            if place > stops[chunk]:
                return -1, same
            same = same or length == size or length == nbytes - first
        ends[chunk] = place
        total += place - starts[chunk]
    return total, same


@njit(nogil=True, cache=True)
def join_blocks(source, starts, ends, out):  # type: ignore[no-untyped-def]
    """Blocks one after the other without their lengths. Returns how many bytes."""
    done = 0
    for chunk in range(starts.size):
        place = starts[chunk]
        while place < ends[chunk]:
            length = _length(source, place)
            place += LENGTH_BYTES
            copy(source[place : place + length], out[done : done + length])
            place, done = place + length, done + length
    return done


@njit(nogil=True, cache=True)
def turn_blocks(source, starts, ends, out):  # type: ignore[no-untyped-def]
    """Blocks one after the other, their lengths least significant byte first, then a length of 0. Returns the size."""
    done = 0
    for chunk in range(starts.size):
        place = starts[chunk]
        while place < ends[chunk]:
            length = _length(source, place)
            for byte in range(LENGTH_BYTES):
                out[done + byte] = source[place + LENGTH_BYTES - 1 - byte]
            place, done = place + LENGTH_BYTES, done + LENGTH_BYTES
            copy(source[place : place + length], out[done : done + length])
            place, done = place + length, done + length
    out[done : done + LENGTH_BYTES] = 0
    return done + LENGTH_BYTES


@njit(nogil=True, cache=True)
def _length(source, place):  # type: ignore[no-untyped-def]
    length = np.int64(0)
    for byte in range(LENGTH_BYTES):
        length = length << 8 | np.int64(source[place + byte])
    return length
