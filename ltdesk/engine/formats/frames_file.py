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
from ltdesk.engine.formats.arranged import LAID_OUT, ArrangedDataset, Source, joined_ranges
from ltdesk.engine.mapping import MappedFile
from ltdesk.errors import OpenError
from ltdesk.geometry import Size2D
from ltdesk.job import DatasetRef, Partition


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


@dataclass
class _Laid:
    """Where the frames of a tile lie, and the tile, once it was seen to be a view of one file."""

    start: int
    pieces: list[_Piece]
    tile: Tile | None = None


class FramesFile(ArrangedDataset):
    """A dataset whose tiles are views of its file, or, where frames lie in several files in a row, of each."""

    def __init__(self, ref: DatasetRef, source: Source, parts: Sequence[Frames]) -> None:
        """`source.good` and `source.files` are found from the parts. Raises OpenError if there is no whole frame."""
        good = [part.fitting() for part in parts]
        self._starts = [0, *accumulate(part.count for part in parts)]
        stretches = [range(start, start + n) for start, n in zip(self._starts, good, strict=False) if n]
        if not stretches:
            raise _no_whole_frame(source, parts)
        files = [part.path for part, n in zip(parts, good, strict=True) if n]
        super().__init__(ref, replace(source, good=joined_ranges(stretches), files=files))
        self.parts = tuple(parts)
        self._lays: dict[Partition, list[_Laid]] = {}
        self._files = [
            MappedFile(part.path, *part.extent(0, n)) if n else None for part, n in zip(parts, good, strict=True)
        ]

    def tiles_of(self, partitions: Sequence[Partition]) -> Iterator[list[tuple[int, Tile]]]:
        """All at once where they are views: files are checked before and after, not for each tile."""
        if len(partitions) < 2 or not self.shows_views:
            yield from super().tiles_of(partitions)
            return
        with self._open():
            yield from self._checked(
                [(which, laid) for which, one in enumerate(partitions) for laid in self._laid(one)]
            )

    @cached_property
    def shows_views(self) -> bool:
        return all(part.is_aligned for part in self.parts) and all(file.mapped for file in self._files if file)

    def _tiles(self, partition: Partition) -> Iterator[Tile]:
        for laid in self._laid(partition):
            for tiles in self._checked([(0, laid)]):
                yield from (tile for _, tile in tiles)

    def _laid(self, partition: Partition) -> list[_Laid]:
        """Where the frames of each tile lie."""
        laid = self._lays.get(partition)
        if laid is None:
            laid = [_Laid(span.start, list(self._pieces(span.frame, span.count))) for span in self.spans(partition)]
            if len(self._lays) >= LAID_OUT:
                self._lays.clear()
            self._lays[partition] = laid
            if self._closed:  # by another thread meanwhile: views would keep the file open
                self._lays.clear()
        return laid

    def _checked(self, lays: Sequence[tuple[int, _Laid]]) -> Iterator[list[tuple[int, Tile]]]:
        """The tiles of some spans, together. Checks files before, and once their user is back, what they showed."""
        shown = [piece for _, laid in lays for piece in laid.pieces]
        files = {part: self._file(part) for part in {piece.part for piece in shown}}
        for file in files.values():
            file.check()
        yield [(which, laid.tile or self._tile(laid)) for which, laid in lays]
        for file in files.values():
            file.check()
        if len(shown) == 1 or any(file.faulted(file.offset, file.nbytes) for file in files.values()):
            for piece in shown:
                files[piece.part].check(piece.offset, piece.nbytes)

    def _close(self) -> None:
        self._lays.clear()
        for file in self._files:
            if file is not None:
                file.close()

    def _frame(self, y: int, x: int) -> NDArray[Any]:
        (piece,) = self._pieces(self.frame_index(y, x), 1)
        file = self._file(piece.part)
        file.check()
        frame = self.native(self._view(piece)[0])
        file.check(piece.offset, piece.nbytes)
        return frame

    def _pieces(self, first: int, count: int) -> Iterator[_Piece]:
        stop = first + count
        while first < stop:
            part = bisect_right(self._starts, first) - 1
            n = min(stop, self._starts[part + 1]) - first
            yield _Piece(part, n, *self.parts[part].extent(first - self._starts[part], n))
            first += n

    def _file(self, part: int) -> MappedFile:
        file = self._files[part]
        assert file is not None, "spans hold frames that exist"
        return file

    def _tile(self, laid: _Laid) -> Tile:
        """Its frames ``(n, ky, kx)``, kept where they are a view."""
        if len(laid.pieces) > 1:  # at the seam of two files
            return Tile(laid.start, np.concatenate([self._view(piece) for piece in laid.pieces]))
        [piece] = laid.pieces
        frames = self._view(piece)
        if not frames.flags.aligned:
            return Tile(laid.start, frames.copy())
        if not self._file(piece.part).mapped:
            return Tile(laid.start, frames)
        place = int(frames.__array_interface__["data"][0])
        laid.tile = Tile(laid.start, frames, frames.nbytes, place=place)
        return laid.tile

    def _view(self, piece: _Piece) -> NDArray[Any]:
        part = self.parts[piece.part]
        (ky, kx), item = part.frame_shape, part.dtype.itemsize
        raw = self._file(piece.part).view(piece.offset, piece.nbytes)
        strides = (part.stride, kx * item, item)
        return np.ndarray((piece.n, ky, kx), part.dtype, buffer=raw.data, strides=strides)


def _no_whole_frame(source: Source, parts: Sequence[Frames]) -> OpenError:
    elsewhere = sorted({os.path.basename(part.path) for part in parts if part.path != source.path})
    if elsewhere:
        names = ", ".join(elsewhere[:3])
        return OpenError(f"{source.path}: its frames are in {names}, missing or cut short", "Put them beside it.")
    return OpenError(f"{source.path}: ends before its first frame does", "Copy it again.")
