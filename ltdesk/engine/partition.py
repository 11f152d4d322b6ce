"""`run_partition`: all that ever runs on a worker, wherever it is."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.analyses import Kernel, StepKernel, kernels_for
from ltdesk.engine.analyses.base import Arrays
from ltdesk.engine.corrected import Corrector
from ltdesk.engine.dataset import Dataset, Tile
from ltdesk.engine.kernels.frames import Frames, as_frames
from ltdesk.engine.kernels.steps import Taking, take_all, taking
from ltdesk.engine.kernels.swap import native_frames, swapping
from ltdesk.engine.partial import Partial
from ltdesk.engine.pixels import mask_of
from ltdesk.errors import JobCancelled
from ltdesk.geometry import Size2D
from ltdesk.job import Job, Partition

HOST = socket.gethostname()
BLOCK_BYTES = 3 << 19
"""Several kernels take a tile in turn, a block at a time that stays in the second-level cache: memory is read once.
Smaller ones have threads wait for Python's lock more often (std + max + sum on 128x128 u16, in passes: 2.6 with
256 KiB, 2.0 with 1 MiB, 1.8 with this), larger ones leave the cache."""
STEP_BYTES = 1 << 18
"""The same for kernels that take it without Python in between."""
SWAPPED_BYTES = 1 << 20
"""A block of foreign byte order is there twice, and its half that is read goes through the cache."""
SWAPPED_SIZES = (2, 4, 8)


@dataclass(frozen=True)
class Prepared:
    """A job made ready for a dataset, once: its kernels, which scan positions take part (None: all), and what corrects
    the frames.

    steps : the kernels, where they take frames without Python in between; none where some or the correction can't
    block : frames that such kernels take one after the other
    """

    dataset: Dataset
    kernels: tuple[Kernel, ...]
    region: NDArray[np.bool_] | None
    corrector: Corrector | None
    steps: tuple[StepKernel, ...]
    block: int


def prepare(job: Job, dataset: Dataset) -> Prepared:
    """Kernels and region of a job. Raises UsageError where a mask does not fit the dataset."""
    kernels = kernels_for(job.analyses, dataset.frame_shape, dataset.dtype)
    region = None if job.region is None else mask_of(job.region, dataset.scan_shape, "region")
    corrector = _corrector(dataset, kernels)
    steps = tuple(kernel for kernel in kernels if isinstance(kernel, StepKernel) and corrector is None)
    block = max(STEP_BYTES // dataset.frame_bytes, *(kernel.at_once for kernel in steps), 1)
    return Prepared(dataset, kernels, region, corrector, steps if len(steps) == len(kernels) else (), block)


def _corrector(dataset: Dataset, kernels: tuple[Kernel, ...]) -> Corrector | None:
    """What corrects the rows that the kernels look at."""
    if dataset.corrector is None:
        return None
    return dataset.corrector.for_rows(*_rows_looked_at(kernels, dataset.frame_shape))


def _rows_looked_at(kernels: tuple[Kernel, ...], frame_shape: Size2D) -> tuple[int, int]:
    """The rows of the frame, (start, stop), that any of the kernels looks at."""
    rows = [getattr(kernel, "rows", (0, frame_shape[0])) for kernel in kernels]
    return min(start for start, _ in rows), max(stop for _, stop in rows)


def run_partition(prepared: Prepared, partition: Partition, cancelled: Callable[[], bool] = lambda: False) -> Partial:
    """Read the partition's tiles once, of a region no more than it needs, and give every kernel each of them.

    Raises JobCancelled between two tiles when `cancelled()` says so, DamagedFileError from the dataset.
    """
    (result,) = run_together(prepared, [partition], cancelled)
    if isinstance(result, Exception):
        raise result
    return result


def run_together(
    prepared: Prepared, partitions: Sequence[Partition], cancelled: Callable[[], bool] = lambda: False
) -> list[Partial | Exception]:
    """What `run_partition` gives or raises for each of some partitions, the same bytes.

    A kernel streams so much through the caches that the Python between two of them takes 0.3 ms; again and again it
    takes 0.08. So it runs for all partitions, then all their kernels, in one call where they can be, then it again.
    """
    runs = [_UnderWay(prepared, partition, cancelled) for partition in partitions]
    while left := [run for run in runs if run.result is None]:
        for run in left:
            run.prepare()
        _compute_all(left, cancelled)
    return [cast("Partial | Exception", run.result) for run in runs]


Call = Taking | Callable[[], None]
"""What gives every kernel some frames."""


class _UnderWay:
    """A partition under way: by turns Python that prepares a call of its kernels, and that call."""

    def __init__(self, prepared: Prepared, partition: Partition, cancelled: Callable[[], bool]) -> None:
        self.result: Partial | Exception | None = None
        self.partial = _empty_partial(prepared, partition)
        self._calls = _calls(prepared, partition, self.partial, cancelled)
        self.call: Call | None = None

    def prepare(self) -> None:
        started = time.perf_counter()
        try:
            self.call = next(self._calls, None)
        except Exception as error:
            self.call, self.result = None, error
        self.partial.seconds += time.perf_counter() - started
        if self.call is None and self.result is None:
            self.result = self.partial


def _compute_all(runs: Sequence[_UnderWay], cancelled: Callable[[], bool]) -> None:
    takings = {run: run.call for run in runs if isinstance(run.call, Taking)}
    if takings:
        _compute(list(takings), lambda: take_all(list(takings.values())), cancelled)
    for run in runs:
        if run.call is not None and not isinstance(run.call, Taking):
            _compute([run], run.call, cancelled)


def _compute(runs: Sequence[_UnderWay], call: Callable[[], None], cancelled: Callable[[], bool]) -> None:
    """Do the call of some partitions; their shares of its time are equal."""
    started = time.perf_counter()
    try:
        if cancelled():  # again: those before it may have taken a while
            raise JobCancelled("the job was cancelled")
        call()
    except Exception as error:
        for run in runs:
            run.result = error
    for run in runs:
        run.partial.seconds += (time.perf_counter() - started) / len(runs)


def _calls(prepared: Prepared, partition: Partition, partial: Partial, cancelled: Callable[[], bool]) -> Iterator[Call]:
    """What has to be called, one after the other, so that `partial` is the partition's."""
    region = None if prepared.region is None else prepared.region[partition.slices].ravel()
    if region is not None and not region.any():
        return
    asked = partition if region is None else _around(region, partition)
    for tile in prepared.dataset.tiles(asked):
        if cancelled():
            raise JobCancelled("the job was cancelled")
        nbytes = tile.frames.nbytes
        partial.bytes_mapped += tile.mapped
        partial.bytes_network += tile.network
        partial.bytes_checked += tile.checked
        partial.not_mapped = tile.not_mapped
        partial.bytes_read += nbytes - tile.mapped - tile.network
        for first, frames in _wanted(tile, asked, partition, region):
            yield _call(prepared, frames, first, partial.buffers)
            partial.valid[first : first + len(frames)] = True


