"""What HDF5's filters did to chunks, undone outside HDF5 and its lock, into memory that is given.

The decompressors are imagecodecs', which let go of the GIL (docs/decisions/0009-compressed-chunks.md says why these).
A filter that is not known here is none of this module's business: such datasets are read through h5py.
Kernels are imported where they are used: they load numba, which opening a file does not need.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import h5py

from ltdesk.engine.chunk_target import ALIKE, ITEM_SIZES, Bytes, Target
from ltdesk.engine.formats.codecs import Decode, decoder, fletcher32
from ltdesk.engine.formats.scratch import scratch
from ltdesk.engine.formats.stored import Decompress, Place, Stored, one_by_one

LARGEST_CHUNK = 1 << 30
"""Of larger ones, some decompressors know nothing."""
_CHECKSUM_BYTES = 4
_SMALL_CHUNK = 1 << 16
"""Bytes of chunks that are put together first: of 256 KiB that copy takes as long as the calls it saves."""
_BITSHUFFLE_CODECS: dict[int, tuple[str, ...]] = {0: (), 2: ("lz4h5", "lz4f"), 3: ("zstd",)}
_LARGEST_BLOCK = 1 << 18
"""Of bitshuffle, in pixels: 2 MiB at most, which an LZ4 frame can hold."""

Make = Callable[[Sequence[int], int, int], "Stage | None"]
"""A filter's stage for its values, the bytes of a chunk and of a pixel; None where it can't be undone here."""


class Stage(NamedTuple):
    """One filter undone: exactly one of these.

    place : for a filter that shuffles
    decompress : for one that compresses
    check : for one that appends a checksum; raises ValueError where it is another
    """

    place: Place | None = None
    decompress: Decompress | None = None
    check: Callable[[Stored], None] | None = None


@dataclass(frozen=True)
class Pipeline:
    """The filters of a dataset.

    Attributes
    ----------
    stages : in the order in which they were applied, each with its bit in a chunk's filter mask, from bit 0
    nbytes, itemsize : of a chunk before the first, and of a pixel
    """

    stages: tuple[Stage, ...]
    nbytes: int
    itemsize: int

    def decode(self, stored: Stored, mask: int, target: Target, out: Bytes) -> None:
        """Put the pixels of chunks where they belong.

        Parameters
        ----------
        stored : chunks as they are in the file
        mask : filters that these didn't go through
        target, out : where their pixels go in an array, and its bytes, aligned

        Raises RuntimeError or ValueError where the bytes make no sense.
        """
        for stage, size in self._steps(mask):
            if stage.check is not None:
                stage.check(stored)
                stored = stored._replace(sizes=stored.sizes - _CHECKSUM_BYTES)
            elif stage.decompress is not None:
                if size == self.nbytes and not self._shuffles(mask) and target.is_in_order:
                    first = int(target.first[0]) * self.itemsize
                    stage.decompress(stored, size, out[first : first + stored.chunks * size])
                    return
                buffer = scratch("chunks", stored.chunks * size)
                stage.decompress(stored, size, buffer)
                stored = one_by_one(buffer, size)
            elif stage.place is not None:
                stage.place(stored, self.nbytes, target, out)
                return
        from ltdesk.engine.kernels.place_chunks import place_plain

        stored.must_have(self.nbytes)
        place_plain(stored.source, stored.starts, self.itemsize, target, out)

    def _shuffles(self, mask: int) -> bool:
        return bool(self.stages) and self.stages[0].place is not None and not mask & 1

    def _steps(self, mask: int) -> list[tuple[Stage, int]]:
        """What to undo, in this order, and the size of a chunk that comes out."""
        return self._masked_steps(mask) if mask else self._all_steps

    @cached_property
    def _all_steps(self) -> list[tuple[Stage, int]]:
        return self._masked_steps(0)

    def _masked_steps(self, mask: int) -> list[tuple[Stage, int]]:
        steps, size = list[tuple[Stage, int]](), self.nbytes
        for bit, stage in enumerate(self.stages):
            if not mask >> bit & 1:
                steps.append((stage, size))
                size += _CHECKSUM_BYTES if stage.check else 0
        return steps[::-1]


def pipeline_of(dataset: h5py.Dataset) -> Pipeline | None:
    """The filters of a chunked dataset; None where they can't be undone here."""
    itemsize = dataset.dtype.itemsize
    nbytes = math.prod(dataset.chunks) * itemsize
    properties, stages = dataset.id.get_create_plist(), list[Stage]()
    for position in range(properties.get_nfilters()):
        number, _flags, values, _name = properties.get_filter(position)
        make = _KNOWN.get(number)
        if make is None or (stage := make(values, nbytes, itemsize)) is None:
            return None
        stages.append(stage)
    usual = _is_usual(stages) and nbytes <= LARGEST_CHUNK
    return Pipeline(tuple(stages), nbytes, itemsize) if usual else None


def _is_usual(stages: Sequence[Stage]) -> bool:
    """Shuffled at most once and first, then compressed at most once: else sizes aren't known beforehand."""
    return not any(stage.place for stage in stages[1:]) and sum(stage.decompress is not None for stage in stages) <= 1


def _compressed(codec: str, **options: Any) -> Make:
    def make(_values: Sequence[int], _nbytes: int, _itemsize: int) -> Stage | None:
        decode = decoder(codec, **options)
        return decode and Stage(decompress=partial(_decompress, decode))

    return make


