"""Jobs under way on a cluster: their partitions go out to workers in tasks, and what is answered is taken in."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from distributed import KilledWorker

from ltdesk.engine.cluster_link import Link
from ltdesk.engine.cluster_run import ClusterRun, Flight
from ltdesk.engine.cluster_tasks import remember
from ltdesk.engine.cluster_workers import Roster, Worker
from ltdesk.engine.dataset import Dataset
from ltdesk.errors import ClusterError, LtdeskError
from ltdesk.job import Job, Partition

log = logging.getLogger(__name__)

CANCEL_PATIENCE = 0.8
"""Seconds that a cancelled job waits for its tasks to stop."""
LOCATED_AT_ONCE, LOCATED_TOGETHER = 16, 8
KINDS_KNOWN = 64
"""Kinds of jobs of which it is remembered how long a partition took."""
SOON = 0.025
KILLED = "the worker process died while it was computed"


class Dispatch:
    """Gives partitions of the jobs to workers that have room. All of it happens in the event loop of `link`.

    link : the connection; another one after it was lost
    roster : the workers that are there
    runs : the jobs, the newest first
    error : why no job can be run any more
    sent : how many tasks so far
    """

    def __init__(self, link: Link, patience: float) -> None:
        self.link, self.patience = link, patience
        self.roster = Roster()
        self.runs: list[ClusterRun] = []
        self.error: LtdeskError | None = None
        self.sent = 0
        self._seconds_known: OrderedDict[tuple[Any, ...], float] = OrderedDict()
        self._background: set[asyncio.Task[Any]] = set()

    def guess(self, job: Job) -> float | None:
        """Seconds that a partition took in the last job of this kind."""
        return self._seconds_known.get(_kind_of(job))

    def begin(self, run: ClusterRun) -> None:
        """Start a job."""
        self.runs.insert(0, run)
        if self.error is not None:
            self.end(run, None if run.handle.cancel_requested else self.error)
        elif run.handle.cancel_requested:
            self.cancel(run)
        else:
            self.spawn(self._locate(run))

    async def _locate(self, run: ClusterRun) -> None:
        """Ask who holds the partitions, a good way ahead of the work."""
        loop = asyncio.get_running_loop()
        pool = ThreadPoolExecutor(LOCATED_TOGETHER, thread_name_prefix="ltdesk-locate")
        try:
            while len(run.holders) < len(run.plan) and not run.ended:
                start = len(run.holders)
                cuts = range(start, min(len(run.plan), start + LOCATED_AT_ONCE * LOCATED_TOGETHER), LOCATED_AT_ONCE)
                parts = [run.plan[cut : cut + LOCATED_AT_ONCE] for cut in cuts]
                asked = [loop.run_in_executor(pool, _holders, run.handle.dataset, part) for part in parts]
                for found in await asyncio.gather(*asked):
                    run.holders.extend(found)
                self.pump()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def pump(self, workers: Iterable[Worker] | None = None) -> None:
        """Give work to those that have room for it, the emptiest first."""
        for run in [run for run in self.runs if run.is_over]:
            self.end(run)
        hungry = list(self.roster if workers is None else workers)
        while self.link.is_up and hungry:
            hungry = [worker for worker in hungry if worker.has_room and worker.address in self.roster]
            hungry.sort(key=lambda worker: len(worker.flights))
            hungry = [worker for worker in hungry if self._feed(worker)]

    def _feed(self, worker: Worker) -> bool:
        for run in self.runs:
            if indices := run.take(worker, self.roster):
                self._send(run, worker, indices)
                return True
        return False

    def _send(self, run: ClusterRun, worker: Worker, indices: tuple[int, ...]) -> None:
        self.sent, run.tasks = self.sent + 1, run.tasks + 1
        expected = run.expected(len(indices)) * (2 + len(worker.flights))
        due = asyncio.get_running_loop().time() + max(self.patience, 10 * expected)
        alone = any(run.is_suspect(index) for index in indices)
        flight = Flight(run, f"ltdesk-{run.token}-{self.sent}", worker, indices, alone, due)
        flight.future = self.link.send(run, flight, None if run.token in worker.knows else run.spec)
        run.flights.add(flight)
        worker.flights.add(flight)
        flight.follower = self.spawn(self._follow(flight))

    async def _follow(self, flight: Flight) -> None:
        """Wait for the answer to a task and take it in."""
        run = flight.run
        try:
            answer = await self.link.answer(flight)
            self.drop(flight)
            if answer is None:
                run.give_back(flight.indices)
            elif not run.ended:
                run.answered(flight, answer, self.roster)
        except KilledWorker as error:
            self.drop(flight)
            run.killed(flight.indices, str(error.last_worker.address), KILLED)
        except OSError as error:  # on the way to the scheduler; if that is gone, the watch sees it
            log.info("an answer was lost: %s", error)
            self.drop(flight)
            run.give_back(flight.indices)
        except Exception as error:
            log.exception("a task's answer could not be taken in")
            self.drop(flight)
            self.end(run, LtdeskError(f"{run.handle.dataset.ref.uri}: {type(error).__name__}: {error}"))
        self.check(run)
        self.pump([flight.worker, *(worker for worker in self.roster if not worker.flights)])

    def drop(self, flight: Flight) -> None:
        """Forget a task: dask lets go of its result, and doesn't begin it where it hasn't yet."""
        flight.run.flights.discard(flight)
        flight.worker.flights.discard(flight)
        flight.future.release()
        if flight.follower is not asyncio.current_task():
            flight.follower.cancel()

    def check(self, run: ClusterRun) -> None:
        """End a job that no worker can do anything for."""
        if not run.ended and (error := run.unreadable(self.roster, self.link.address)):
            self.end(run, error)

    def cancel(self, run: ClusterRun) -> None:
        """Stop a job; its tasks that don't stop are not waited for longer than `CANCEL_PATIENCE`."""
        if run.ended or run.stop_by is not None:
            return
        run.stop_by = asyncio.get_running_loop().time() + CANCEL_PATIENCE
        if busy := {flight.worker.address for flight in run.flights}:
            self.spawn(self.link.tell_cancelled(run.token, busy))
        self.pump()

    def end(self, run: ClusterRun, error: LtdeskError | None = None) -> None:
        """The end of a job, whatever state it is in: done, cancelled, or stopped by `error`."""
        if run.ended:
            return
        run.ended = True
        self.runs.remove(run)
        if run.seconds is not None:
            remember(self._seconds_known, _kind_of(run.handle.job), run.seconds, KINDS_KNOWN)
        if run.flights and error is not None and self.link.is_up:
            self.spawn(self.link.tell_cancelled(run.token, {flight.worker.address for flight in run.flights}))
        for flight in list(run.flights):
            self.drop(flight)
        run.tell(self.roster)
        state = run.handle.state
        if error is not None or state.done + len(state.failures) < state.total:
            run.handle.stopped(error)
        else:
            run.handle.finished()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Have something go on beside; should it break, all jobs end."""
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ClusterError | OSError):
            log.error("what drives the cluster's jobs broke", exc_info=error)
            for run in list(self.runs):
                self.end(run, ClusterError(f"{self.link.address}: {type(error).__name__}: {error}", "This is a bug."))

    async def close(self) -> None:
        """Wait a little for cancelled jobs, and stop all that goes on."""
        deadline = asyncio.get_running_loop().time() + CANCEL_PATIENCE + 1
        while self.runs and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(SOON)
        while tasks := list(self._background):  # again: what waits for dask may miss it once
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=4 * SOON)
        await self.link.close()


def _kind_of(job: Job) -> tuple[Any, ...]:
    """What jobs share whose partitions take about the same time: so that the first tasks of a drag are long enough."""
    return (job.dataset.uri, tuple(analysis.kind for analysis in job.analyses), job.region is None)


def _holders(dataset: Dataset, partitions: Iterable[Partition]) -> list[tuple[str, ...]]:
    """Who holds partitions; nobody where it can't be told: then they are read from anywhere."""
    found = []
    for partition in partitions:
        try:
            found.append(dataset.holders(partition))
        except LtdeskError as error:
            log.warning("%s", error)
            found.append(())
    return found
