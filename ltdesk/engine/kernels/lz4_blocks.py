"""Compressed blocks, each with its length before it (4 bytes, the most significant first), found and put together."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ltdesk.engine.kernels.place_chunks import copy, gather, read_only

HEADER_BYTES, LENGTH_BYTES = 12, 4


def joined_chunks(
    source: NDArray[np.uint8], starts: NDArray[np.int64], sizes: NDArray[np.int64], nbytes: int
) -> NDArray[np.uint8] | None:
    """Chunks of the filter lz4 as one of all their bytes; None where their blocks are not alike and full.

    Parameters
    ----------
    source : what they lie in, ``(bytes)``
    starts, sizes : where, and how many bytes each is, ``(chunks)``
    nbytes : that each decompresses to
    """
    source, ends = read_only(source), np.empty_like(starts)
    size, total, _ = scan_blocks(source, starts, starts + sizes, nbytes, 0, 1, ends)
    if size <= 0 or nbytes % size:
        return None
    joined = np.empty(HEADER_BYTES + total, np.uint8)
    head = (starts.size * nbytes).to_bytes(8, "big") + int(size).to_bytes(4, "big")
    joined[:HEADER_BYTES] = np.frombuffer(head, np.uint8)
    begins = starts + HEADER_BYTES
    gather(source, begins, ends - begins, joined[HEADER_BYTES:])
    return joined


@njit(nogil=True, cache=True)
def scan_blocks(source, starts, stops, nbytes, rest, unit, ends):  # type: ignore[no-untyped-def]
    """Find the blocks of some chunks, which lie in the source from `starts` to `stops`, each after its header.

    Each chunk holds `nbytes`, `rest` of them uncompressed after the blocks. Fills in where each chunk's last block
    ends. Returns the bytes that a block holds, the same for all chunks and a multiple of `unit`, or 0 where something
    isn't as it should be; how many bytes the blocks take with their lengths; and whether one is as long as what it
    holds.
    """
    size, total, same = np.int64(0), 0, False
    for chunk in range(starts.size):
        place = starts[chunk]
        if place + HEADER_BYTES > stops[chunk] or _number(source, place, 8) != nbytes:
            return 0, total, same
        size_here = _number(source, place + 8, 4)
        if size_here <= 0 or size_here % unit or (size and size_here != size):
            return 0, total, same
        size, place = size_here, place + HEADER_BYTES
        begin = place
        for first in range(0, nbytes - rest, size):
            if place + LENGTH_BYTES > stops[chunk]:
                return 0, total, same
            length = _number(source, place, LENGTH_BYTES)
            place += LENGTH_BYTES + length
            if place > stops[chunk]:
                return 0, total, same
            same = same or length == size or length == nbytes - rest - first
        if place + rest > stops[chunk]:
            return 0, total, same
        ends[chunk] = place
        total += place - begin
    return size, total, same


@njit(nogil=True, cache=True)
def join_blocks(source, starts, ends, out):  # type: ignore[no-untyped-def]
    """Blocks one after the other without their lengths. Returns how many bytes."""
    done = 0
    for chunk in range(starts.size):
        place = starts[chunk]
        while place < ends[chunk]:
            length = _number(source, place, LENGTH_BYTES)
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
            length = _number(source, place, LENGTH_BYTES)
            for byte in range(LENGTH_BYTES):
                out[done + byte] = source[place + LENGTH_BYTES - 1 - byte]
            place, done = place + LENGTH_BYTES, done + LENGTH_BYTES
            copy(source[place : place + length], out[done : done + length])
            place, done = place + length, done + length
    out[done : done + LENGTH_BYTES] = 0
    return done + LENGTH_BYTES


@njit(nogil=True, cache=True)
def _number(source, place, nbytes):  # type: ignore[no-untyped-def]
    number = np.int64(0)
    for byte in range(nbytes):
        number = number << np.int64(8) | np.int64(source[place + byte])
    return number
