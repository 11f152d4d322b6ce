"""A job on a cluster: which partitions wait, which are under way and where, and what is made of the answers.

It decides and keeps count; it talks to no one. All of it happens in the executor's one thread.
"""

from __future__ import annotations

import logging
import math
from bisect import bisect_left, insort
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from ltdesk.engine.cluster_tasks import Answer, Failure, is_loopback
from ltdesk.engine.cluster_workers import Roster, Worker
from ltdesk.engine.executor import JobHandle
from ltdesk.engine.partial import Partial
from ltdesk.errors import LtdeskError, OpenError
from ltdesk.job import Partition, Plan

log = logging.getLogger(__name__)

TASK_SECONDS = 0.2
"""Work in a task: short enough to be stopped and balanced, long enough to make its way (some ms) not count."""
SHORTEST_SECONDS = 0.05
"""Towards the end tasks get shorter, so that all workers end together, but not below this: making its way costs a task
some 15 ms of CPU, shared by scheduler, client and worker."""
MOST_PARTITIONS = 256
OUTSIDE_AT_ONCE = 16
"""Partitions in a task while all that came back lie outside the region, and so cost nothing."""
MOST_TRIES = 3
"""How often a partition may fail, or take its worker along, before it is given up."""
AFAR = 10
"""How much longer a partition takes over the network than mapped: who holds none of what waits takes it only where its
holders would not come to it in that time."""
RUN_AHEAD = 4
"""Partitions a thread may always be ahead of the fold."""
HELD_BYTES = 1 << 30
"""What partials that wait for the fold may take, beyond that."""


@dataclass(eq=False)
class Flight:
    """A task that was sent.

    Attributes
    ----------
    alone : it holds what may have killed a worker, so nothing runs beside it
    due : when it is overdue, on the monotonic clock
    asked : its worker was asked whether it is still there
    late : its partitions were given to others; should it answer after all, that is taken as it comes
    """

    run: ClusterRun
    key: str
    worker: Worker
    indices: tuple[int, ...]
    alone: bool
    due: float
    future: Any = None
    follower: Any = None
    asked: bool = False
    late: bool = False


