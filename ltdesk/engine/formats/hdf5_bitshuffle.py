"""The filter bitshuffle: bits of like weight together, in blocks, each compressed by LZ4 or zstd or not at all.

A compressed chunk is its size (8 bytes) and that of a block (4), then for each block the length it was compressed to
(4) and its bytes; numbers have their most significant byte first. Less than 8 items at the end come last, as they are.
The filter lz4 has the same frames, so its decoder takes all blocks, even of several chunks, in one call. One thing
differs: there a block that is as long as what it holds isn't compressed, here it is; chunks with one go another way.
zstd takes frames one after the other in one call.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ltdesk.engine.chunk_target import ALIKE, Bytes, Integers, Target, in_order
from ltdesk.engine.formats.codecs import decoder
from ltdesk.engine.formats.scratch import scratch
from ltdesk.engine.formats.stored import Stored
from ltdesk.engine.kernels.lz4_blocks import HEADER_BYTES, LENGTH_BYTES, join_blocks, scan_blocks, turn_blocks
from ltdesk.engine.kernels.place_chunks import gather, place_bits, place_plain, read_only

LZ4, ZSTD = 2, 3
_TARGET_BYTES, _FEWEST_ITEMS = 8192, 128
_SHORT_ROW = 1024
_LARGEST_BLOCK = 1 << 21
"""Compressed, it may be a little longer, which the longest block of an LZ4 frame must hold."""
_LZ4_FRAMES = [(1 << 16, "40 82"), (1 << 18, "50 fb"), (1 << 20, "60 51"), (1 << 22, "70 73")]
"""Beginnings of LZ4 frames by the longest block they may have: independent blocks, no checksum."""


class _Blocks(NamedTuple):
    """The compressed blocks of some chunks.

    source : what they lie in, from `starts` to `ends`
    size : bytes that each holds but a chunk's last one
    total : bytes that they take with their lengths
    same : whether one is as long as what it holds
    """

    source: Bytes
    starts: Integers
    ends: Integers
    size: int
    total: int
    same: bool


def place(itemsize: int, items: int, stored: Stored, nbytes: int, target: Target, out: Bytes) -> None:
    """Undo the filter where it didn't compress; `items` is how many a block has, or 0 for as many as usual."""
    stored.must_have(nbytes)
    whole = nbytes - nbytes % (ALIKE * itemsize)
    items = items or max(_FEWEST_ITEMS, _TARGET_BYTES // itemsize // ALIKE * ALIKE)
    _place((stored.source, stored.starts, stored.source, stored.starts + whole, itemsize, items), nbytes, target, out)


def decompress_and_place(
    compression: int, itemsize: int, stored: Stored, nbytes: int, target: Target, out: Bytes
) -> None:
    """Undo the filter where it compressed by `LZ4` or `ZSTD`."""
    whole = nbytes - nbytes % (ALIKE * itemsize)
    blocks = _find_blocks(stored, nbytes, whole, itemsize)
    shuffled = scratch("bitshuffle", whole * stored.chunks)
    decompress = _lz4 if compression == LZ4 else _zstd
    if whole and decompress(blocks, shuffled) != shuffled.size:
        raise ValueError("a block has another size than it should")
    starts, items = np.arange(stored.chunks) * whole, blocks.size // itemsize
    _place((shuffled, starts, stored.source, blocks.ends, itemsize, items), nbytes, target, out)


def _place(
    shuffled: tuple[Bytes, Integers, Bytes, Integers, int, int], nbytes: int, target: Target, out: Bytes
) -> None:
    """At once, or where only short rows of pixels go one after the other, put in order first: twice as fast then."""
    itemsize, count = shuffled[4], shuffled[1].size
    if target.shape[3] >= _SHORT_ROW or target.is_in_order:
        place_bits(*shuffled, target, out)
        return
    pixels = scratch("pixels", nbytes * count)
    place_bits(*shuffled, in_order(count, nbytes // itemsize), pixels)
    place_plain(pixels, np.arange(count) * nbytes, itemsize, target, out)


def _find_blocks(stored: Stored, nbytes: int, whole: int, itemsize: int) -> _Blocks:
    """Where the blocks are. Raises ValueError where they can't be, or not all chunks have the same."""
    source, stops, ends = read_only(stored.source), stored.starts + stored.sizes, np.empty_like(stored.starts)
    size, total, same = scan_blocks(source, stored.starts, stops, nbytes, nbytes - whole, ALIKE * itemsize, ends)
    if not 0 < size <= _LARGEST_BLOCK:
        raise ValueError("its blocks aren't where they should be")
    return _Blocks(source, stored.starts + HEADER_BYTES, ends, size, total, same)


def _lz4(blocks: _Blocks, out: Bytes) -> int:
    if blocks.same:
        return _lz4_as_frame(blocks, out)
    head = out.size.to_bytes(8, "big") + blocks.size.to_bytes(4, "big")
    if blocks.starts.size == 1:
        start, end = int(blocks.starts[0]) - HEADER_BYTES, int(blocks.ends[0])
        if blocks.source[start : start + HEADER_BYTES].tobytes() == head:  # unless some items are left over
            return _decode("lz4h5", blocks.source[start:end], out)
    joined = scratch("blocks", HEADER_BYTES + blocks.total)
    joined[:HEADER_BYTES] = np.frombuffer(head, np.uint8)
    gather(blocks.source, blocks.starts, blocks.ends - blocks.starts, joined[HEADER_BYTES:])
    return _decode("lz4h5", joined, out)


def _lz4_as_frame(blocks: _Blocks, out: Bytes) -> int:
    head = bytes.fromhex("04224d18 60" + next(text for most, text in _LZ4_FRAMES if 2 * blocks.size <= most))
    frame = scratch("blocks", len(head) + blocks.total + LENGTH_BYTES)
    frame[: len(head)] = np.frombuffer(head, np.uint8)
    turn_blocks(blocks.source, blocks.starts, blocks.ends, frame[len(head) :])
    return _decode("lz4f", frame, out)


def _zstd(blocks: _Blocks, out: Bytes) -> int:
    frames = scratch("blocks", blocks.total)
    length = join_blocks(blocks.source, blocks.starts, blocks.ends, frames)
    return _decode("zstd", frames[:length], out)


def _decode(codec: str, stored: Bytes, out: Bytes) -> int:
    decode = decoder(codec)
    assert decode is not None, "asked for when the dataset was opened"
    return decode(stored, out)
