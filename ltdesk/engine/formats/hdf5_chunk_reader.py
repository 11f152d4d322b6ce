"""Chunks of HDF5 datasets put together to frames, on all threads, outside HDF5 and its lock."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from functools import reduce
from itertools import product
from typing import Any, Generic, NamedTuple, TypeVar

import h5py
import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.chunk_target import Integers, Target, in_order
from ltdesk.engine.formats.hdf5_chunks import Chunks, decodable
from ltdesk.engine.formats.hdf5_filters import Pipeline
from ltdesk.engine.formats.hdf5_reader import H5Reader
from ltdesk.engine.formats.read_frames import Reader

RECENT_BYTES = 64 << 20
"""Chunks that were needed in part are kept, up to this much, but for the last one."""
RECENT_CELLS = 1 << 18
"""Of so many chunks it is kept where they belong, 48 bytes each: found with Python that is cold each time."""
RECTANGLE_CELLS = 16
"""A rectangle itself takes as much memory as so many chunks: of frames that are picked, a chunk each, few are kept."""
BATCH_BYTES = 2 << 20
"""Small chunks are decoded this much at a time: less spends its time between calls, more leaves the caches."""


def reader_of(owner: h5py.File, dataset: h5py.Dataset) -> Reader:
    """A reader outside HDF5 where its chunks allow that, else through h5py."""
    pipeline = decodable(dataset)
    return H5Reader(owner, dataset) if pipeline is None else ChunkReader(owner, dataset, pipeline)


class ChunkReader:
    """Rectangles of one chunked dataset. Chunks that a rectangle holds whole are decoded once and forgotten."""

    def __init__(self, owner: h5py.File, dataset: h5py.Dataset, pipeline: Pipeline) -> None:
        self._through_hdf5 = H5Reader(owner, dataset)
        self._chunks = Chunks(dataset, pipeline)
        self._layout = self._chunks.layout
        self._recent: _Recent[int, NDArray[Any]] = _Recent(RECENT_BYTES)
        self._wholes: _Recent[tuple[int, int, int, int], _Whole] = _Recent(RECENT_CELLS)

    def read(self, y: slice, x: slice, out: NDArray[Any]) -> None:
        if out.shape[:2] == (1, 1) and self._chunks.is_cold:
            self._through_hdf5.read(y, x, out)
            return
        self._chunks.check()
        if (whole := self._wholes.get((y.start, y.stop, x.start, x.stop))) is not None:
            self._read_whole(whole, out)
        else:
            self._read_new(y, x, out)
        self._chunks.check()

    def _read_new(self, y: slice, x: slice, out: NDArray[Any]) -> None:
        shares = self._shares(y, x)
        if any(share.is_cut for share in (*shares[0], *shares[1])):
            self._read_cut(shares, out)
            return
        whole = _Whole(self._cells(shares), self._target(shares, out.shape).joined())
        self._wholes.keep((y.start, y.stop, x.start, x.stop), whole, RECTANGLE_CELLS + len(whole.cells))
        self._read_whole(whole, out)

    def close(self) -> None:
        self._chunks.close()
        self._recent.clear()
        self._wholes.clear()
        self._through_hdf5.close()

    def _shares(self, y: slice, x: slice) -> list[list[_Share]]:
        """For each axis, the chunks that hold any of a rectangle."""
        shape, chunk = self._layout.shape, self._layout.chunk
        bounds = ((y.start, y.stop), (x.start, x.stop), (0, shape[2]), (0, shape[3]))
        return [list(_shares(*pair, *sizes)) for pair, *sizes in zip(bounds, chunk, shape, strict=True)]

    def _cells(self, shares: list[list[_Share]]) -> Integers:
        """Numbers of the chunks in the grid, in row-major order."""
        steps = _steps(self._layout.grid)
        return _sums([share.number * step for share in axis] for axis, step in zip(shares, steps, strict=True))

    def _read_whole(self, whole: _Whole, out: NDArray[Any]) -> None:
        """Decode chunks straight to where they belong."""
        flat, at_once = out.reshape(-1).view(np.uint8), max(1, BATCH_BYTES // self._layout.chunk_bytes)
        for first in range(0, len(whole.cells), at_once):
            self._chunks.decode(whole.cells[first : first + at_once], whole.target.part(first, first + at_once), flat)

    def _target(self, shares: list[list[_Share]], shape: tuple[int, ...]) -> Target:
        """Where whole chunks belong in an array of this shape."""
        steps = _steps(shape)
        first = _sums([share.place.start * step for share in axis] for axis, step in zip(shares, steps, strict=True))
        sizes = np.empty((*map(len, shares), 4), np.int64)
        for number, axis in enumerate(np.ix_(*([share.size for share in axis] for axis in shares))):
            sizes[..., number] = axis
        return Target(first, sizes.reshape(-1, 4), self._layout.chunk, (steps[0], steps[1], steps[2]))

    def _read_cut(self, shares: list[list[_Share]], out: NDArray[Any]) -> None:
        """Keep the chunks of which more will be wanted."""
        for cell, (a, b, c, d) in zip(self._cells(shares).tolist(), product(*shares), strict=True):
            out[a.place, b.place, c.place, d.place] = self._kept(cell)[a.part, b.part, c.part, d.part]

    def _kept(self, cell: int) -> NDArray[Any]:
        if (pixels := self._recent.get(cell)) is None:
            buffer = np.empty(self._layout.chunk_bytes, np.uint8)
            self._chunks.decode(np.array([cell]), in_order(1, buffer.size // self._layout.dtype.itemsize), buffer)
            pixels = buffer.view(self._layout.dtype).reshape(self._layout.chunk)
            self._recent.keep(cell, pixels, pixels.nbytes)
        return pixels


class _Share(NamedTuple):
    """One chunk's share of a stretch of an axis.

    number : of the chunk along the axis
    part, place : of the chunk, and in the stretch
    is_cut : whether the chunk has more than is wanted here
    """

    number: int
    part: slice
    place: slice
    is_cut: bool

    @property
    def size(self) -> int:
        return int(self.part.stop - self.part.start)


def _shares(first: int, stop: int, chunk: int, size: int) -> Iterator[_Share]:
    for number in range(first // chunk, -(-stop // chunk)):
        start, end = number * chunk, min((number + 1) * chunk, size)
        low, high = max(first, start), min(stop, end)
        is_cut = (low, high) != (start, end)
        yield _Share(number, slice(low - start, high - start), slice(low - first, high - first), is_cut)


def _steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    """How far the next element along each axis is in a flat array."""
    return tuple(math.prod(shape[axis:]) for axis in range(1, len(shape) + 1))


def _sums(axes: Iterable[list[int]]) -> Integers:
    """Sums of a number of each axis, for all combinations in row-major order."""
    return np.asarray(reduce(np.add.outer, [np.array(axis, np.int64) for axis in axes]).ravel())


class _Whole(NamedTuple):
    """Chunks of a rectangle that holds them whole: their numbers in the grid, and where they belong."""

    cells: Integers
    target: Target


Key = TypeVar("Key")
Value = TypeVar("Value")


class _Recent(Generic[Key, Value]):
    """What was used last, up to a size, but at least one. Several threads use it."""

    def __init__(self, most: int) -> None:
        self._most, self._size = most, 0
        self._kept: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def keep(self, key: Key, value: Value, size: int) -> None:
        with self._lock:
            if key not in self._kept:
                self._kept[key] = value, size
                self._size += size
            while self._size > self._most and len(self._kept) > 1:
                self._size -= self._kept.popitem(last=False)[1][1]

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._size = 0
