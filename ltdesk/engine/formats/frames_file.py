"""FramesFile: a header plus frames at regular distances, the layout of most formats, seen through a map."""

from __future__ import annotations

import math
import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.dataset import Tile
from ltdesk.engine.formats.arranged import ArrangedDataset, Source, joined_ranges
from ltdesk.engine.formats.tiling import Span
from ltdesk.engine.mapping import MappedFile
from ltdesk.errors import OpenError
from ltdesk.geometry import Size2D
from ltdesk.job import DatasetRef, Partition

LAID_OUT = 256
"""Partitions of which is kept where their frames lie: a plan has 64 of most scans, and each job asks again."""


@dataclass(frozen=True)
class Frames:
    """Frames at regular distances in one file.

    Attributes
    ----------
    path : the file
    offset : byte at which the first frame starts
    stride : bytes from the start of a frame to the start of the next
    dtype : of the pixels, with byte order
    frame_shape : (ky, kx)
    count : frames that are promised; the file may have fewer
    missing : whether there is no such file
    """

    path: str
    offset: int
    stride: int
    dtype: np.dtype[Any]
    frame_shape: Size2D
    count: int
    missing: bool = False

    @property
    def frame_bytes(self) -> int:
        return math.prod(self.frame_shape) * self.dtype.itemsize

    @property
    def is_aligned(self) -> bool:
        """Whether pixels lie at multiples of their size, as kernels want them."""
        return self.offset % self.dtype.alignment == self.stride % self.dtype.alignment == 0

    def fitting(self) -> int:
        """How many of the promised frames are whole in the file; 0 where there is no file."""
        try:
            size = 0 if self.missing else os.stat(self.path).st_size
        except OSError:
            return 0
        if size < self.offset + self.frame_bytes:
            return 0
        return min(self.count, (size - self.offset - self.frame_bytes) // self.stride + 1)

    def extent(self, first: int, count: int) -> tuple[int, int]:
        """Offset and number of bytes of some frames."""
        return self.offset + first * self.stride, (count - 1) * self.stride + self.frame_bytes


class _Piece(NamedTuple):
    """Frames of one part: which file, how many, and which bytes of it."""

    part: int
    n: int
    offset: int
    nbytes: int


class FramesFile(ArrangedDataset):
    """A dataset whose tiles are views of its file, or, where frames lie in several files in a row, of each."""

    def __init__(self, ref: DatasetRef, source: Source, parts: Sequence[Frames]) -> None:
        """`source.good` is found from the files' sizes. Raises OpenError if there is no whole frame."""
        good = [part.fitting() for part in parts]
        self._starts = [0, *accumulate(part.count for part in parts)]
        stretches = [range(start, start + n) for start, n in zip(self._starts, good, strict=False) if n]
        if not stretches:
            raise _no_whole_frame(source, parts)
        super().__init__(ref, replace(source, good=joined_ranges(stretches)))
        self.parts = tuple(parts)
        self._lays: dict[Partition, list[tuple[Span, list[_Piece]]]] = {}
        self._files = [
            MappedFile(part.path, *part.extent(0, n)) if n else None for part, n in zip(parts, good, strict=True)
        ]

    def tiles_of(self, partitions: Sequence[Partition]) -> Iterator[list[tuple[int, Tile]]]:
        """All at once where they are views: files are checked before and after, not for each tile."""
        if len(partitions) < 2 or not self._shows_views:
            yield from super().tiles_of(partitions)
            return
        with self._open():
            yield from self._checked(
                [(which, *laid) for which, one in enumerate(partitions) for laid in self._laid(one)]
            )

    @cached_property
    def _shows_views(self) -> bool:
        return all(part.is_aligned for part in self.parts) and all(file.mapped for file in self._files if file)

    def _tiles(self, partition: Partition) -> Iterator[Tile]:
        for laid in self._laid(partition):
            for tiles in self._checked([(0, *laid)]):
                yield from (tile for _, tile in tiles)

    def _laid(self, partition: Partition) -> list[tuple[Span, list[_Piece]]]:
        """Where the frames of each tile lie."""
        laid = self._lays.get(partition)
        if laid is None:
            laid = [(span, list(self._pieces(span.frame, span.count))) for span in self.spans(partition)]
            if len(self._lays) >= LAID_OUT:
                self._lays.clear()
            self._lays[partition] = laid
        return laid

    def _checked(self, pieces: Sequence[tuple[int, Span, list[_Piece]]]) -> Iterator[list[tuple[int, Tile]]]:
        """The tiles of some spans, together. Checks files before, and once their user is back, what they showed."""
        shown = [piece for _, _, of_one in pieces for piece in of_one]
        files = {piece.part: self._file(piece) for piece in shown}
        for file in files.values():
            file.check()
        yield [(which, Tile(span.start, *self._stack(of_one))) for which, span, of_one in pieces]
        for file in files.values():
            file.check()
        for piece in shown:
            if files[piece.part].faulted(piece.offset, piece.nbytes):
                files[piece.part].check(piece.offset, piece.nbytes)

    def _close(self) -> None:
        for file in self._files:
            if file is not None:
                file.close()

    def _frame(self, y: int, x: int) -> NDArray[Any]:
        (piece,) = self._pieces(self.frame_index(y, x), 1)
        self._file(piece).check()
        frame = self.native(self._view(piece)[0])
        self._file(piece).check(piece.offset, piece.nbytes)
        return frame

    def _pieces(self, first: int, count: int) -> Iterator[_Piece]:
        stop = first + count
        while first < stop:
            part = bisect_right(self._starts, first) - 1
            n = min(stop, self._starts[part + 1]) - first
            yield _Piece(part, n, *self.parts[part].extent(first - self._starts[part], n))
            first += n

    def _file(self, piece: _Piece) -> MappedFile:
        file = self._files[piece.part]
        assert file is not None, "spans hold frames that exist"
        return file

    def _stack(self, pieces: Sequence[_Piece]) -> tuple[NDArray[Any], int]:
        """Frames ``(n, ky, kx)`` and how many of their bytes are seen through a map."""
        if len(pieces) > 1:  # a tile at the seam of two files
            return np.concatenate([self._view(piece) for piece in pieces]), 0
        frames = self._view(pieces[0])
        if not frames.flags.aligned:
            return frames.copy(), 0
        return frames, frames.nbytes if self._file(pieces[0]).mapped else 0

    def _view(self, piece: _Piece) -> NDArray[Any]:
        part = self.parts[piece.part]
        (ky, kx), item = part.frame_shape, part.dtype.itemsize
        raw = self._file(piece).view(piece.offset, piece.nbytes)
        strides = (part.stride, kx * item, item)
        return np.ndarray((piece.n, ky, kx), part.dtype, buffer=raw.data, strides=strides)


def _no_whole_frame(source: Source, parts: Sequence[Frames]) -> OpenError:
    elsewhere = sorted({os.path.basename(part.path) for part in parts if part.path != source.path})
    if elsewhere:
        names = ", ".join(elsewhere[:3])
        return OpenError(f"{source.path}: its frames are in {names}, missing or cut short", "Put them beside it.")
    return OpenError(f"{source.path}: ends before its first frame does", "Copy it again.")