def _call(prepared: Prepared, stack: NDArray[Any], start: int, buffers: Arrays) -> Call:
    """What gives every kernel the frames of a stack, which lie at positions from `start` on."""
    if not prepared.steps:
        return lambda: _process(prepared, stack, start, buffers)
    at = slice(start, start + len(stack))
    steps = [kernel.step(at, buffers) for kernel in prepared.steps]
    if _is_swapped(stack):
        rows = _rows_looked_at(prepared.kernels, prepared.dataset.frame_shape)
        frames, made = swapping(stack, rows, prepared.block)
        return taking(frames, steps, prepared.block, made)
    return taking(as_frames(stack), steps, len(stack) if len(steps) == 1 else prepared.block)


def _process(prepared: Prepared, stack: NDArray[Any], start: int, buffers: Arrays) -> None:
    for at, frames in _blocks(prepared, stack, start):
        prepared.kernels[0].process(frames, at, buffers)
        for kernel in prepared.kernels[1:]:
            kernel.process(frames._replace(cached=True), at, buffers)


def _is_swapped(stack: NDArray[Any]) -> bool:
    """Of a foreign byte order; half floats become others anyway."""
    return not stack.dtype.isnative and stack.itemsize in SWAPPED_SIZES and stack.dtype != np.dtype(">f2")


