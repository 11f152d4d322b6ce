"""Partials that are filled together: their buffers in one piece of memory each, and the words of kernels that take
them in one compiled call.

Python between kernels is cold each time, since kernels stream through the caches: what costs 60 us a partition in a
loop costs 200 there. So what kernels take is laid out for one stack of frames, and for those that are like it the same
words are used with places moved.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.analyses import Kernel, is_order_free
from ltdesk.engine.analyses.base import FOLDED
from ltdesk.engine.kernels.steps import PIXELS, WORD, Taking, Takings, place_of
from ltdesk.engine.partial import Partial
from ltdesk.engine.stacks import Stack
from ltdesk.geometry import Size2D
from ltdesk.job import Partition

HOST = socket.gethostname()


class Together:
    """Empty partials of some partitions, whose buffers lie side by side.

    partials : one each, in the partitions' order
    """

    def __init__(
        self, kernels: Iterable[Kernel], frame_shape: Size2D, partitions: Sequence[Partition], slots: int = 0
    ) -> None:
        """`slots`: threads that fill them, so many at most as there are partitions. Of what may be folded in any order
        each then has one buffer for whatever it does, which the first partials hold. 0: every partial has its own."""
        sizes = [partition.size for partition in partitions]
        valid = np.zeros(sum(sizes), dtype=np.bool_)
        self.partials = [
            Partial(partition.index, {}, valid[stop - partition.size : stop], host=HOST)
            for partition, stop in zip(partitions, accumulate(sizes), strict=True)
        ]
        self._places: dict[str, NDArray[np.int64]] = {}
        self._names: dict[int, str] = {}
        self._of_threads: dict[str, NDArray[Any]] = {}
        for kernel in kernels:
            by_threads = slots > 0 and is_order_free(kernel)
            for buffer in kernel.buffers:
                if by_threads and buffer.kind in FOLDED:
                    self._add_of_threads(buffer.name, buffer.side_by_side(sizes[:slots], frame_shape))
                else:
                    self._add(buffer.name, buffer.side_by_side(sizes, frame_shape))

    def buffers(self, which: int) -> dict[str, NDArray[Any]]:
        """What is filled for a partition, by the first thread."""
        return self.partials[which].buffers | self._of_threads

    def apart(self, name: str) -> int:
        """How many bytes lie between the threads' parts of a buffer; 0 where they fill the same."""
        return self._of_threads[name].nbytes if name in self._of_threads else 0

    def _add_of_threads(self, name: str, arrays: Sequence[NDArray[Any]]) -> None:
        for partial, array in zip(self.partials, arrays, strict=False):
            partial.buffers[name] = array
        self._of_threads[name] = arrays[0]
        self._names[id(arrays[0].base)] = name
        self._places[name] = np.full(len(self.partials), place_of(arrays[0]), WORD)

    def _add(self, name: str, arrays: Sequence[NDArray[Any]]) -> None:
        for partial, array in zip(self.partials, arrays, strict=True):
            partial.buffers[name] = array
        if arrays[0].base is None:
            places = [place_of(array) for array in arrays]
            self._names.update((id(array), name) for array in arrays)
        else:
            places = list(accumulate([place_of(arrays[0]), *(array.nbytes for array in arrays[:-1])]))
            self._names[id(arrays[0].base)] = name
        self._places[name] = np.array(places, WORD)

    def name_of(self, array: NDArray[Any]) -> str | None:
        """The buffer that an array is a part of."""
        return self._names.get(id(array if array.base is None else array.base))

    def places(self, name: str) -> NDArray[np.int64]:
        """Where each partial's part of a buffer begins, as addresses."""
        return self._places[name]


class Pattern(NamedTuple):
    """The words of a stack of frames, and of any that is like it but for some places.

    moving : values that are places in a buffer: which, of which buffer, and how far into a partial's part of it
    holds : what other values are the places of
    """

    words: NDArray[np.int64]
    moving: tuple[tuple[int, str, int], ...]
    holds: tuple[NDArray[Any], ...]


Alike = tuple[int, int, int, tuple[int, ...], bool]
"""What stacks have in common that are taken alike: the partition's positions, the place among them of the first frame,
frames, their strides, and whether they are aligned."""
Patterns = dict[Alike, Pattern | None]
"""None: each is laid out for itself, since its frames are taken as a copy."""
MOST_PATTERNS = 1024
"""So many are kept: a scan with holes has any number of them."""


def lay_out(
    stacks: Sequence[Stack], together: Together, patterns: Patterns, taking: Callable[[Stack], Taking]
) -> Takings:
    """What kernels take of all stacks, by `patterns`, to which some are added that are new; `taking` lays out one."""
    alike: dict[Alike, list[int]] = {}
    for i, (which, at, frames, _) in enumerate(stacks):
        size = together.partials[which].valid.size
        key = size, at.start, len(frames), frames.strides, frames.flags.aligned
        alike.setdefault(key, []).append(i)
    rows, apart = [_NOTHING] * len(stacks), [_NOWHERE] * len(stacks)
    holds: list[Pattern | Taking] = []
    for key, numbers in alike.items():
        some = [stacks[i] for i in numbers]
        if len(some) > 1 and key not in patterns and len(patterns) < MOST_PATTERNS:
            patterns[key] = _pattern(some[0], together, taking(some[0]))
        if (pattern := patterns.get(key)) is None:
            each = [taking(stack) for stack in some]
            holds += each
            laid = [np.array(one.values, WORD) for one in each]
            places = [_apart(together, one) for one in each]
        else:
            holds.append(pattern)
            laid, places = list(_moved(pattern, some, together)), [_apart(together, pattern)] * len(some)
        for i, row, own in zip(numbers, laid, places, strict=True):
            rows[i], apart[i] = row, own
    starts = np.array([0, *accumulate([row.size for row in rows[:-1]])], WORD)
    table = np.array(apart, WORD).reshape(len(rows), -1, 2)
    table[:, :, 0] += starts[:, None]
    return Takings(np.concatenate(rows), starts, table, holds)


def _apart(together: Together, laid: Pattern | Taking) -> list[tuple[int, int]]:
    """Which words are places in buffers of threads, and how many bytes these are apart."""
    if isinstance(laid, Pattern):
        names = [(at, name) for at, name, _ in laid.moving]
    else:
        names = [(at, together.name_of(array) or "") for at, array in laid.arrays]
    return [(at, nbytes) for at, name in names if (nbytes := together.apart(name))]


def _pattern(stack: Stack, together: Together, taking: Taking) -> Pattern | None:
    if taking.values[PIXELS] != _place(stack):
        return None
    moving, holds = [], []
    for at, array in taking.arrays:
        name = together.name_of(array)
        if name is None:
            holds.append(array)
        else:
            moving.append((at, name, taking.values[at] - int(together.places(name)[stack.which])))
    return Pattern(np.array(taking.values, WORD), tuple(moving), tuple(holds))


def _moved(pattern: Pattern, some: Sequence[Stack], together: Together) -> NDArray[np.int64]:
    """The words of stacks that are like the one that a pattern was made for, a row each."""
    words = np.empty((len(some), pattern.words.size), WORD)
    words[:] = pattern.words
    words[:, PIXELS] = [_place(stack) for stack in some]
    which = [stack.which for stack in some]
    for at, name, inside in pattern.moving:
        words[:, at] = together.places(name)[which] + inside
    return words


def _place(stack: Stack) -> int:
    return stack.place or place_of(stack.frames)


_NOTHING = np.empty(0, WORD)
_NOWHERE: list[tuple[int, int]] = []
