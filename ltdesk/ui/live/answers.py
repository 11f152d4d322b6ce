"""What is known about wishes: an `Answer` each, kept while there is room."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ltdesk.analysis import ResultSpec
from ltdesk.ui.live.wishes import Wish

State = Literal["preview", "filling", "exact", "failed", "cancelled"]
ROOM = 256 << 20


@dataclass(frozen=True)
class Answer:
    """The results of one wish at one moment.

    Attributes
    ----------
    wish : what was asked
    generation : a larger one was asked for later
    state : ``preview`` (an estimate made without reading all), ``filling`` (some partitions are in), ``exact``,
        ``failed`` (all but some partitions), ``cancelled`` (stopped before the end)
    arrays : one for each of `specs`, by the results' own names (``com_y``); read only
    valid : (sy, sx) bool, positions that took part
    failed : (sy, sx) bool, positions of partitions that failed; None: none did
    messages : why partitions failed, by index
    seconds, bytes : how long it took and what was read, so far
    execution : how it was computed, for the recipe
    """

    wish: Wish
    generation: int
    state: State
    arrays: tuple[NDArray[Any], ...]
    specs: tuple[ResultSpec, ...]
    valid: NDArray[np.bool_]
    failed: NDArray[np.bool_] | None
    messages: dict[int, str]
    seconds: float
    execution: dict[str, Any]

    @property
    def nbytes(self) -> int:
        return self.valid.nbytes + sum(array.nbytes for array in self.arrays)

    @property
    def missing(self) -> int:
        """How many positions of the scan have no frame in the file: no value, though no partition is to come or failed;
        0 while that can't be told."""
        if self.state not in ("exact", "failed") or self.wish.region is not None:
            return 0
        known = self.valid if self.failed is None else self.valid | self.failed
        return known.size - int(np.count_nonzero(known))

    def named(self, name: str) -> NDArray[Any]:
        """The array whose result name ends in `name` (``y`` of ``com_y``), or the only one."""
        for spec, array in zip(self.specs, self.arrays, strict=True):
            if spec.name == name or spec.name.endswith(f"_{name}"):
                return array
        return self.arrays[0]


def together(before: Answer | None, answer: Answer) -> Answer:
    """`answer`, with what an earlier job of the same wish came to where this one has not been (or not got) yet.

    A position's values are the same whichever job they are from. A sum over frames is not put together of two: that of
    more frames stands.
    """
    if before is None or answer.state == "exact":
        return answer
    if any(spec.kind != "scan" for spec in answer.specs):
        known = answer if np.count_nonzero(answer.valid) >= np.count_nonzero(before.valid) else before
        return replace(answer, arrays=known.arrays, valid=known.valid)
    only_before = before.valid & ~answer.valid
    arrays = tuple(array.copy() for array in answer.arrays)
    for array, earlier in zip(arrays, before.arrays, strict=True):
        array[only_before] = earlier[only_before]
    failed = None if answer.failed is None else answer.failed & ~only_before
    return replace(answer, arrays=arrays, valid=answer.valid | only_before, failed=failed)


class AnswerShelf:
    """Final answers by what was asked, the least recently used dropped first once there is no room."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._answers: OrderedDict[Any, Answer] = OrderedDict()
        self._used = 0

    def put(self, answer: Answer) -> None:
        self.drop(answer.wish.key)
        self._answers[answer.wish.key] = answer
        self._used += answer.nbytes
        while self._used > self._room and len(self._answers) > 1:
            self.drop(next(iter(self._answers)))

    def get(self, key: Any) -> Answer | None:
        """The answer to what `key` asks, from now on the most recently used."""
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
        return answer

    def drop(self, key: Any) -> None:
        answer = self._answers.pop(key, None)
        if answer is not None:
            self._used -= answer.nbytes

    def drop_unfinished(self) -> dict[Any, Answer]:
        """Forget what failed or was cancelled, so that it is computed again; what is dropped, by key."""
        unfinished = {key: answer for key, answer in self._answers.items() if answer.state != "exact"}
        for key in unfinished:
            self.drop(key)
        return unfinished

    def clear(self) -> None:
        self._answers.clear()
        self._used = 0
