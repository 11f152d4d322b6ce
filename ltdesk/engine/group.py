"""Partitions that are done together: by the thread that begins them, and by those that join it.

What is laid out for them is taken in turns (`take_turns`), so threads end together whatever one of them waits for, and
there is no Python between one partition and the next. Whoever leaves last goes on with what comes after.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from ltdesk.engine.kernels.steps import WORD, Takings, take_turns
from ltdesk.engine.partial import Partial
from ltdesk.engine.partition import Prepared, one_by_one, work_of
from ltdesk.job import Partition

Outcome = list[Partial | Exception] | None
"""Of each partition what it gives or raises; None where another thread is still at it, which will have them."""


class Group:
    """Some partitions of a job on threads of this process.

    partitions : what is done
    seconds : that threads have spent on what grows with it: where several do it, not what it took to lay it out
    """

    def __init__(
        self, prepared: Prepared, partitions: Sequence[Partition], slots: int, notify: Callable[[], None]
    ) -> None:
        """`slots`: threads that may do it; 0: only the one that begins it. `notify` is called once it is laid out, when
        others may join, or lay out their own by what is known then."""
        self._notify = notify
        self.partitions, self.seconds = partitions, 0.0
        self._prepared, self._slots = prepared, min(slots, len(partitions))
        self._work = work_of(prepared, partitions, self._slots)
        self._lock = threading.Lock()
        self._takings: Takings | None = None
        self._begun = np.zeros(1, WORD)
        self._is_laid_out = False
        self._joined = self._inside = 0

    def go_on(self) -> Outcome:
        """Do what there is, from the beginning or from where all had ended."""
        while True:
            started, partials = time.perf_counter(), []
            takings: Takings | None = None
            try:
                takings = next(self._work)
            except StopIteration as end:
                partials = end.value
            except Exception as error:
                results = one_by_one(self._prepared, self.partitions, error)
                self.seconds += time.perf_counter() - started
                return results
            if not (self._slots and self._prepared.dataset.shows_views):  # else what grows with it is in the takings
                self.seconds += time.perf_counter() - started
            if takings is None:
                return self._ended(partials)
            with self._lock:
                self._takings, self._joined, self._is_laid_out = takings, 0, True
                self._begun[0] = 0
                slot = self._enter()
            if self._slots:
                self._notify()
            if not self._take(slot):
                return None

    @property
    def left(self) -> int:
        """What is laid out and not begun."""
        takings = self._takings
        return 0 if takings is None else max(0, takings.starts.size - int(self._begun[0]))

    @property
    def is_laid_out_now(self) -> bool:
        """Whether its first compiled call is yet to come, one that several threads may do."""
        return self._slots > 0 and not self._is_laid_out

    def join(self) -> int | None:
        """A place among those who do it, for `help`; None where nothing is left to begin, or nobody may."""
        with self._lock:
            if self._takings is None or self._joined >= self._slots or self._begun[0] >= self._takings.starts.size:
                return None
            return self._enter()

    def help(self, slot: int) -> Outcome:
        """Do what is left, as one who has joined."""
        return self.go_on() if self._take(slot) else None

    def _enter(self) -> int:
        self._inside += 1
        self._joined += 1
        return self._joined - 1

    def _take(self, slot: int) -> bool:
        """Do what is left; whether this thread is the last to leave."""
        takings, started = self._takings, time.perf_counter()
        assert takings is not None, "somebody has entered"
        take_turns(takings, self._begun, self._prepared.stopped, slot)
        with self._lock:
            self.seconds += time.perf_counter() - started
            self._inside -= 1
            if self._inside == 0:
                self._takings = None  # whether all is done or the job is to stop: nobody else is to join
            return self._inside == 0

    def _ended(self, partials: list[Partial]) -> Outcome:
        for partial in partials:
            partial.seconds = self.seconds / len(partials)
        return [*partials]