@dataclass(eq=False)
class ClusterRun:
    """A job on the cluster.

    Attributes
    ----------
    token, spec : the job's name among workers, and what they are told of it
    on_partial : called with each partial before it is assembled
    guess : seconds that a partition took in a job like this one, until there are answers
    holders : hosts that hold each partition, as far as they are known; work goes no further
    waiting : indices of partitions that nobody works on, in the plan's order
    refused : why a worker can do nothing for this job, by its address
    seconds : that a partition takes, by the last answers
    resent : partitions of tasks whose worker died, by key: dask gives them to another at once, which may die of it too
    tasks : how many were sent
    stop_by : when a cancelled job no longer waits for its tasks, on the monotonic clock
    """

    handle: JobHandle
    token: str
    spec: bytes
    plan: Plan
    on_partial: Callable[[Partial], None] | None = None
    guess: float | None = None
    holders: list[tuple[str, ...]] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    flights: set[Flight] = field(default_factory=set)
    refused: dict[str, LtdeskError] = field(default_factory=dict)
    resent: dict[str, tuple[int, ...]] = field(default_factory=dict)
    tasks: int = 0
    ended: bool = False
    stop_by: float | None = None
    on_holder: int = 0
    with_holder: int = 0

    def __post_init__(self) -> None:
        self.waiting = list(range(len(self.plan)))
        self._deaths: Counter[int] = Counter()
        self._failed_on: dict[int, list[str]] = defaultdict(list)
        self._used: set[str] = set()
        self._nodes: dict[str, dict[str, float]] = defaultdict(lambda: {"partitions": 0, "bytes": 0, "seconds": 0.0})
        self._held_bytes = 1
        self._last_seconds: deque[float] = deque(maxlen=15)
        self._paces: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=5))

    @property
    def seconds(self) -> float | None:
        """The median: the first answers of a worker have the time in them that it takes to compile."""
        return median(self._last_seconds) if self._last_seconds else self.guess

    @property
    def is_over(self) -> bool:
        """Nothing is left to be done; late answers are not waited for."""
        state = self.handle.state
        if self.handle.cancel_requested:
            return not any(not flight.late for flight in self.flights)
        return not self.waiting and state.done + len(state.failures) >= state.total

    def take(self, worker: Worker, roster: Roster) -> tuple[int, ...]:
        """Partitions for a worker's next task, taken off those that wait; none where it had better not have any."""
        if self.ended or self.handle.cancel_requested or worker.address in self.refused:
            return ()
        window = [index for index in self._window(roster) if self._may(worker, index, roster)]
        taken = self._choose(worker, roster, window)
        for index in taken:
            self.waiting.pop(bisect_left(self.waiting, index))
        return taken

    def is_suspect(self, index: int) -> bool:
        """Whether a worker has died with this partition on it."""
        return self._deaths[index] > 0

    def answered(self, flight: Flight, answer: Answer, roster: Roster) -> None:
        """Take in what came back of a task."""
        if answer.unknown_job:
            flight.worker.knows.discard(self.token)
        elif answer.refused is not None:
            self.refused[answer.worker] = answer.refused
        else:
            self._take_in(answer, roster)
            if answer.worker == flight.worker.address:
                flight.worker.knows.add(self.token)
        self.give_back(flight.indices)

    def give_back(self, indices: tuple[int, ...]) -> None:
        """Those of the partitions that are neither done nor given up nor under way wait again."""
        state = self.handle.state
        left = [index for index in indices if not (state.has(index) or index in state.failures or self._waits(index))]
        if left:
            under_way = {index for flight in self.flights if not flight.late for index in flight.indices}
            for index in left:
                if index not in under_way:
                    insort(self.waiting, index)

    def killed(self, indices: tuple[int, ...], worker: str, cause: str) -> None:
        """A worker died with these partitions on it: each is tried again, alone, until it has taken several along."""
        for index in indices:
            self._deaths[index] += 1
            if self._deaths[index] >= MOST_TRIES and not self.handle.state.has(index):
                self._give_up(index, f"{cause}, {self._deaths[index]} times, the last on {worker}", "")
        self.give_back(indices)

    def unreadable(self, roster: Roster, scheduler: str) -> LtdeskError | None:
        """Why no worker that is there can do anything for this job."""
        if not self.refused or not len(roster) or any(worker.address not in self.refused for worker in roster):
            return None
        error = next(reversed(self.refused.values()))
        uri = self.handle.dataset.ref.uri
        way_out = "Bring it into the cluster's storage by ltdesk ingest, and run the job on what lies there."
        if is_loopback(urlsplit(uri).hostname or ""):
            way_out = "To each worker that is its own host: write the address as the workers know it."
        return OpenError(f"{uri}: the workers of {scheduler} can't read it ({error.what.rstrip('.')})", way_out)

    def tell(self, roster: Roster) -> None:
        """Bring `execution` up to date."""
        nodes = {
            host: {**n, "seconds": round(n["seconds"], 6), "MB_per_s": round(n["bytes"] / 1e6 / (n["seconds"] or 1), 1)}
            for host, n in sorted(self._nodes.items())
        }
        share = round(self.on_holder / self.with_holder, 4) if self.with_holder else None
        self.handle.execution.update(
            workers=len(self._used), threads=roster.threads, tasks=self.tasks, nodes=nodes,
            partitions_on_holder=self.on_holder, partitions_with_holder=self.with_holder, local_share=share,
        )  # fmt: skip

    def expected(self, partitions: int) -> float:
        """Seconds that partitions should take; 0 where nothing is known yet."""
        return partitions * (self.seconds or 0.0)

    # --- choosing --------------------------------------------------------------------------------------------

    def _window(self, roster: Roster) -> list[int]:
        """The waiting partitions that may be begun: what runs ahead of the fold is bounded."""
        wanted = 2 * sum(worker.threads + 1 for worker in roster) * self._most()
        ahead = max(RUN_AHEAD * roster.threads, min(wanted, HELD_BYTES // self._held_bytes))
        limit = min(self.handle.assembly.next_to_fold + ahead, len(self.holders))
        return self.waiting[: bisect_left(self.waiting, limit)]

    def _choose(self, worker: Worker, roster: Roster, window: list[int]) -> tuple[int, ...]:
        suspects = [index for index in window if self.is_suspect(index)]
        if suspects:  # workers run empty so that one can be found that does nothing else
            return () if worker.flights else (suspects[0],)
        nears = {index: roster.near(self.holders[index]) for index in window}
        mine = [index for index in window if worker.address in nears[index]]
        mine = mine or [index for index in window if not nears[index]]
        if not mine:
            return () if worker.flights else self._from_afar(window, nears, roster)
        count = self._count_for(worker, roster, [nears[index] for index in mine])
        if count < len(mine) and len(window) == len(self.waiting):  # the end: leave others what they hold, too
            mine = sorted(sorted(mine, key=lambda index: len(nears[index]))[:count])
        return tuple(mine[:count])

    def _from_afar(self, window: list[int], nears: dict[int, frozenset[str]], roster: Roster) -> tuple[int, ...]:
        """The first partition whose holders have so much to do that it is done sooner where it isn't."""
        queued = {worker.address: sum(len(flight.indices) for flight in worker.flights) for worker in roster}
        threads = {worker.address: worker.threads for worker in roster}
        before: dict[str, float] = defaultdict(float)
        for index in window:
            near = nears[index]
            waits = [self._pace(address) * (queued[address] + before[address]) / threads[address] for address in near]
            if min(waits, default=0.0) > AFAR * (self.seconds or 0.0):
                return (index,)
            for address in near:
                before[address] += 1 / len(near)
        return ()

    def _pace(self, address: str) -> float:
        """Seconds that a worker takes for a partition."""
        known = self._paces.get(address)
        return median(known) if known else self.seconds or 0.0

    def _may(self, worker: Worker, index: int, roster: Roster) -> bool:
        """A partition that failed on a worker goes to another one, where there is another."""
        failed_on = self._failed_on.get(index, ())
        fit = [other.address for other in roster if other.address not in self.refused] if failed_on else []
        return worker.address not in failed_on or all(address in failed_on for address in fit)

    def _count_for(self, worker: Worker, roster: Roster, nears: list[frozenset[str]]) -> int:
        """How many partitions a worker's next task has, of some that it may do, by who else may do each.

        Where what is left would keep no worker for longer than a task, each gets its share in one: a short job is a
        task a thread. Otherwise a third is left to make all end together, and more beside a task that is under way.
        """
        if not self.seconds:
            return self._most()
        slots = max(1, worker.threads - len(worker.flights))
        share = self._share(worker, roster, nears) / slots
        if worker.flights and len(worker.flights) >= worker.threads:
            share /= 1 if share * self.seconds < 2 * SHORTEST_SECONDS else 2
        elif share * self.seconds > TASK_SECONDS:
            share *= 2 / 3
        shortest = min(round(SHORTEST_SECONDS / self.seconds), -(-len(self.plan) // max(1, roster.threads)))
        return max(1, min(self._most(), max(math.ceil(share - 1e-9), shortest)))

    def _share(self, worker: Worker, roster: Roster, nears: list[frozenset[str]]) -> float:
        """How many of what waits fall to a worker, so that it ends with those that may do the same."""
        threads = {other.address: other.threads for other in roster}
        own = sum(worker.threads / sum(threads[address] for address in near or threads) for near in nears)
        mine = sum(len(flight.indices) for flight in worker.flights if flight.run is self)
        left = len(self.waiting) + sum(len(flight.indices) for flight in self.flights if not flight.late)
        return max(own, left * worker.threads / max(1, roster.threads) - mine)

    def _most(self) -> int:
        """Partitions in a task of `TASK_SECONDS`."""
        if not self.seconds:
            return OUTSIDE_AT_ONCE if self.handle.state.done else 1
        return max(1, min(round(TASK_SECONDS / self.seconds), MOST_PARTITIONS))

    def _waits(self, index: int) -> bool:
        at = bisect_left(self.waiting, index)
        return at < len(self.waiting) and self.waiting[at] == index

    # --- what came back --------------------------------------------------------------------------------------

    def _take_in(self, answer: Answer, roster: Roster) -> None:
        self._used.add(answer.worker)
        fresh: list[Partial] = []
        for partial in answer.partials:
            if not self.handle.state.has(partial.index):
                self._count(partial, answer.worker)
                self._count_place(self.holders[partial.index], answer.worker, roster)
                if self.on_partial is not None:
                    self.on_partial(partial)
                fresh.append(partial)
        self.handle.partials(fresh)
        if fresh:  # what is left in one now waits for the fold
            self._held_bytes = max(1, sum(buffer.nbytes for buffer in fresh[-1].buffers.values()))
        for failure in answer.failures:
            self._failed(failure, answer)

    def _count(self, partial: Partial, worker: str) -> None:
        nbytes = partial.bytes_mapped + partial.bytes_read + partial.bytes_network
        node = self._nodes[partial.host]
        node["partitions"] += 1
        node["bytes"] += nbytes
        node["seconds"] += partial.seconds
        if nbytes:  # a partition outside the region says nothing
            self._last_seconds.append(partial.seconds)
            self._paces[worker].append(partial.seconds)

    def _count_place(self, holders: tuple[str, ...], worker: str, roster: Roster) -> None:
        if holders:
            self.with_holder += 1
            self.on_holder += worker in roster.near(holders)

    def _failed(self, failure: Failure, answer: Answer) -> None:
        if failure.trace is not None:
            log.error("partition %d failed on %s (%s)\n%s", failure.index, answer.host, answer.worker, failure.trace)
        tried = self._failed_on[failure.index]
        tried.append(answer.worker)
        if len(tried) >= MOST_TRIES and not self.handle.state.has(failure.index):
            self._give_up(failure.index, failure.message, f" on {answer.host} ({len(tried)} tries)")

    def _give_up(self, index: int, cause: str, where: str) -> None:
        partition: Partition = self.plan[index]
        rows = f"scan rows {partition.y0} to {partition.y1}, columns {partition.x0} to {partition.x1}"
        text = f"{self.handle.dataset.ref.uri} ({rows}){where}: {cause}"
        self.handle.partition_failed(index, LtdeskError(text))
