"""`run_partition`: all that ever runs on a worker, wherever it is."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.analyses import Kernel, StepKernel, is_order_free, kernels_for
from ltdesk.engine.corrected import Corrector
from ltdesk.engine.dataset import Dataset, Tile
from ltdesk.engine.kernels.frames import Frames, as_frames
from ltdesk.engine.kernels.steps import MOST_FRAMES, WORD, Taking, Takings, take_turns, taking
from ltdesk.engine.kernels.swap import native_frames, swapping
from ltdesk.engine.partial import Partial
from ltdesk.engine.pixels import mask_of
from ltdesk.engine.stacks import Stack, part_of, stacks_of
from ltdesk.engine.together import Patterns, Together, lay_out
from ltdesk.errors import JobCancelled
from ltdesk.geometry import Size2D
from ltdesk.job import Job, Partition

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

    steps : the kernels, where they take frames without Python in between; none where some can't, or frames are made new
    block : frames that such kernels take one after the other
    stopped : 1 once the job is to stop, ``(1)``; compiled loops look at it, too
    patterns : how steps take the frames that they have met
    """

    dataset: Dataset
    kernels: tuple[Kernel, ...]
    region: NDArray[np.bool_] | None
    corrector: Corrector | None
    steps: tuple[StepKernel, ...]
    block: int
    stopped: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, WORD))
    patterns: Patterns = field(default_factory=dict)

    @property
    def can_be_split(self) -> bool:
        """Whether several threads may do what `work_of` gives at once: it is all in compiled calls, which need no
        space of their own, and in whatever order gives the same bytes."""
        views = self.dataset.shows_views and not _is_swapped(self.dataset.dtype)
        return bool(self.steps) and views and all(is_order_free(kernel) for kernel in self.kernels)

    def stop(self) -> None:
        """Let what runs raise JobCancelled, within about a quarter of a second."""
        self.stopped[0] = 1

    def raise_if_stopped(self) -> None:
        if self.stopped[0]:
            raise JobCancelled("the job was cancelled")


def prepare(job: Job, dataset: Dataset) -> Prepared:
    """Kernels and region of a job. Raises UsageError where a mask does not fit the dataset."""
    kernels = kernels_for(job.analyses, dataset.frame_shape, dataset.dtype)
    region = None if job.region is None else mask_of(job.region, dataset.scan_shape, "region", "scan")
    corrector = _corrector(dataset, kernels)
    made_new = corrector is not None or _is_half(dataset.dtype)
    steps = tuple(kernel for kernel in kernels if isinstance(kernel, StepKernel) and not made_new)
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


def run_partition(prepared: Prepared, partition: Partition) -> Partial:
    """Read the partition's tiles once, of a region no more than it needs, and give every kernel each of them.

    Raises JobCancelled between two tiles once it is to stop, DamagedFileError from the dataset.
    """
    (result,) = run_together(prepared, [partition])
    if isinstance(result, Exception):
        raise result
    return result


def run_together(prepared: Prepared, partitions: Sequence[Partition]) -> list[Partial | Exception]:
    """What `run_partition` gives or raises for each of some partitions, the same bytes.

    A kernel streams so much through the caches that the Python between two of them takes four times as long as it does
    again and again. So it runs for all partitions, then all their kernels, in one call where they can be. Where tiles
    come one after the other anyway each is done by itself: one that fails must not have others begun twice.
    """
    if len(partitions) > 1 and not prepared.dataset.shows_views:
        return [run_together(prepared, [partition])[0] for partition in partitions]
    started = time.perf_counter()
    try:
        partials = _done(prepared, work_of(prepared, partitions))
    except Exception as error:
        return one_by_one(prepared, partitions, error)
    for partial in partials:
        partial.seconds = (time.perf_counter() - started) / len(partials)
    return [*partials]


def one_by_one(prepared: Prepared, partitions: Sequence[Partition], error: Exception) -> list[Partial | Exception]:
    """The same where together they raised this: who it was of them."""
    if len(partitions) == 1 or isinstance(error, JobCancelled):
        return [error] * len(partitions)
    return [run_together(prepared, [partition])[0] for partition in partitions]


def _done(prepared: Prepared, work: Work) -> list[Partial]:
    try:
        while True:
            take_turns(next(work), np.zeros(1, WORD), prepared.stopped)
    except StopIteration as end:
        partials: list[Partial] = end.value
        return partials


Work = Generator[Takings, None, list[Partial]]
"""What partitions need: compiled calls, each to be done before it goes on, and in the end their partials."""


