"""Chunks of one HDF5 dataset: found in its file, mapped, decoded."""

from __future__ import annotations

import math
import sys

import h5py
import numpy as np

from ltdesk.engine.chunk_target import Bytes, Integers, Target
from ltdesk.engine.formats.hdf5_chunk_index import MOST_CHUNKS, LazyIndex, layout_of
from ltdesk.engine.formats.hdf5_filters import Pipeline, pipeline_of
from ltdesk.engine.formats.hdf5_layout import as_numpy_has_it
from ltdesk.engine.formats.scratch import scratch
from ltdesk.engine.formats.stored import Stored
from ltdesk.engine.mapping import MappedFile
from ltdesk.errors import DamagedFileError

_KERNELS = "ltdesk.engine.kernels.place_chunks"
FEW_CHUNKS = 50_000
"""The index of these takes 50 ms to make."""


def decodable(dataset: h5py.Dataset) -> Pipeline | None:
    """The filters of a dataset whose chunks can be found and decoded outside HDF5; None where they can't."""
    if dataset.chunks is None or dataset.is_virtual or not hasattr(dataset.id, "chunk_iter"):
        return None
    few_enough = math.prod(layout_of(dataset).grid) <= MOST_CHUNKS
    return pipeline_of(dataset) if few_enough and as_numpy_has_it(dataset) else None


class Chunks:
    """Several threads may use it.

    layout : of the dataset
    index : where its chunks are
    """

    def __init__(self, dataset: h5py.Dataset, pipeline: Pipeline) -> None:
        self.layout = layout_of(dataset)
        self.index = LazyIndex(dataset, self.layout)
        self._name = f"{dataset.file.filename}: {dataset.name}"
        self._file = MappedFile(dataset.file.filename)
        self._pipeline = pipeline
        self._fill = dataset.fillvalue

    @property
    def is_cold(self) -> bool:
        """Whether someone who wants to see one frame would wait: for an index of many chunks, or for numba to load."""
        many = not self.index.is_made and math.prod(self.layout.grid) > FEW_CHUNKS
        return many or _KERNELS not in sys.modules

    @property
    def is_mapped(self) -> bool:
        return self._file.mapped

    def view(self, offset: int, nbytes: int) -> Bytes:
        """Bytes of the file, in place where it is mapped. Raises ValueError beyond its end."""
        return self._file.view(offset, nbytes)

    def check(self) -> None:
        """Raises DamagedFileError if the file isn't any more what it was when it was opened."""
        self._file.check()

    def close(self) -> None:
        self._file.close()

    def decode(self, cells: Integers, target: Target, out: Bytes) -> None:
        """Put the pixels of chunks, by their numbers in the grid, where they belong; fill values where never written.

        Parameters
        ----------
        cells : (n,)
        target, out : where in an array they belong, and its bytes, aligned

        Raises DamagedFileError naming the first that can't be decoded.
        """
        if len(cells) == 1 or not (self._are_alike(cells) and self._try(cells, target, out)):
            for number, cell in enumerate(cells.tolist()):
                self._decode_one(cell, target.part(number, number + 1), out)

    def _are_alike(self, cells: Integers) -> bool:
        """Whether they were all written, and went through the same filters."""
        index = self.index.get()
        if index.is_plain:
            return True
        masks = index.mask[cells]
        return bool(index.offset[cells].min() >= 0 and (masks == masks[0]).all())

    def _try(self, cells: Integers, target: Target, out: Bytes) -> bool:
        """Decode several chunks at once; False where one of them can't be, or not with the others."""
        try:
            self._decode(cells, target, out)
        except (RuntimeError, ValueError):
            return False
        return True

    def _decode_one(self, cell: int, target: Target, out: Bytes) -> None:
        index = self.index.get()
        offset, nbytes = int(index.offset[cell]), int(index.nbytes[cell])
        if offset < 0:
            from ltdesk.engine.kernels.place_chunks import (
                place_plain,  # loads numba, which opening a file does not need
            )

            pixels = np.full(math.prod(self.layout.chunk), self._fill, self.layout.dtype)
            place_plain(pixels.view(np.uint8), np.zeros(1, np.int64), pixels.itemsize, target, out)
            return
        try:
            self._decode(np.array([cell]), target, out)
        except (RuntimeError, ValueError) as error:
            self._file.check(offset, nbytes)  # says so where it is the file that changed
            raise self._damaged(cell, str(error)) from error

    def _decode(self, cells: Integers, target: Target, out: Bytes) -> None:
        index = self.index.get()
        offsets, sizes = index.offset[cells], index.nbytes[cells].astype(np.int64)
        self._pipeline.decode(self.stored(offsets, sizes), int(index.mask[cells[0]]), target, out)
        self.check_bytes(offsets, sizes)

    def stored(self, offsets: Integers, sizes: Integers) -> Stored:
        """Bytes of the file, in place where it is mapped, else read into memory. Raises ValueError beyond its end."""
        if self._beyond(offsets, sizes).size:
            raise ValueError("it lies beyond the end of the file")
        if self._file.mapped:
            return Stored(self._file.view(0, self._file.size), offsets, sizes)
        starts = np.cumsum(sizes) - sizes
        source = scratch("read", int(sizes.sum()))
        for start, offset, size in zip(starts.tolist(), offsets.tolist(), sizes.tolist(), strict=True):
            source[start : start + size] = self._file.view(offset, size)
        return Stored(source, starts, sizes)

    def check_end(self, offsets: Integers, sizes: Integers) -> None:
        """Raises DamagedFileError where frames that are stored as they are lie beyond the end of the file."""
        for offset in self._beyond(offsets, sizes)[:1]:
            what = f"the frame at byte {offset:,} lies beyond the end of the file"
            raise DamagedFileError(f"{self._name}: {what}", "Copy the file again.")

    def _beyond(self, offsets: Integers, sizes: Integers) -> Integers:
        if self.index.get().end <= self._file.size:  # quick, and nearly always so
            return offsets[:0]
        return offsets[offsets + sizes > self._file.size]

    def check_bytes(self, offsets: Integers, sizes: Integers) -> None:
        """Raises DamagedFileError where pages of these bytes were lost, and zeros seen in their place."""
        if self._file.faulted(0, self._file.size):  # quick, and nearly never so
            for offset, size in zip(offsets.tolist(), sizes.tolist(), strict=True):
                self._file.check(offset, size)

    def _damaged(self, cell: int, reason: str) -> DamagedFileError:
        shape, chunk = self.layout.shape, self.layout.chunk
        numbers = np.unravel_index(cell, self.layout.grid)
        (y0, y1), (x0, x1) = [
            (int(number) * chunk[axis], min((int(number) + 1) * chunk[axis], shape[axis]))
            for axis, number in enumerate(numbers[:2])
        ]
        offset = int(self.index.get().offset[cell])
        return DamagedFileError(
            f"{self._name}: the chunk of scan {y0}:{y1}, {x0}:{x1} at byte {offset:,} is damaged: {reason}",
            "Copy the file again.",
        )
