"""Where the chunks of an HDF5 dataset are in its file."""

from __future__ import annotations

import math
import threading
from array import array
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.formats.hdf5_files import as_damage

Shape4D = tuple[int, int, int, int]
MOST_CHUNKS = 16_000_000
"""The index of more would take more than 256 MB, and minutes to make."""

MOST_BYTES = 1 << 60
"""What is beyond is nowhere; sums of two such numbers are whole numbers still."""


@dataclass(frozen=True)
class Layout:
    """How a dataset is cut into chunks; a stack is one row.

    Attributes
    ----------
    shape : (sy, sx, ky, kx)
    chunk : of each chunk; all are stored whole, also those at the edges
    dtype : of the pixels
    """

    shape: Shape4D
    chunk: Shape4D
    dtype: np.dtype[Any]

    @property
    def grid(self) -> Shape4D:
        """How many chunks there are along each axis."""
        sy, sx, ky, kx = (-(-size // chunk) for size, chunk in zip(self.shape, self.chunk, strict=True))
        return sy, sx, ky, kx

    @property
    def chunk_bytes(self) -> int:
        return math.prod(self.chunk) * self.dtype.itemsize

    @property
    def has_whole_frames(self) -> bool:
        return self.chunk[2:] == self.shape[2:]


def layout_of(dataset: h5py.Dataset) -> Layout:
    """The layout of a chunked dataset, 4D or 3D."""
    one = (1,) if dataset.ndim == 3 else ()
    return Layout((*one, *dataset.shape), (*one, *dataset.chunks), dataset.dtype)


@dataclass(frozen=True)
class ChunkIndex:
    """Where each chunk is, in row-major order of the grid.

    Attributes
    ----------
    offset : byte in the file, any user block counted; -1 where it was never written
    nbytes : as stored
    mask : bits of the filters that it didn't go through
    """

    offset: NDArray[np.int64]
    nbytes: NDArray[np.uint32]
    mask: NDArray[np.uint32]

    @cached_property
    def is_plain(self) -> bool:
        """Whether all chunks were written and went through all filters."""
        return bool(self.offset.min() >= 0 and not self.mask.any())

    @cached_property
    def end(self) -> int:
        """Where the last of the chunks ends in the file."""
        return int((self.offset + self.nbytes).max())


class LazyIndex:
    """The index of a dataset, made when it is first asked for: a second for each million of chunks."""

    def __init__(self, dataset: h5py.Dataset, layout: Layout) -> None:
        self._dataset, self._layout = dataset, layout
        self._index: ChunkIndex | None = None
        self._lock = threading.Lock()

    @property
    def is_made(self) -> bool:
        return self._index is not None

    def get(self) -> ChunkIndex:
        """Raises DamagedFileError where HDF5 can't find its way through the file."""
        if self._index is None:
            with self._lock:
                if self._index is None:
                    name = f"{self._dataset.file.filename}: {self._dataset.name}"
                    with as_damage(f"{name}: its chunks cannot be found"):
                        self._index = _make_index(self._dataset, self._layout)
        return self._index


def _make_index(dataset: h5py.Dataset, layout: Layout) -> ChunkIndex:
    rows = _rows(dataset)
    grid, axes = layout.grid, dataset.ndim
    first = rows[:, :axes] // dataset.chunks
    inside = (first < grid[-axes:]).all(axis=1)
    if not dataset.id.get_create_plist().get_nfilters() and (rows[inside, -2] != layout.chunk_bytes).any():
        raise ValueError(f"they aren't of {layout.chunk_bytes:,} bytes each")
    cells = np.ravel_multi_index(tuple(first[inside].T), grid[-axes:])
    count = math.prod(grid)
    index = ChunkIndex(np.full(count, -1, np.int64), np.zeros(count, np.uint32), np.zeros(count, np.uint32))
    index.offset[cells], index.nbytes[cells], index.mask[cells] = rows[inside, axes:].T
    return index


def _rows(dataset: h5py.Dataset) -> NDArray[np.int64]:
    """A row for each chunk that was written: its first element's place, byte, size, filter mask.

    Raises ValueError, and what h5py does, where they make no sense.
    """
    numbers = array("q")

    def note(chunk: Any) -> None:
        numbers.extend(chunk.chunk_offset)
        numbers.extend((chunk.byte_offset, chunk.size, chunk.filter_mask))

    dataset.id.chunk_iter(note)
    rows = np.frombuffer(numbers, np.int64).reshape(-1, dataset.ndim + 3)
    if (rows >= MOST_BYTES).any():
        raise ValueError("they lie beyond any file's end")
    return rows
