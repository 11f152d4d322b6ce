"""`run_partition`: all that ever runs on a worker, wherever it is."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.analyses import Kernel, StepKernel, kernels_for
from ltdesk.engine.corrected import Corrector
from ltdesk.engine.dataset import TILE_BYTES, Dataset, Tile
from ltdesk.engine.kernels.frames import Frames, as_frames
from ltdesk.engine.kernels.steps import MOST_FRAMES, Taking, take_all, taking
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

    A kernel streams so much through the caches that the Python between two of them takes four times as long as it does
    again and again. So it runs for all partitions, then all their kernels, in one call where they can be.
    """
    started = time.perf_counter()
    try:
        partials = _run(prepared, partitions, cancelled)
    except Exception as error:
        if len(partitions) == 1 or isinstance(error, JobCancelled):
            return [error] * len(partitions)
        return [run_together(prepared, [partition], cancelled)[0] for partition in partitions]  # who it was
    for partial in partials:
        partial.seconds = (time.perf_counter() - started) / len(partials)
    return [*partials]


class _Part(NamedTuple):
    """What a partial takes of a dataset: `asked`, the smallest part of its partition with all of the region's
    positions, which are True in `region` ``(h * w)``."""

    partial: Partial
    partition: Partition
    asked: Partition
    region: NDArray[np.bool_] | None


class _Stack(NamedTuple):
    """Frames ``(n, ky, kx)`` for the positions `at` of a partial's partition."""

    at: slice
    frames: NDArray[Any]
    partial: Partial


def _run(prepared: Prepared, partitions: Sequence[Partition], cancelled: Callable[[], bool]) -> list[Partial]:
    parts = [_part(prepared, partition) for partition in partitions]
    read = [part for part in parts if part.region is None or part.region.any()]
    for tiles in prepared.dataset.tiles_of([part.asked for part in read]):
        _raise_if(cancelled)
        for which, tile in tiles:
            _count(read[which].partial, tile)
        stacks = [stack for which, tile in tiles for stack in _stacks(read[which], tile)]
        if stacks:
            _compute(prepared, stacks, cancelled)
        for stack in stacks:
            stack.partial.valid[stack.at] = True
    return [part.partial for part in parts]


def _compute(prepared: Prepared, stacks: Sequence[_Stack], cancelled: Callable[[], bool]) -> None:
    """Give every kernel all stacks."""
    if not prepared.steps:
        for stack in stacks:
            _raise_if(cancelled)
            _process(prepared, stack)
        return
    swapped = _is_swapped(stacks[0].frames.dtype)
    space = _space(stacks[0].frames, prepared.block) if swapped else None
    for some in _tilefuls(stacks):
        _raise_if(cancelled)
        take_all([_taking(prepared, stack, space) for stack in some])


def _tilefuls(stacks: Sequence[_Stack]) -> Iterator[Sequence[_Stack]]:
    """As many as a tile may have bytes, or one: what was quick may now come from a slow disk, and be cancelled."""
    start = nbytes = 0
    for i, stack in enumerate(stacks):
        if i > start and nbytes + stack.frames.nbytes > TILE_BYTES:
            yield stacks[start:i]
            start, nbytes = i, 0
        nbytes += stack.frames.nbytes
    yield stacks[start:]


def _part(prepared: Prepared, partition: Partition) -> _Part:
    region = None if prepared.region is None else prepared.region[partition.slices].ravel()
    asked = partition if region is None or not region.any() else _around(region, partition)
    return _Part(_empty_partial(prepared, partition), partition, asked, region)


def _raise_if(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise JobCancelled("the job was cancelled")


def _count(partial: Partial, tile: Tile) -> None:
    partial.bytes_mapped += tile.mapped
    partial.bytes_network += tile.network
    partial.bytes_checked += tile.checked
    partial.not_mapped = tile.not_mapped
    partial.bytes_read += tile.frames.nbytes - tile.mapped - tile.network


def _taking(prepared: Prepared, stack: _Stack, space: NDArray[Any] | None) -> Taking:
    """What gives every kernel the frames of a stack, made native in `space` where there is one."""
    steps = [kernel.step(stack.at, stack.partial.buffers) for kernel in prepared.steps]
    if space is not None:
        rows = _rows_looked_at(prepared.kernels, prepared.dataset.frame_shape)
        frames, made = swapping(stack.frames, rows, space)
        return taking(frames, steps, prepared.block, made)
    return taking(as_frames(stack.frames), steps, len(stack.frames) if len(steps) == 1 else prepared.block)


def _process(prepared: Prepared, stack: _Stack) -> None:
    for at, frames in _blocks(prepared, stack.frames, stack.at.start):
        prepared.kernels[0].process(frames, at, stack.partial.buffers)
        for kernel in prepared.kernels[1:]:
            kernel.process(frames._replace(cached=True), at, stack.partial.buffers)


def _is_swapped(dtype: np.dtype[Any]) -> bool:
    """Of a foreign byte order; half floats become others anyway."""
    return not dtype.isnative and dtype.itemsize in SWAPPED_SIZES and dtype != np.dtype(">f2")


def _space(frames: NDArray[Any], block: int) -> NDArray[Any]:
    """Where a block of some frames is made native."""
    size = min(block, MOST_FRAMES)
    return np.empty((size, *frames.shape[1:]), frames.dtype.newbyteorder("="))


def _around(region: NDArray[np.bool_], partition: Partition) -> Partition:
    """The smallest part of a partition that holds its positions of the region: no other frame is read."""
    inside = region.reshape(partition.shape)
    y, x = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    y0, x0 = partition.y0, partition.x0
    return Partition(partition.index, y0 + int(y[0]), y0 + int(y[-1]) + 1, x0 + int(x[0]), x0 + int(x[-1]) + 1)


def _stacks(part: _Part, tile: Tile) -> Iterator[_Stack]:
    """The frames of a part's tile that lie in the region, in stretches."""
    if part.region is None:
        yield _Stack(slice(tile.start, tile.start + len(tile.frames)), tile.frames, part.partial)
        return
    for start, frames in _placed(tile, part.asked, part.partition):
        for first, stop in _stretches(part.region, start, start + len(frames)):
            yield _Stack(slice(first, stop), frames[first - start : stop - start], part.partial)


def _placed(tile: Tile, asked: Partition, partition: Partition) -> Iterator[tuple[int, NDArray[Any]]]:
    """The frames of a tile by their places among the partition's positions: all together, or row by row."""
    (_, width), (_, full) = asked.shape, partition.shape
    corner = (asked.y0 - partition.y0) * full + asked.x0 - partition.x0
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
    if _is_swapped(tile.dtype):
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
    space = _space(tile, min(size, len(tile)))
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