def _around(region: NDArray[np.bool_], partition: Partition) -> Partition:
    """The smallest part of a partition that holds its positions of the region: no other frame is read."""
    inside = region.reshape(partition.shape)
    y, x = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    y0, x0 = partition.y0, partition.x0
    return Partition(partition.index, y0 + int(y[0]), y0 + int(y[-1]) + 1, x0 + int(x[0]), x0 + int(x[-1]) + 1)


def _wanted(
    tile: Tile, part: Partition, partition: Partition, region: NDArray[np.bool_] | None
) -> Iterator[tuple[int, NDArray[Any]]]:
    """The frames of a part's tile that lie in the region, in stretches, and where each starts in the partition."""
    if region is None:
        yield tile.start, tile.frames
        return
    for start, stack in _placed(tile, part, partition):
        for first, stop in _stretches(region, start, start + len(stack)):
            yield first, stack[first - start : stop - start]


def _placed(tile: Tile, part: Partition, partition: Partition) -> Iterator[tuple[int, NDArray[Any]]]:
    """The frames of a part's tile by their places among the partition's positions: all together, or row by row."""
    (_, width), (_, full) = part.shape, partition.shape
    corner = (part.y0 - partition.y0) * full + part.x0 - partition.x0
    if width == full:
        yield corner + tile.start, tile.frames
        return
    at = 0
    while at < len(tile.frames):
        row, column = divmod(tile.start + at, width)
        count = min(width - column, len(tile.frames) - at)
        yield corner + row * full + column, tile.frames[at : at + count]
        at += count


def _empty_partial(prepared: Prepared, partition: Partition) -> Partial:
    frame_shape = prepared.dataset.frame_shape
    buffers: dict[str, NDArray[Any]] = {
        buffer.name: buffer.empty((partition.size,), frame_shape)
        for kernel in prepared.kernels
        for buffer in kernel.buffers
    }
    return Partial(partition.index, buffers, np.zeros(partition.size, dtype=np.bool_), host=HOST)


def _blocks(prepared: Prepared, tile: NDArray[Any], start: int) -> Iterator[tuple[slice, Frames]]:
    if prepared.corrector is not None:
        yield from _corrected_blocks(prepared.corrector, tile, start)
        return
    if _is_swapped(tile):
        yield from _swapped_blocks(prepared, tile, start)
        return
    size = max(8, BLOCK_BYTES // prepared.dataset.frame_bytes)
    whole = as_frames(tile)
    if len(prepared.kernels) == 1:
        yield slice(start, start + whole.n), whole
        return
    for i in range(0, whole.n, size):
        stop = min(i + size, whole.n)
        yield slice(start + i, start + stop), whole.part(i, stop)


def _swapped_blocks(prepared: Prepared, tile: NDArray[Any], start: int) -> Iterator[tuple[slice, Frames]]:
    """Blocks of frames of a foreign byte order: made native in the cache, as they are used."""
    size = max(8, SWAPPED_BYTES // prepared.dataset.frame_bytes)
    rows = _rows_looked_at(prepared.kernels, prepared.dataset.frame_shape)
    space = np.empty((min(size, len(tile)), *tile.shape[1:]), tile.dtype.newbyteorder("="))
    for i in range(0, len(tile), size):
        block = native_frames(tile[i : i + size], rows, space)._replace(cached=True)
        yield slice(start + i, start + i + block.n), block


def _corrected_blocks(corrector: Corrector, tile: NDArray[Any], start: int) -> Iterator[tuple[slice, Frames]]:
    """Blocks of frames, corrected in one and the same piece of memory: they are in the cache when kernels read them."""
    size = max(1, BLOCK_BYTES // corrector.frame_bytes)
    space = corrector.space(min(size, len(tile)))
    for i in range(0, len(tile), size):
        block = corrector.correct(as_frames(tile[i : i + size]), space)._replace(cached=True)
        yield slice(start + i, start + i + block.n), block


def _stretches(region: NDArray[np.bool_], start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Where positions of the region follow one another, (first, stop)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], region[start:stop], [False])).astype(np.int8)))
    for i in range(0, edges.size, 2):
        yield start + int(edges[i]), start + int(edges[i + 1])
