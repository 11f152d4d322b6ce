"""What a kernel is: the buffers it fills, how a tile goes in, how results come out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ltdesk.analysis import ResultKind
from ltdesk.geometry import Size2D

if TYPE_CHECKING:  # kernels load numba, which takes its time
    from ltdesk.engine.kernels.frames import Frames
    from ltdesk.engine.kernels.steps import Step

Arrays = dict[str, NDArray[Any]]


FOLDED = ("frame", "single")
"""Kinds of buffers that are folded in the plan's order."""


@dataclass(frozen=True)
class Buffer:
    """An accumulator of a kernel.

    Attributes
    ----------
    name : unique within the job
    kind : ``scan`` buffers are placed, ``frame`` and ``single`` ones folded in the plan's order; ``block`` ones
        ``(*extra, positions)`` and ``aside`` ones ``(*extra)`` are for whoever watches the partials
        (`LocalExecutor.submit`), and go no further
    dtype : of the array
    extra : axes after the kind's own
    fold : how two partials of a ``frame`` or ``single`` buffer become one
    """

    name: str
    kind: ResultKind | Literal["block", "aside"]
    dtype: np.dtype[Any]
    extra: tuple[int, ...] = ()
    fold: Literal["add", "max"] = "add"

    def empty(self, positions: tuple[int, ...], frame_shape: Size2D) -> NDArray[Any]:
        """A fresh array: scan ones ``(*positions, *extra)`` of 0 or NaN (nothing known), others the fold's start."""
        if self.kind == "block":
            return self._filled((*self.extra, *positions))
        return self._filled((*positions, *self.extra) if self.kind == "scan" else self._each(frame_shape))

    def side_by_side(self, sizes: Sequence[int], frame_shape: Size2D) -> list[NDArray[Any]]:
        """Fresh arrays for partitions of so many positions, views of one piece of memory; block ones are apart."""
        if self.kind == "block":
            return [self.empty((size,), frame_shape) for size in sizes]
        if self.kind == "scan":
            whole = self.empty((sum(sizes),), frame_shape)
            return [whole[stop - size : stop] for size, stop in zip(sizes, accumulate(sizes), strict=True)]
        whole = self._filled((len(sizes), *self._each(frame_shape)))
        return [whole[i, ...] for i in range(len(sizes))]

    def _each(self, frame_shape: Size2D) -> tuple[int, ...]:
        return (*frame_shape, *self.extra) if self.kind == "frame" else self.extra

    def _filled(self, shape: tuple[int, ...]) -> NDArray[Any]:
        """What `np.full` gives, in a third of its time."""
        array = np.empty(shape, self.dtype)
        array.fill(self.nothing)
        return array

    @property
    def nothing(self) -> Any:
        """What stands where nothing is known; of folded ones where the fold begins."""
        if self.kind == "scan" and self.dtype.kind == "f":
            return np.nan
        return _lowest(self.dtype) if self.kind in FOLDED and self.fold == "max" else 0

    @property
    def is_order_free(self) -> bool:
        """Whether the fold gives the same bytes in any order."""
        return self.fold == "max" or self.dtype.kind in "iu"

    def merge(self, into: NDArray[Any], new: NDArray[Any]) -> None:
        """Fold `new` into `into`."""
        (np.add if self.fold == "add" else np.maximum)(into, new, out=into)


class Kernel(Protocol):
    """The computing side of an analysis spec; made once a job, used by several threads at once.

    A kernel whose partials do not become one buffer by buffer has a method ``merge(into, new)`` as well: it folds its
    own ``frame`` and ``single`` buffers of `new`, the later in the plan's order, into those of `into`. A kernel
    that can share work has a static method ``join(kernels)``: it gives the kernels to use in place of several with it.
    One whose numbers do not depend on some rows of the frame at all says which others it looks at by an attribute
    ``rows``, (start, stop): only those are corrected for it. An attribute ``goes_first`` is the larger the better it
    works while memory brings a block, which others then find in the cache; those that read little have none.
    """

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        """What it fills. Names are those of results, or hold a ``/``, which no result's name does."""

    def process(self, frames: Frames, at: slice, buffers: Mapping[str, NDArray[Any]]) -> None:
        """Take in frames that lie at positions `at` of the partition. Scan buffers are NaN or 0 there before."""

    def finish(self, buffers: Arrays, valid: NDArray[np.bool_], frames: int) -> Arrays:
        """Results from buffers (copies, free to change), for `valid` positions, after `frames` frames were folded."""


class StepKernel(ABC):
    """A kernel whose loop is a step: with others of its kind it takes a tile in one compiled call.

    at_once : frames that a block should have at least
    """

    at_once = 8

    @abstractmethod
    def step(self, at: slice, buffers: Mapping[str, NDArray[Any]]) -> Step:
        """What takes in frames that lie at positions `at` of the partition.

        Its words hang on nothing but the frames' number and first position, the buffers' shapes, and where buffers
        lie: of partitions that are alike in all but the last, one is laid out (`together.lay_out`). Nor is there memory
        to work in among them, since other threads use the same.
        """

    def process(self, frames: Frames, at: slice, buffers: Mapping[str, NDArray[Any]]) -> None:
        """Take in frames, as `Kernel` says."""
        from ltdesk.engine.kernels.steps import take

        take(frames, [self.step(at, buffers)], frames.n)


def is_order_free(kernel: Kernel) -> bool:
    """Whether partials of a kernel may be folded in any order, or filled for several partitions as one."""
    folded = [buffer for buffer in kernel.buffers if buffer.kind in FOLDED]
    return not hasattr(kernel, "merge") and all(buffer.is_order_free for buffer in folded)


def merge(kernel: Kernel, into: Arrays, new: Arrays) -> None:
    """Fold a kernel's buffers of `new` that are not placed into those of `into`; those that `new` has."""
    own = getattr(kernel, "merge", None)
    if own is not None:
        own(into, new)
        return
    for buffer in kernel.buffers:
        if buffer.kind in FOLDED and buffer.name in new:
            buffer.merge(into[buffer.name], new[buffer.name])


def _lowest(dtype: np.dtype[Any]) -> Any:
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min
