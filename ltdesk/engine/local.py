"""The local executor: threads in this process, straight on the file.

Kernels run without the GIL. Every thread takes the next partition of the newest job; what runs ahead of the fold is
bounded, so that memory stays flat. Threads are there only while there is work (starting one takes 0.1 ms).
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ltdesk.engine.dataset import Dataset
from ltdesk.engine.executor import JobHandle
from ltdesk.engine.pace import Pace
from ltdesk.engine.partial import Partial
from ltdesk.engine.partition import Prepared, prepare, run_together
from ltdesk.errors import JobCancelled, LtdeskError
from ltdesk.job import Job, Partition

log = logging.getLogger(__name__)

RUN_AHEAD = 4
"""Partitions a thread may always be ahead of the fold."""
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
        run = _Run(JobHandle(job, dataset, prepared.kernels), prepared, self.threads, on_partial)
        run.handle.execution.update(executor="local", threads=self.threads)
        run.handle.on_cancel(prepared.stop)
        run.handle.on_cancel(self._notify)
        plan = dataset.plan()
        run.waiting.extend(plan)
        run.handle.started(plan)
        with self._starting:  # and without the other lock, which is what threads ask for first
            for worker in self._put_first(run):
                worker.start()
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

    def _work(self) -> None:
        while (task := self._next_task()) is not None:
            run, partitions = task
            try:
                run.do(partitions)
            except Exception as error:  # of ltdesk itself: the job ends with it, and this thread goes on
                log.exception("partitions %s failed", [partition.index for partition in partitions])
                run.fail(error)
            with self._wake:
                run.running -= 1
                self._wake.notify_all()

    def _next_task(self) -> tuple[_Run, list[Partition]] | None:
        with self._wake:
            while True:
                for run in [run for run in self._runs if run.is_over]:
                    self._runs.remove(run)
                    run.end()
                for run in self._runs:
                    if run.may_start:
                        run.running += 1
                        return run, run.next_partitions()
                if not self._runs:
                    self._workers.discard(threading.current_thread())
                    return None
                self._wake.wait()


@dataclass
class _Run:
    """A job on this executor; its fields change only under the executor's lock, but for guesses, the last two.

    held_bytes : of a partial that waits for the fold
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

    @property
    def may_start(self) -> bool:
        return not self._is_stopping and bool(self.waiting) and self.waiting[0].index < self._until

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

    def next_partitions(self) -> list[Partition]:
        """Some that may start, at least one; towards the end fewer, so that no thread is left with them alone."""
        share = len(self.waiting) if self.threads == 1 else 3 * len(self.waiting) // (4 * self.threads)
        room = max(1, HELD_BYTES // (2 * self.threads * self.held_bytes))
        most = min(self.pace.most, max(self.pace.least, share), room)
        partitions, until = [self.waiting.popleft()], self._until
        while len(partitions) < most and self.waiting and self.waiting[0].index < until:
            partitions.append(self.waiting.popleft())
        return partitions

    def do(self, partitions: list[Partition]) -> None:
        started = time.perf_counter()
        results = run_together(self.prepared, partitions)
        done: list[Partial] = []
        for partition, result in zip(partitions, results, strict=True):
            try:
                done.append(self._watched(result))
            except JobCancelled:
                pass
            except Exception as error:
                if not isinstance(error, LtdeskError):
                    log.exception("partition %d failed", partition.index)
                self.handle.partition_failed(partition.index, error)
        self.handle.partials(done)
        if done:  # what is left in one now waits for the fold
            self.held_bytes = max(1, sum(buffer.nbytes for buffer in done[-1].buffers.values()))
        self.pace.took(time.perf_counter() - started, len(partitions))

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