def work_of(prepared: Prepared, partitions: Sequence[Partition], slots: int = 0) -> Work:
    """What is to be done for some partitions; `slots` as `Together` has it, where they `can_be_split`.

    Raises, while it goes on, what `run_partition` does.
    """
    together = Together(prepared.kernels, prepared.dataset.frame_shape, partitions, slots)
    parts = [part_of(prepared.region, partition) for partition in partitions]
    read = [i for i, part in enumerate(parts) if part.region is None or part.region.any()]
    for tiles in prepared.dataset.tiles_of([parts[i].asked for i in read]):
        prepared.raise_if_stopped()
        for which, tile in tiles:
            _count(together.partials[read[which]], tile)
        stacks = [stack for which, tile in tiles for stack in stacks_of(read[which], parts[read[which]], tile)]
        for stack in stacks:  # should one of them fail, its partial is given to nobody
            together.partials[stack.which].valid[stack.at] = True
        if not prepared.steps:
            for stack in stacks:
                prepared.raise_if_stopped()
                _process(prepared, stack, together.partials[stack.which].buffers)
        elif stacks:
            yield _laid_out(prepared, together, stacks)
            prepared.raise_if_stopped()
    return together.partials


def _laid_out(prepared: Prepared, together: Together, stacks: Sequence[Stack]) -> Takings:
    """What gives every kernel all stacks."""
    space = _space(stacks[0].frames, prepared.block) if _is_swapped(stacks[0].frames.dtype) else None

    def lay_out_one(stack: Stack) -> Taking:
        return _taking(prepared, stack, together.buffers(stack.which), space)

    takings = lay_out(stacks, together, prepared.patterns if space is None else {}, lay_out_one)
    return takings._replace(holds=(takings.holds, space))


def _count(partial: Partial, tile: Tile) -> None:
    partial.bytes_mapped += tile.mapped
    partial.bytes_network += tile.network
    partial.bytes_checked += tile.checked
    partial.not_mapped = tile.not_mapped
    partial.bytes_read += tile.frames.nbytes - tile.mapped - tile.network


def _taking(
    prepared: Prepared, stack: Stack, buffers: Mapping[str, NDArray[Any]], space: NDArray[Any] | None
) -> Taking:
    """What gives every kernel the frames of a stack, made native in `space` where there is one."""
    steps = [kernel.step(stack.at, buffers) for kernel in prepared.steps]
    if space is not None:
        rows = _rows_looked_at(prepared.kernels, prepared.dataset.frame_shape)
        frames, made = swapping(stack.frames, rows, space)
        return taking(frames, steps, prepared.block, made)
    return taking(as_frames(stack.frames), steps, len(stack.frames) if len(steps) == 1 else prepared.block)


def _process(prepared: Prepared, stack: Stack, buffers: Mapping[str, NDArray[Any]]) -> None:
    for at, frames in _blocks(prepared, stack.frames, stack.at.start):
        prepared.kernels[0].process(frames, at, buffers)
        for kernel in prepared.kernels[1:]:
            kernel.process(frames._replace(cached=True), at, buffers)


def _is_swapped(dtype: np.dtype[Any]) -> bool:
    """Of a foreign byte order; half floats become others anyway."""
    return not dtype.isnative and dtype.itemsize in SWAPPED_SIZES and not _is_half(dtype)


def _is_half(dtype: np.dtype[Any]) -> bool:
    """Kernels don't take them."""
    return dtype.kind == "f" and dtype.itemsize == 2


def _space(frames: NDArray[Any], block: int) -> NDArray[Any]:
    """Where a block of some frames is made native."""
    size = min(block, MOST_FRAMES)
    return np.empty((size, *frames.shape[1:]), frames.dtype.newbyteorder("="))


def _blocks(prepared: Prepared, tile: NDArray[Any], start: int) -> Iterator[tuple[slice, Frames]]:
    if prepared.corrector is not None:
        yield from _corrected_blocks(prepared.corrector, tile, start)
        return
    if _is_swapped(tile.dtype):
        yield from _swapped_blocks(prepared, tile, start)
        return
    if _is_half(tile.dtype):
        yield from _widened_blocks(prepared, tile, start)
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


def _widened_blocks(prepared: Prepared, tile: NDArray[Any], start: int) -> Iterator[tuple[slice, Frames]]:
    """Blocks of half floats, made whole as they are used: all at once they would take twice the memory of the scan."""
    size = max(8, BLOCK_BYTES // prepared.dataset.frame_bytes)
    for i in range(0, len(tile), size):
        block = as_frames(tile[i : i + size])._replace(cached=True)
        yield slice(start + i, start + i + block.n), block


def _corrected_blocks(corrector: Corrector, tile: NDArray[Any], start: int) -> Iterator[tuple[slice, Frames]]:
    """Blocks of frames, corrected in one and the same piece of memory: they are in the cache when kernels read them."""
    size = max(1, BLOCK_BYTES // corrector.frame_bytes)
    space = corrector.space(min(size, len(tile)))
    for i in range(0, len(tile), size):
        block = corrector.correct(as_frames(tile[i : i + size]), space)._replace(cached=True)
        yield slice(start + i, start + i + block.n), block
