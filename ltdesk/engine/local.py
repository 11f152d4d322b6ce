"""The local executor: threads in this process, straight on the file.

Kernels run without the GIL. Every thread helps with a group of the newest job's partitions or begins the next
(`Group`); what runs ahead of the fold is bounded, so that memory stays flat. Threads are there only while there is
work (starting one takes 0.1 ms).
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

from ltdesk.engine.analyses import FOLDED
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.executor import JobHandle
from ltdesk.engine.freed_memory import keep_freed_memory
from ltdesk.engine.group import Group, Outcome
from ltdesk.engine.pace import Pace
from ltdesk.engine.partial import Partial
from ltdesk.engine.partition import Prepared, prepare
from ltdesk.errors import JobCancelled, LtdeskError
from ltdesk.job import Job, Partition

log = logging.getLogger(__name__)

RUN_AHEAD = 4
"""Partitions a thread may always be ahead of the fold."""
LAYING_OUT = 0.001
"""Seconds that laying out many partitions takes, cold."""
MEANWHILE = 3
"""Partitions for each of the other threads while the first does one alone, to see how long it takes, and then lays out
the next ones."""
HELD_BYTES = 256 << 20
"""What partials that wait for the fold may take, beyond that."""


def default_threads() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class LocalExecutor:
    """Runs jobs on `threads` threads, by default one a core. The newest job goes first, the others wait for it."""

    def __init__(self, threads: int | None = None) -> None:
        keep_freed_memory()
        self.threads = threads or default_threads()
        self._runs: deque[_Run] = deque()
        self._wake = threading.Condition()
        self._starting = threading.Lock()
        self._closed = False
        self._workers: set[threading.Thread] = set()

    def submit(
        self, job: Job, dataset: Dataset | None = None, on_partial: Callable[[Partial], None] | None = None
    ) -> JobHandle:
        """Start `job`. Raises OpenError, UsageError at once where the request cannot work.

        `on_partial` is called with each partial before it is assembled, in the thread that made it.
        """
        if dataset is None:
            from ltdesk.engine.open import open_ref

            dataset = open_ref(job.dataset)
        prepared = prepare(job, dataset)
        run = _Run(JobHandle(job, dataset, prepared.kernels), prepared, self.threads, on_partial, notify=self._notify)
        run.handle.execution.update(executor="local", threads=self.threads)
        run.handle.on_cancel(prepared.stop)
        run.handle.on_cancel(self._notify)
        plan = dataset.plan()
        run.waiting.extend(plan)
        run.handle.started(plan)
        with self._starting:  # and without the other lock, which is what threads ask for first
            self._start(self._put_first(run), run)
        return run.handle

    def close(self) -> None:
        """Cancel all jobs and wait for the threads."""
        with self._starting, self._wake:
            self._closed = True
            runs, workers = list(self._runs), list(self._workers)
        for run in runs:
            run.handle.cancel()
        for worker in workers:
            worker.join()

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _notify(self) -> None:
        with self._wake:
            self._wake.notify_all()

    def _put_first(self, run: _Run) -> list[threading.Thread]:
        """Let `run` be done next, by the threads that are there and by new ones, which are to be started."""
        with self._wake:
            if self._closed:
                raise LtdeskError("the executor is closed", "Make a new one.")
            self._runs.appendleft(run)
            self._wake.notify_all()
            missing = range(self.threads - len(self._workers))
            new = [threading.Thread(target=self._work, name="ltdesk-local", daemon=True) for _ in missing]
            self._workers.update(new)
            return new

    def _start(self, new: list[threading.Thread], run: _Run) -> None:
        """Go on with the threads that there are where no more can be had. Raises LtdeskError where there is none."""
        started = 0
        try:
            for worker in new:
                worker.start()
                started += 1
        except RuntimeError as error:
            log.warning("%d of %d threads: %s", started, len(new), error)
        finally:
            with self._wake:
                self._workers.difference_update(new[started:])
                if is_stuck := not self._workers and run in self._runs:
                    self._runs.remove(run)
        if is_stuck:
            raise LtdeskError("the system gives no thread", "End other programs, or raise the limit of threads.")

    def _work(self) -> None:
        with self._starting:  # all have started, or who starts them would wait for a core until this one has done a lot
            pass
        while (task := self._next_task()) is not None:
            run, do = task
            try:
                do()
            except Exception as error:  # of ltdesk itself: the job ends with it, and this thread goes on
                log.exception("a job's partitions failed")
                run.fail(error)
            with self._wake:
                run.running -= 1
                self._wake.notify_all()

    def _next_task(self) -> tuple[_Run, Callable[[], None]] | None:
        with self._wake:
            while True:
                for run in [run for run in self._runs if run.is_over]:
                    self._runs.remove(run)
                    run.end()
                for run in self._runs:
                    if (do := run.next_task()) is not None:
                        run.running += 1
                        return run, do
                if not self._runs:
                    self._workers.discard(threading.current_thread())
                    return None
                self._wake.wait()


@dataclass
class _Run:
    """A job on this executor; its fields change only under the executor's lock, but for guesses, and those of `groups`.

    held_bytes : of a partial that waits for the fold
    notify : called when others may join one of the groups, which are not done yet
    error : what stopped all of it
    """

    handle: JobHandle
    prepared: Prepared
    threads: int
    on_partial: Callable[[Partial], None] | None = None
    waiting: deque[Partition] = field(default_factory=deque)
    running: int = 0
    pace: Pace = field(default_factory=Pace)
    held_bytes: int = 1
    error: Exception | None = None
    notify: Callable[[], None] = lambda: None
    groups: list[Group] = field(default_factory=list)

    @property
    def _slots(self) -> int:
        """Threads that may do a group together."""
        return self.threads if self._may_share and self.prepared.can_be_split else 0

    @cached_property
    def _may_share(self) -> bool:
        """Where a watcher fails at a partial, that alone is to be lost: it must not hold what others have given."""
        folded = any(buffer.kind in FOLDED for kernel in self.prepared.kernels for buffer in kernel.buffers)
        return not (folded and self.on_partial)

    @cached_property
    def _is_whole(self) -> bool:
        """Whether every partition has all of its frames."""
        dataset = self.prepared.dataset
        return self.prepared.region is None and dataset.frames_good == dataset.frames_expected

    @property
    def _until(self) -> int:
        """Those before it may be begun: some beyond the first that is not folded for each thread, as many to wait."""
        wanted = 2 * self.threads * self.pace.most
        ahead = max(self.threads * RUN_AHEAD, min(wanted, HELD_BYTES // self.held_bytes))
        return self.handle.assembly.next_to_fold + ahead

    @property
    def _is_stopping(self) -> bool:
        return self.handle.cancel_requested or self.error is not None

    @property
    def is_over(self) -> bool:
        return self.running == 0 and (self._is_stopping or not self.waiting)

    def next_task(self) -> Callable[[], None] | None:
        """What a thread may do for it now: help with a group, or begin one."""
        if self._is_stopping:
            return None
        can_begin = bool(self.waiting) and self.waiting[0].index < self._until
        for group in tuple(self.groups):
            if not (can_begin and self._is_nearly_done(group)) and (slot := group.join()) is not None:
                return partial(self._do, group, partial(group.help, slot))
        if not can_begin or self._is_first_laid_out_now:
            return None
        self.groups.append(own := Group(self.prepared, self._next_partitions(), self._slots, self.notify))
        return partial(self._do, own, own.go_on)

    def _is_nearly_done(self, group: Group) -> bool:
        """Whether others end it while the next one is laid out."""
        return self.pace.is_known and group.left * self.pace.seconds < LAYING_OUT * self.threads

    @property
    def _is_first_laid_out_now(self) -> bool:
        """Whether a thread works out what others can use for theirs."""
        return not self.pace.is_known and any(group.is_laid_out_now for group in self.groups)

    def _next_partitions(self) -> list[Partition]:
        """Some that may start, at least one; where threads can't do them together, towards the end fewer, so that none
        is left with them alone."""
        most, partitions, until = self._most_now, list[Partition](), self._until
        while most > 0 and self.waiting and (not partitions or self.waiting[0].index < until):
            partitions.append(self.waiting.popleft())
            most -= self._share(partitions[-1])
        return partitions

    @property
    def _most_now(self) -> float:
        share = len(self.waiting) if self.threads == 1 else 3 * len(self.waiting) // (4 * self.threads)
        room = max(1, HELD_BYTES // (2 * self.threads * self.held_bytes))
        slots = self._slots
        if slots and self.pace.most > 1:
            return self.threads * min(self.pace.most, room)
        if slots and self.groups and not self.pace.is_known:
            return MEANWHILE * (self.threads - 1)
        return min(self.pace.most, max(self.pace.least, share), room)

    def _share(self, partition: Partition) -> float:
        """How much of a partition the region takes."""
        region = self.prepared.region
        return 1 if region is None else float(region[partition.slices].mean())

    def _worth(self, results: Sequence[Partial | Exception]) -> float:
        """As how many whole partitions these count: of a region, or of a file with gaps, some hold next to nothing."""
        done = [one for one in results if isinstance(one, Partial)]
        return len(done) if self._is_whole else sum([float(one.valid.mean()) for one in done])

    def _do(self, group: Group, work: Callable[[], Outcome]) -> None:
        if (results := work()) is None:  # another thread will have them
            return
        self.groups.remove(group)
        worth, done = self._worth(results), list[Partial]()
        for partition, result in zip(group.partitions, results, strict=True):
            try:
                done.append(self._watched(result))
            except JobCancelled:
                pass
            except Exception as error:
                if not isinstance(error, LtdeskError):
                    log.exception("partition %d failed", partition.index)
                self.handle.partition_failed(partition.index, error)
        self.handle.partials(done)
        if done:  # what is left in them now waits for the fold
            held = sum([buffer.nbytes for one in done for buffer in one.buffers.values()])
            self.held_bytes = max(1, held // len(done))
        self.pace.took(group.seconds, worth)

    def _watched(self, result: Partial | Exception) -> Partial:
        if isinstance(result, Exception):
            raise result
        if self.on_partial is not None:
            self.on_partial(result)
        return result

    def fail(self, error: Exception) -> None:
        """Stop all of it."""
        self.error = error
        self.prepared.stop()

    def end(self) -> None:
        state = self.handle.state
        if self.error is not None or state.done + len(state.failures) < state.total:
            self.handle.stopped(self.error)
        else:
            self.handle.finished()