def _decompress(decode: Decode, stored: Stored, nbytes: int, out: Bytes) -> None:
    for number, part in enumerate(stored.parts()):
        if decode(part, out[number * nbytes : (number + 1) * nbytes]) != nbytes:
            raise ValueError(f"decompresses to less than {nbytes:,} bytes")


def _lz4(_values: Sequence[int], _nbytes: int, _itemsize: int) -> Stage | None:
    decode = decoder("lz4h5")
    return decode and Stage(decompress=partial(_decompress_lz4, decode))


def _decompress_lz4(decode: Decode, stored: Stored, nbytes: int, out: Bytes) -> None:
    """Chunks whose blocks are alike are one to it, and small ones take a good part of their time between calls."""
    if stored.chunks > 1 and nbytes <= _SMALL_CHUNK:
        from ltdesk.engine.kernels.lz4_blocks import joined_chunks

        joined = joined_chunks(stored.source, stored.starts, stored.sizes, nbytes)
        if joined is not None:
            stored, nbytes = one_by_one(joined, joined.size), stored.chunks * nbytes
    _decompress(decode, stored, nbytes, out)


def _blosc(_values: Sequence[int], _nbytes: int, _itemsize: int) -> Stage | None:
    decode = decoder("blosc", numthreads=1)
    return decode and Stage(decompress=partial(_decompress_blosc, decode))


def _decompress_blosc(decode: Decode, stored: Stored, nbytes: int, out: Bytes) -> None:
    """Small chunks that are alike are one to it, as for LZ4."""
    if stored.chunks > 1 and nbytes <= _SMALL_CHUNK:
        from ltdesk.engine.formats import hdf5_blosc

        joined = hdf5_blosc.joined(stored, nbytes)
        if joined is not None:
            stored, nbytes = one_by_one(joined, joined.size), stored.chunks * nbytes
    _decompress(decode, stored, nbytes, out)


def _zstd(_values: Sequence[int], _nbytes: int, _itemsize: int) -> Stage | None:
    decode = decoder("zstd")
    return decode and Stage(decompress=partial(_decompress_joined, decode))


def _decompress_joined(decode: Decode, stored: Stored, nbytes: int, out: Bytes) -> None:
    """zstd takes frames one after the other as one, and prepares for them but once."""
    if stored.chunks > 1:
        from ltdesk.engine.kernels.place_chunks import gather, read_only

        frames = scratch("blocks", int(stored.sizes.sum()))
        gather(read_only(stored.source), stored.starts, stored.sizes, frames)
        stored, nbytes = one_by_one(frames, frames.size), stored.chunks * nbytes
    _decompress(decode, stored, nbytes, out)


def _shuffle(values: Sequence[int], _nbytes: int, itemsize: int) -> Stage | None:
    """What shuffles otherwise than by pixels is none of ours."""
    return Stage(place=partial(_place, itemsize)) if tuple(values) == (itemsize,) and itemsize in ITEM_SIZES else None


def _place(itemsize: int, stored: Stored, nbytes: int, target: Target, out: Bytes) -> None:
    from ltdesk.engine.kernels.place_chunks import place_bytes

    stored.must_have(nbytes)
    place_bytes(stored.source, stored.starts, itemsize, target, out)


def _bitshuffle(values: Sequence[int], _nbytes: int, itemsize: int) -> Stage | None:
    """Its values are its version (2 numbers), bytes of a pixel, pixels in a block or 0, and maybe the compression."""
    _, _, shuffled, items, compression = (*values, 0, 0, 0, 0, 0)[:5]
    codecs = _BITSHUFFLE_CODECS.get(compression)
    if codecs is None or any(decoder(codec) is None for codec in codecs):
        return None
    usual = shuffled == itemsize and itemsize in ITEM_SIZES and items % ALIKE == 0 and items <= _LARGEST_BLOCK
    return Stage(place=partial(_place_bits, itemsize, items, compression)) if usual else None


def _place_bits(
    itemsize: int, items: int, compression: int, stored: Stored, nbytes: int, target: Target, out: Bytes
) -> None:
    from ltdesk.engine.formats import hdf5_bitshuffle

    if compression:
        hdf5_bitshuffle.decompress_and_place(compression, itemsize, stored, nbytes, target, out)
    else:
        hdf5_bitshuffle.place(itemsize, items, stored, nbytes, target, out)


def _fletcher32(_values: Sequence[int], _nbytes: int, _itemsize: int) -> Stage | None:
    return Stage(check=_check_fletcher32)


def _check_fletcher32(stored: Stored) -> None:
    for part in stored.parts():
        if part.size <= _CHECKSUM_BYTES:
            raise ValueError("is too short to have a checksum")
        kept = part[-_CHECKSUM_BYTES:].tobytes()
        found = fletcher32(part[:-_CHECKSUM_BYTES])
        if kept != found and kept != found[1::-1] + found[:1:-1]:  # HDF5 before 1.6.3 swapped them on some machines
            raise ValueError("has another checksum than when it was written")


_KNOWN: dict[int, Make] = {
    1: _compressed("deflate"),
    2: _shuffle,
    3: _fletcher32,
    307: _compressed("bz2"),
    32000: _compressed("lzf"),
    32001: _blosc,
    32004: _lz4,
    32008: _bitshuffle,
    32015: _zstd,
}
