"""What every executor offers, and the handle on a running job that all of them fill.

Executors run `run_partition` somewhere and report to the `JobHandle`: the plan, each partial, each failure, the end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ltdesk.engine.analyses import Kernel
from ltdesk.engine.assembly import Assembly, Results
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.partial import Partial
from ltdesk.errors import JobCancelled, JobFailed
from ltdesk.job import (
    CancelRequested,
    Event,
    Job,
    JobFinished,
    JobStarted,
    JobState,
    JobStopped,
    PartitionFailed,
    Plan,
    advance,
    advance_by_partials,
)


class Executor(Protocol):
    """Runs jobs: local, cluster, remote."""

    def submit(self, job: Job, dataset: Dataset | None = None) -> JobHandle:
        """Start a job and return at once. `dataset` saves opening it again where it is open already."""

    def close(self) -> None:
        """Cancel what runs and let go of threads and connections."""


@dataclass(frozen=True)
class Update:
    """A moment of a job.

    Attributes
    ----------
    state : the job's state
    seconds : since the job started
    bytes : bytes of frames done so far
    """

    state: JobState
    seconds: float
    bytes: int
    _handle: JobHandle

    @property
    def done(self) -> int:
        return self.state.done

    @property
    def total(self) -> int:
        return self.state.total

    def results(self) -> Results:
        """The arrays as far as they are known now, with `valid`. Copies: they do not change under the reader."""
        return self._handle.results()


class JobHandle:
    """A job under way. Threads may wait for it, follow its updates, cancel it; executors report to it."""

    def __init__(self, job: Job, dataset: Dataset, kernels: Sequence[Kernel] = ()) -> None:
        self.job = job
        self.dataset = dataset
        self.assembly = Assembly(job, dataset, kernels)
        self.state = JobState()
        self.execution: dict[str, Any] = {}
        self._changed = threading.Condition()
        self._ended = threading.Event()  # who waits for the end alone is not woken by every partition: 0.1 ms each
        self._version = 0
        self._started = time.perf_counter()
        self._seconds: float | None = None
        self._bytes = 0
        self._error: BaseException | None = None
        self._on_cancel: list[Callable[[], None]] = []

    # --- for those who asked -------------------------------------------------------------------------------

    def cancel(self) -> None:
        """Ask for the job to stop; it is `cancelled` once work has stopped, within about a quarter of a second."""
        self._take(CancelRequested())
        for callback in self._on_cancel:
            callback()

    @property
    def cancel_requested(self) -> bool:
        return self.state.cancel_requested

    @property
    def error(self) -> BaseException | None:
        """What stopped the whole job, where something did."""
        return self._error

    def update(self) -> Update:
        """The moment now."""
        with self._changed:
            seconds = self._seconds if self._seconds is not None else time.perf_counter() - self._started
            return Update(self.state, seconds, self._bytes, self)

    def updates(self, interval: float = 0.0) -> Iterator[Update]:
        """Each new moment until the end, the last one included; what came faster than read is skipped.

        `interval` is the least time between two, in seconds.
        """
        seen = -1
        while True:
            with self._changed:
                while self._version == seen:
                    self._changed.wait()
                seen = self._version
            update = self.update()
            yield update
            if update.state.is_final:
                return
            if interval:
                self.wait(interval)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job has ended; True if it has."""
        return self._ended.wait(timeout)

    def results(self) -> Results:
        """The arrays as far as they are known, as copies."""
        return self.assembly.results(self.execution_now())

    def result(self, timeout: float | None = None) -> Results:
        """Wait for the end and give the arrays.

        Raises JobCancelled, JobFailed (naming the failed partitions; `results` has the rest), TimeoutError.
        """
        if not self.wait(timeout):
            raise TimeoutError(f"the job is not done after {timeout} s")
        if self._error is not None:
            raise self._error
        if self.state.status == "cancelled":
            raise JobCancelled("the job was cancelled")
        if self.state.status == "failed":
            raise self._failure()
        return self.results()

    def execution_now(self) -> dict[str, Any]:
        """How the job was run so far: partitions, seconds, bytes, and what the executor adds."""
        update = self.update()
        counts = {
            "partitions": update.total,
            "partitions_done": update.done,
            "seconds": round(update.seconds, 6),
        }
        return {**self.execution, **counts, **self.assembly.traffic, **self.assembly.not_mapped}

    def _failure(self) -> JobFailed:
        failures = self.state.failures
        if self.state.message is not None or not failures:
            return JobFailed(self.state.message or "the job failed", "", failures)
        index, first = next(iter(failures.items()))
        return JobFailed(
            f"{len(failures)} of {self.state.total} partitions failed; partition {index}: {first}",
            "",
            failures,
        )

    # --- for executors -------------------------------------------------------------------------------------

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the job is asked to stop."""
        self._on_cancel.append(callback)

    def started(self, plan: Plan) -> None:
        """The plan is made; work begins."""
        self.assembly.start(plan)
        self._take(JobStarted(scan_shape=self.dataset.scan_shape, plan=plan))

    def partial(self, partial: Partial) -> None:
        """A partition is done. A second copy is dropped."""
        self.partials([partial])

    def partials(self, partials: Iterable[Partial]) -> None:
        """Partitions are done, and those who wait are told once. Second copies are dropped."""
        fresh = self.assembly.add_all(partials)
        if not fresh:
            return
        with self._changed:
            self._bytes += sum(partial.bytes_mapped + partial.bytes_read + partial.bytes_network for partial in fresh)
            self._changed_to(advance_by_partials(self.state, [partial.index for partial in fresh]))

    def partition_failed(self, index: int, error: BaseException) -> None:
        """A partition cannot be done; the rest goes on."""
        self.assembly.skip(index)
        self._take(PartitionFailed(index=index, message=str(error) or type(error).__name__))

    def finished(self) -> None:
        """All partitions are done or have failed."""
        self._take(JobFinished(count=self.state.done))

    def stopped(self, error: BaseException | None = None) -> None:
        """The work has stopped before its end: cancelled, or because of `error`."""
        self._error = error
        self._take(JobStopped(message=None if error is None else str(error)))

    def _take(self, event: Event) -> None:
        with self._changed:
            self._changed_to(advance(self.state, event))

    def _changed_to(self, state: JobState) -> None:
        self.state = state
        self._version += 1
        self._changed.notify_all()
        if state.is_final:
            self._seconds = self._seconds or time.perf_counter() - self._started
            self._ended.set()
