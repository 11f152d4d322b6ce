"""The workers of a cluster as the executor sees them, and which of them are on the hosts that hold bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ltdesk.engine.cluster_run import Flight

NUMBERED = re.compile(r"[-:]\d+$")
"""dask numbers the workers that one command starts: ``node1-0``, ``node1-1``."""


@dataclass(eq=False)
class Worker:
    """A worker process.

    Attributes
    ----------
    address : ``tcp://10.0.0.5:40123``
    name : as it announces itself
    threads : tasks it runs at once
    names : what its host may be called: names and IP addresses
    direct : whether results can be fetched from it, past the scheduler
    flights : tasks sent to it and not answered
    knows : tokens of the jobs that it was told
    silent : it has let a task wait far too long; it gets nothing until it answers
    """

    address: str
    name: str
    threads: int = 1
    names: frozenset[str] = frozenset()
    direct: bool = False
    flights: set[Flight] = field(default_factory=set)
    knows: set[str] = field(default_factory=set)
    silent: bool = False

    @property
    def has_room(self) -> bool:
        """One task a thread and one that waits, so that no thread waits for the next; beside a suspect one, none."""
        if self.silent or any(flight.alone for flight in self.flights):
            return False
        return len(self.flights) <= self.threads

    @property
    def host_names(self) -> frozenset[str]:
        """All that a storage may call this worker's host, in lower case."""
        own = urlsplit(self.address).hostname or ""
        given = {self.name, NUMBERED.sub("", self.name)} - {"", self.address}
        return frozenset(name.lower() for name in {own, *given, *self.names} if name)


class Roster:
    """The workers that are there now."""

    def __init__(self) -> None:
        self._workers: dict[str, Worker] = {}
        self._near: dict[tuple[str, ...], frozenset[str]] = {}

    def __len__(self) -> int:
        return len(self._workers)

    def __iter__(self) -> Iterator[Worker]:
        return iter(list(self._workers.values()))

    def __contains__(self, address: str) -> bool:
        return address in self._workers

    def get(self, address: str) -> Worker | None:
        return self._workers.get(address)

    def add(self, worker: Worker) -> None:
        self._workers[worker.address] = worker
        self._near.clear()

    def remove(self, address: str) -> Worker | None:
        self._near.clear()
        return self._workers.pop(address, None)

    def set_silent(self, worker: Worker, silent: bool) -> None:
        """Others take over what lies with a worker that answers nothing."""
        worker.silent = silent
        self._near.clear()

    @property
    def threads(self) -> int:
        """Tasks that all workers together run at once."""
        return sum(worker.threads for worker in self._workers.values() if not worker.silent)

    def near(self, holders: tuple[str, ...]) -> frozenset[str]:
        """Addresses of the workers on one of the hosts, but for those that answer nothing."""
        if holders not in self._near:
            on = (worker.address for worker in self if not worker.silent and is_on(worker.host_names, holders))
            self._near[holders] = frozenset(on) if holders else frozenset()
        return self._near[holders]


def is_on(names: Iterable[str], holders: Iterable[str]) -> bool:
    """Whether a host known by `names` is among `holders`: by IP address, by full name, or by a name without domain."""
    names = set(names)
    for holder in (holder.lower() for holder in holders):
        if holder in names:
            return True
        if not _is_address(holder) and any(_same_short(holder, name) for name in names if not _is_address(name)):
            return True
    return False


def _same_short(one: str, other: str) -> bool:
    """``node1`` is ``node1.lab``; ``node1.lab`` is not ``node1.office``."""
    if "." in one and "." in other:
        return False
    return one.partition(".")[0] == other.partition(".")[0]


def _is_address(name: str) -> bool:
    return ":" in name or re.fullmatch(r"[\d.]+", name) is not None
