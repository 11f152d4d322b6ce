"""How far an ingest is: counted by its threads, told to whoever watches."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """A moment of an ingest.

    Attributes
    ----------
    bytes_done, bytes_total : stored and checked, or on the way; of all that is to be stored
    bytes_before : of `bytes_done`, what an earlier run had stored
    partitions_done, partitions_total : stored and checked, of all
    seconds : since this run began
    """

    bytes_done: int
    bytes_total: int
    bytes_before: int
    partitions_done: int
    partitions_total: int
    seconds: float

    @property
    def rate(self) -> float:
        """Bytes a second in this run; 0 before the first."""
        return (self.bytes_done - self.bytes_before) / self.seconds if self.seconds else 0.0

    @property
    def time_left(self) -> float | None:
        """Seconds to go at this rate; None while there is none."""
        return (self.bytes_total - self.bytes_done) / self.rate if self.rate > 0 else None


class Tally:
    """Counts what several threads store. What is on the way counts, until it is tried again."""

    def __init__(self, bytes_total: int, partitions_total: int) -> None:
        self._bytes_total, self._partitions_total = bytes_total, partitions_total
        self._before = self._done = self._partitions = 0
        self._on_the_way: dict[int, int] = {}
        self._lock = threading.Lock()
        self._started = time.monotonic()

    @property
    def sent(self) -> int:
        """Bytes that this run has stored."""
        return self._done - self._before

    def found(self, nbytes: int) -> None:
        """A partition was there already."""
        with self._lock:
            self._before += nbytes
            self._done += nbytes
            self._partitions += 1

    def begins(self, index: int) -> None:
        """A partition is sent, from its start."""
        with self._lock:
            self._on_the_way[index] = 0

    def grows(self, index: int, nbytes: int) -> None:
        """More of a partition was handed over."""
        with self._lock:
            self._on_the_way[index] += nbytes

    def stored(self, index: int, nbytes: int) -> None:
        """A partition is there and checked."""
        with self._lock:
            self._on_the_way.pop(index, None)
            self._done += nbytes
            self._partitions += 1

    def now(self) -> Progress:
        """Where it stands."""
        with self._lock:
            done = self._done + sum(self._on_the_way.values())
            seconds = time.monotonic() - self._started
            total = self._partitions_total
            return Progress(done, self._bytes_total, self._before, self._partitions, total, seconds)
