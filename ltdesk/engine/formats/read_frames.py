"""ReadFrames: frames that cannot be seen in place (compressed, chunked, scattered) and are read piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.dataset import Tile
from ltdesk.engine.formats.arranged import LAID_OUT, ArrangedDataset, Source
from ltdesk.engine.formats.blocks import Blocks
from ltdesk.engine.formats.pieces import Piece, Stored, band_pieces, run_pieces
from ltdesk.engine.formats.tiling import Span, joined
from ltdesk.job import DatasetRef, Partition


class Reader(Protocol):
    """Reads rectangles of a scan as it is stored. Several threads call it."""

    def read(self, y: slice, x: slice, out: NDArray[Any]) -> None:
        """Fill `out`, ``(h, w, ky, kx)``, contiguous, of the file's dtype.

        Raises DamagedFileError where it can't be read.
        """

    def close(self) -> None: ...


class _Read(NamedTuple):
    """What is read at a time.

    kept : frames of the last block that go before the piece's in the next
    tiles : of the block, each with the place of its first frame there
    """

    kept: int
    piece: Piece
    tiles: list[Span]


class ReadFrames(ArrangedDataset):
    """A dataset whose tiles are copies, cut from pieces of bounded size."""

    def __init__(self, ref: DatasetRef, source: Source, reader: Reader) -> None:
        super().__init__(ref, source)
        self._reader = reader
        self._blocks = Blocks()
        self._reads: dict[Partition, list[_Read]] = {}
        self._stored = Stored(source.scan_shape, source.chunk, self.frame_bytes)

    def _tiles(self, partition: Partition) -> Iterator[Tile]:
        block = np.empty((0, *self.frame_shape), self.dtype)
        for read in self._laid_out(partition):
            block = self._block(block[len(block) - read.kept :], read.piece)
            for span in read.tiles:
                yield Tile(span.start, block[span.frame :][: span.count])

    def _laid_out(self, partition: Partition) -> list[_Read]:
        """What is to be read for its tiles; found once, for jobs come again, with Python that is cold each time."""
        reads = self._reads.get(partition)
        if reads is None:
            if len(self._reads) >= LAID_OUT:
                self._reads.clear()
            reads = self._reads[partition] = list(self._lay_out(partition))
        return reads

    def _lay_out(self, partition: Partition) -> Iterator[_Read]:
        """Pieces follow the chunks, tiles don't: what a tile has in one piece is kept until the next is read.

        Tiles in a row are given as one: Python around each, cold, takes a fifth of the time that 1 MiB takes.
        """
        spans = self.spans(partition)
        span, start, length = next(spans, None), 0, 0
        for piece in self._pieces(partition):
            if span is None or span.start >= piece.stop:
                continue
            first = min(span.start, piece.start)
            kept = length - (first - start) if first < piece.start else 0
            start, length = first, kept + piece.stop - piece.start
            whole = list[Span]()
            while span is not None and span.start + span.count <= piece.stop:
                whole.append(span)
                span = next(spans, None)
            rows = joined(whole, self.tile_frames)
            tiles = [Span(row[0].start, row[0].start - start, sum([one.count for one in row])) for row in rows]
            yield _Read(kept, piece, tiles)

    def _close(self) -> None:
        self._reads.clear()
        self._reader.close()

    def _pieces(self, partition: Partition) -> Iterator[Piece]:
        narrow = partition.shape[1] < self.scan_shape[1]
        if narrow and self.as_stored and self.source.chunk[0] > 1:
            return band_pieces(partition, self._stored)
        sync, good = self.ref.sync_offset, self.source.good
        return run_pieces(partition, self.scan_shape[1], sync, good, self._stored)

    def _block(self, kept: NDArray[Any], piece: Piece) -> NDArray[Any]:
        """Frames that were kept and those of a piece, one after the other."""
        block = self._blocks.empty((len(kept) + piece.stop - piece.start, *self.frame_shape), self.dtype)
        block[: len(kept)] = kept
        for part in piece.rectangles:
            (height, width), place = part.shape, part.place - piece.start + len(kept)
            out = block[place : place + height * width].reshape(height, width, *self.frame_shape)
            self._reader.read(slice(part.y0, part.y1), slice(part.x0, part.x1), out)
        return block

    def _frame(self, y: int, x: int) -> NDArray[Any]:
        row, column = divmod(self.frame_index(y, x), self.source.scan_shape[1])
        frame = np.empty((1, 1, *self.frame_shape), self.dtype)
        self._reader.read(slice(row, row + 1), slice(column, column + 1), frame)
        return self.native(frame[0, 0])
