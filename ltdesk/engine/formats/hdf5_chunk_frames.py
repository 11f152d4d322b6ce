"""Whole frames in chunks that went through no filter: seen through the map where they lie at regular distances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.chunk_target import Integers, in_order
from ltdesk.engine.dataset import Tile
from ltdesk.engine.formats.arranged import ArrangedDataset, Source
from ltdesk.engine.formats.blocks import Blocks
from ltdesk.engine.formats.hdf5_chunks import Chunks
from ltdesk.engine.formats.hdf5_filters import Pipeline
from ltdesk.engine.formats.hdf5_reader import H5Reader
from ltdesk.engine.formats.tiling import Span, joined
from ltdesk.job import DatasetRef, Partition


class ChunkFrames(ArrangedDataset):
    """A dataset whose tiles are views of its file where they can be, else gathered from it."""

    def __init__(
        self, ref: DatasetRef, source: Source, owner: h5py.File, dataset: h5py.Dataset, pipeline: Pipeline
    ) -> None:
        super().__init__(ref, source)
        self._through_hdf5 = H5Reader(owner, dataset)
        self._chunks = Chunks(dataset, pipeline)
        self._fill = dataset.fillvalue
        self._blocks = Blocks()

    def _tiles(self, partition: Partition) -> Iterator[Tile]:
        for spans in joined(self.spans(partition), self.tile_frames):
            frames = np.concatenate([np.arange(span.frame, span.frame + span.count) for span in spans])
            offsets = self._offsets(frames)
            with self._checked(offsets):
                yield from self._tiles_of(spans, offsets)

    @contextmanager
    def _checked(self, offsets: Integers) -> Iterator[None]:
        """Checks the file before frames are seen, and once their user is back, what they showed."""
        offsets, sizes = self._written(offsets)
        self._chunks.check()
        self._chunks.check_end(offsets, sizes)
        yield
        self._chunks.check()
        self._chunks.check_bytes(offsets, sizes)

    def _tiles_of(self, spans: Sequence[Span], offsets: Integers) -> Iterator[Tile]:
        """Of spans one after the other: views where the first can be one, else gathered all at once.

        A call from Python for each row of chunks of 8x8 frames would take as long as its bytes.
        """
        if self._view(offsets[: spans[0].count]) is None:
            yield Tile(spans[0].start, self._gathered(offsets))
            return
        for span in spans:
            own, offsets = offsets[: span.count], offsets[span.count :]
            frames = self._view(own)
            if frames is None:
                yield Tile(span.start, self._gathered(own))
            else:
                yield Tile(span.start, frames, frames.nbytes)

    def _frame(self, y: int, x: int) -> NDArray[Any]:
        number = self.frame_index(y, x)
        if self._chunks.is_cold:
            frame = np.empty((1, 1, *self.frame_shape), self.dtype)
            row, column = divmod(number, self.source.scan_shape[1])
            self._through_hdf5.read(slice(row, row + 1), slice(column, column + 1), frame)
            return self.native(frame[0, 0])
        offsets = self._offsets(np.array([number]))
        with self._checked(offsets):
            return self.native(self._gathered(offsets)[0])

    def _close(self) -> None:
        self._chunks.close()
        self._through_hdf5.close()

    def _offsets(self, frames: Integers) -> Integers:
        """Where frames begin in the file; -1 where they were never written."""
        cy, cx = self._chunks.layout.chunk[:2]
        y, x = np.divmod(frames, self.source.scan_shape[1])
        offsets = self._chunks.index.get().offset[y // cy * self._chunks.layout.grid[1] + x // cx]
        return np.where(offsets < 0, -1, offsets + (y % cy * cx + x % cx) * self.frame_bytes)

    def _written(self, offsets: Integers) -> tuple[Integers, Integers]:
        """Where frames are, and their sizes."""
        written = offsets[offsets >= 0]
        return written, np.full(written.size, self.frame_bytes)

    def _view(self, offsets: Integers) -> NDArray[Any] | None:
        """Frames in the file, where they are at regular distances."""
        steps = np.diff(offsets)
        step = int(steps[0]) if steps.size else self.frame_bytes
        start, item = int(offsets[0]), self.dtype.itemsize
        regular = start >= 0 and step >= self.frame_bytes and (steps == step).all()
        if not (regular and start % item == 0 and step % item == 0 and self._chunks.is_mapped):
            return None
        raw = self._chunks.view(start, (offsets.size - 1) * step + self.frame_bytes)
        strides = (step, self.frame_shape[1] * item, item)
        return np.ndarray((offsets.size, *self.frame_shape), self.dtype, buffer=raw.data, strides=strides)

    def _gathered(self, offsets: Integers) -> NDArray[Any]:
        from ltdesk.engine.kernels.place_chunks import place_plain  # loads numba, which opening a file does not need

        frames = self._blocks.empty((offsets.size, *self.frame_shape), self.dtype)
        present = offsets >= 0
        if not present.all():
            frames[~present] = self._fill
        if present.any():
            stored = self._chunks.stored(*self._written(offsets))
            target = in_order(offsets.size, frames[0].size)
            target = target._replace(first=target.first[present], sizes=target.sizes[present])
            place_plain(stored.source, stored.starts, self.dtype.itemsize, target, frames.reshape(-1).view(np.uint8))
        return frames
