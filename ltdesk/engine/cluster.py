"""The cluster executor: `run_partition` on the workers of dask.distributed, partials folded here.

Each worker has a task or two at a time and gets the next when one is answered: work goes where it is done quickest, and
a cancel has little to undo. Which worker gets what is decided here (`cluster_run`), with a preference for those on the
hosts that hold the bytes; to dask it is a preference too, so that no task waits for a worker that is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from distributed import KilledWorker

from ltdesk.engine.cluster_connect import own_versions
from ltdesk.engine.cluster_link import Link
from ltdesk.engine.cluster_run import ClusterRun, Flight
from ltdesk.engine.cluster_tasks import remember, spec_of
from ltdesk.engine.cluster_thread import LoopThread
from ltdesk.engine.cluster_workers import Roster, Worker
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.executor import JobHandle
from ltdesk.engine.partial import Partial
from ltdesk.engine.partition import prepare
from ltdesk.errors import ClusterError, LtdeskError
from ltdesk.job import Job, Partition

log = logging.getLogger(__name__)

TICK = 0.1
LONGEST_TASK = 60.0
"""Seconds more that a worker may take that still answers: its first task opens the scan and compiles."""
CANCEL_PATIENCE = 0.8
RETRY = 0.5
"""Seconds between two attempts to reach a scheduler that is lost."""
WORKERS_PATIENCE = 120.0
"""Seconds that a job waits for a worker to join where there are none."""
LOCATED_AT_ONCE, LOCATED_TOGETHER = 16, 8
KINDS_KNOWN = 64
"""Kinds of jobs of which it is remembered how long a partition took."""
KILLED = "the worker process died while it was computed"


@dataclass(frozen=True)
class Facts:
    """What a cluster is at a moment.

    Attributes
    ----------
    answer_seconds : that the scheduler took to answer
    workers, hosts, threads : how many there are
    versions : of what has to be the same everywhere, by name
    """

    answer_seconds: float
    workers: int
    hosts: int
    threads: int
    versions: dict[str, str]


class ClusterExecutor:
    """Runs jobs on the workers of a dask scheduler; the newest job goes first.

    Parameters
    ----------
    address : of the scheduler, ``tcp://host:8786``; without one, a cluster of processes is started on this machine
    workers, threads : how many processes of how many threads that has
    timeout : seconds that connecting may take
    patience : seconds beyond what a task should take, after which its partitions are given to others too
    lost_patience : seconds that jobs wait for a scheduler whose connection is lost; what is done of them stays. By
        default they fail at once

    Raises ClusterError where nothing answers there, or its versions are not those here; UsageError for what is no
    address.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        workers: int = 2,
        threads: int = 1,
        timeout: float = 5.0,
        patience: float = 5.0,
        lost_patience: float = 0.0,
    ) -> None:
        self._timeout, self._patience = timeout, patience
        self._lost_patience = lost_patience if address is not None else 0.0  # what was started here is gone for good
        self._lost_at: float | None = None
        self._runs: list[ClusterRun] = []
        self._roster = Roster()
        self._left_out: dict[str, ClusterError] = {}
        self._seconds_known: OrderedDict[tuple[Any, ...], float] = OrderedDict()
        self._serial = 0
        self._error: LtdeskError | None = None
        self._closed = False
        self._background: set[asyncio.Task[Any]] = set()
        self._meeting: dict[str, asyncio.Task[Any]] = {}
        self._thread = LoopThread("ltdesk-cluster")
        try:
            self._link = self._thread.run(Link.connect(address, workers, threads, timeout))
        except BaseException:
            self._thread.close()
            raise
        try:
            self._thread.run(self._open())
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> str:
        """Of the scheduler."""
        return self._link.address

    @property
    def workers(self) -> tuple[str, ...]:
        """Addresses of the workers that are there now."""
        return tuple(worker.address for worker in self._roster)

    def facts(self) -> Facts:
        """What the cluster is now; asks the scheduler. Raises ClusterError where it doesn't answer."""
        try:
            return self._thread.run(self._facts())
        except (OSError, TimeoutError) as error:
            raise ClusterError(f"{self.address}: the scheduler does not answer", "Check that it runs.") from error

    @property
    def lost_for(self) -> float | None:
        """Seconds since the connection to the scheduler was lost; None while it is there."""
        lost_at = self._lost_at
        return None if lost_at is None else time.monotonic() - lost_at

    def submit(
        self, job: Job, dataset: Dataset | None = None, on_partial: Callable[[Partial], None] | None = None
    ) -> JobHandle:
        """Start `job`. Raises OpenError, UsageError, ClusterError at once where the request cannot work.

        `on_partial` is called with each partial before it is assembled, in the executor's thread.
        """
        if self._error is not None:
            raise self._error
        if dataset is None:
            from ltdesk.engine.open import open_ref

            dataset = open_ref(job.dataset)
        prepare(job, dataset)
        handle, plan = JobHandle(job, dataset), dataset.plan()
        # dataset.ref, not the job's: it has an absolute path, which means the same in another process
        told = job.model_copy(update={"dataset": dataset.ref})
        spec = spec_of(told.model_dump_json(), dataset.identity())
        run = ClusterRun(handle, uuid.uuid4().hex, spec, plan, on_partial, self._seconds_known.get(_kind_of(job)))
        handle.execution.update(executor="cluster", scheduler=self.address)
        if self._left_out:
            handle.execution.update(workers_left_out=[str(error) for error in self._left_out.values()])
        run.tell(self._roster)
        handle.on_cancel(lambda: self._thread.call(self._cancel, run))
        handle.started(plan)
        self._thread.call(self._begin, run)
        return handle

    def close(self) -> None:
        """Cancel all jobs, and let go of the connection and of what was started."""
        if self._closed:
            return
        self._closed = True
        self._error = self._error or ClusterError("the executor is closed", "Make a new one.")
        for run in list(self._runs):
            run.handle.cancel()
        self._thread.run(self._close())
        self._thread.close()

    def __enter__(self) -> ClusterExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- all that follows happens in the loop's thread -------------------------------------------------------

    async def _listen(self) -> None:
        self._link.listen(self._event)
        with contextlib.suppress(OSError, TimeoutError):  # lost again: the watch sees it
            for address in await self._link.workers():
                self._meet(address)

    async def _open(self) -> None:
        await self._listen()
        met = asyncio.gather(*self._meeting.values(), return_exceptions=True)
        with contextlib.suppress(TimeoutError):  # those that take longer join when they answer
            await asyncio.wait_for(asyncio.shield(met), self._timeout)
        if self._left_out and not len(self._roster):
            raise next(iter(self._left_out.values()))
        self._spawn(self._keep_watch())

    async def _close(self) -> None:
        deadline = asyncio.get_running_loop().time() + CANCEL_PATIENCE + 1
        while self._runs and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(TICK / 4)
        while tasks := list(self._background):  # again: what waits for dask may miss it once
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=TICK)
        await self._link.close()

    async def _facts(self) -> Facts:
        started = time.monotonic()
        await self._link.workers()
        seconds, workers = time.monotonic() - started, list(self._roster)
        hosts = {urlsplit(worker.address).hostname for worker in workers}
        return Facts(seconds, len(workers), len(hosts), sum(w.threads for w in workers), own_versions())

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ClusterError | OSError):
            log.error("what drives the cluster's jobs broke", exc_info=error)
            for run in list(self._runs):
                self._end(run, ClusterError(f"{self.address}: {type(error).__name__}: {error}", "This is a bug."))

    # --- workers come and go ---------------------------------------------------------------------------------

    def _event(self, message: dict[str, Any]) -> None:
        if message.get("action") == "add-worker":
            self._meet(message["worker"])
        elif message.get("action") == "remove-worker":
            self._leave(message)

    def _meet(self, address: str) -> None:
        if address not in self._roster and address not in self._meeting:
            self._meeting[address] = self._spawn(self._join(address))

    async def _join(self, address: str) -> None:
        """Take a worker in once it answers; one that has other versions is left out."""
        try:
            while self._link.is_up and not await self._has_joined(address):
                await asyncio.sleep(TICK)
        except ClusterError as error:
            log.warning("a worker is left out: %s", error)
            self._left_out[address] = error
        finally:
            self._meeting.pop(address, None)
        self._pump()

    async def _has_joined(self, address: str) -> bool:
        """Whether a worker was taken in, or is gone. Raises ClusterError where it has other versions."""
        try:
            if identity := (await self._link.workers()).get(address):
                self._roster.add(await self._link.meet(address, identity))
        except (OSError, TimeoutError):
            return False
        return True

    def _leave(self, message: dict[str, Any]) -> None:
        address = message["worker"]
        self._roster.remove(address)
        self._left_out.pop(address, None)
        if meeting := self._meeting.get(address):
            meeting.cancel()
        held, died = set(message.get("processing-tasks", ())), not message.get("expected")
        for run in list(self._runs):
            for key in held & run.resent.keys():  # before it was let go, dask had given it to this worker
                run.killed(run.resent.pop(key), address, KILLED)
            for flight in [flight for flight in run.flights if flight.worker.address == address or flight.key in held]:
                self._drop(flight)
                if flight.key in held and died and not flight.late:
                    run.resent[flight.key] = flight.indices
                    run.killed(flight.indices, address, KILLED)
                else:
                    run.give_back(flight.indices)
            self._check(run)
        self._pump()

    # --- jobs ------------------------------------------------------------------------------------------------

    def _begin(self, run: ClusterRun) -> None:
        self._runs.insert(0, run)
        if self._error is not None:
            self._end(run, None if run.handle.cancel_requested else self._error)
        elif run.handle.cancel_requested:
            self._cancel(run)
        else:
            self._spawn(self._locate(run))

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
                self._pump()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _pump(self, workers: Iterable[Worker] | None = None) -> None:
        """Give work to those that have room for it, the emptiest first."""
        for run in [run for run in self._runs if run.is_over]:
            self._end(run)
        hungry = list(self._roster if workers is None else workers)
        while self._link.is_up and hungry:
            hungry = [worker for worker in hungry if worker.has_room and worker.address in self._roster]
            hungry.sort(key=lambda worker: len(worker.flights))
            hungry = [worker for worker in hungry if self._feed(worker)]

    def _feed(self, worker: Worker) -> bool:
        for run in self._runs:
            if indices := run.take(worker, self._roster):
                self._send(run, worker, indices)
                return True
        return False

    def _send(self, run: ClusterRun, worker: Worker, indices: tuple[int, ...]) -> None:
        self._serial += 1
        expected = run.expected(len(indices)) * (2 + len(worker.flights))
        due = asyncio.get_running_loop().time() + max(self._patience, 10 * expected)
        alone = any(run.is_suspect(index) for index in indices)
        flight = Flight(run, f"ltdesk-{run.token}-{self._serial}", worker, indices, alone, due)
        flight.future = self._link.send(run, flight, None if run.token in worker.knows else run.spec)
        run.flights.add(flight)
        worker.flights.add(flight)
        flight.follower = self._spawn(self._follow(flight))

    async def _follow(self, flight: Flight) -> None:
        """Wait for the answer to a task and take it in."""
        run = flight.run
        try:
            answer = await self._link.answer(flight)
            self._drop(flight)
            if answer is None:
                run.give_back(flight.indices)
            elif not run.ended:
                run.answered(flight, answer, self._roster)
        except KilledWorker as error:
            self._drop(flight)
            run.killed(flight.indices, str(error.last_worker.address), KILLED)
        except OSError as error:  # on the way to the scheduler; if that is gone, `_keep_watch` sees it
            log.info("an answer was lost: %s", error)
            self._drop(flight)
            run.give_back(flight.indices)
        except Exception as error:
            log.exception("a task's answer could not be taken in")
            self._drop(flight)
            self._end(run, LtdeskError(f"{run.handle.dataset.ref.uri}: {type(error).__name__}: {error}"))
        self._check(run)
        self._pump([flight.worker, *(worker for worker in self._roster if not worker.flights)])

    def _drop(self, flight: Flight) -> None:
        """Forget a task: dask lets go of its result, and doesn't begin it where it hasn't yet."""
        flight.run.flights.discard(flight)
        flight.worker.flights.discard(flight)
        flight.future.release()
        if flight.follower is not asyncio.current_task():
            flight.follower.cancel()

    def _check(self, run: ClusterRun) -> None:
        if not run.ended and (error := run.unreadable(self._roster, self.address)):
            self._end(run, error)

    def _cancel(self, run: ClusterRun) -> None:
        if run.ended or run.stop_by is not None:
            return
        run.stop_by = asyncio.get_running_loop().time() + CANCEL_PATIENCE
        if busy := {flight.worker.address for flight in run.flights}:
            self._spawn(self._link.tell_cancelled(run.token, busy))
        self._pump()

    def _end(self, run: ClusterRun, error: LtdeskError | None = None) -> None:
        if run.ended:
            return
        run.ended = True
        self._runs.remove(run)
        if run.seconds is not None:
            remember(self._seconds_known, _kind_of(run.handle.job), run.seconds, KINDS_KNOWN)
        if run.flights and error is not None and self._link.is_up:
            self._spawn(self._link.tell_cancelled(run.token, {flight.worker.address for flight in run.flights}))
        for flight in list(run.flights):
            self._drop(flight)
        run.tell(self._roster)
        state = run.handle.state
        if error is not None or state.done + len(state.failures) < state.total:
            run.handle.stopped(error)
        else:
            run.handle.finished()

    # --- what does not report itself -------------------------------------------------------------------------

    async def _keep_watch(self) -> None:
        """See to all that is under way, and to the connection when it is lost."""
        while True:
            await self._watch_while_up()
            if not await self._come_back():
                return

    async def _watch_while_up(self) -> None:
        """See to what is overdue, to jobs that were cancelled, and to whether the scheduler is still there."""
        loop = asyncio.get_running_loop()
        no_workers_since = loop.time()
        while self._link.is_up:
            await asyncio.sleep(TICK)
            now = loop.time()
            if len(self._roster) or not self._runs:
                no_workers_since = now
            for run in list(self._runs):
                self._see_to(run, now)
                if now - no_workers_since > WORKERS_PATIENCE:
                    self._end(run, ClusterError(f"{self.address}: has no workers", "Start some: dask worker ADDRESS."))
            self._pump()

    def _see_to(self, run: ClusterRun, now: float) -> None:
        run.tell(self._roster)
        if run.stop_by is not None and now > run.stop_by:
            self._end(run)
        for flight in [flight for flight in run.flights if now > flight.due and not flight.late]:
            if flight.asked:
                self._give_to_others(flight)
            else:
                flight.asked, flight.due = True, now + LONGEST_TASK
                self._spawn(self._ask(flight))

    async def _ask(self, flight: Flight) -> None:
        """See whether a worker still answers that lets a task wait; if not, others get its work until it does."""
        worker = flight.worker
        asked = asyncio.ensure_future(self._link.ask(worker.address))
        with contextlib.suppress(OSError):
            try:
                await asyncio.wait_for(asyncio.shield(asked), self._patience)
            except TimeoutError:
                self._roster.set_silent(worker, True)
                for waiting in list(worker.flights):
                    self._give_to_others(waiting)
                self._pump()
                await asked
        self._roster.set_silent(worker, False)

    def _give_to_others(self, flight: Flight) -> None:
        log.warning("%s lets a task wait; its partitions are given to others", flight.worker.address)
        flight.late = True
        flight.run.give_back(flight.indices)

    async def _come_back(self) -> bool:
        """Connect again and go on, as long as jobs wait for that; otherwise they fail. Whether it is back."""
        self._lost_at = time.monotonic()
        self._take_all_back()
        await self._link.close()  # it would look for the scheduler too
        while not self._closed and time.monotonic() < self._lost_at + self._lost_patience:
            try:
                fresh = await Link.connect(self.address, 0, 0, self._timeout)
            except ClusterError as error:
                log.info("%s", error)
                await asyncio.sleep(RETRY)
                continue
            self._link, self._lost_at = fresh, None
            await self._listen()
            return True
        self._give_up()
        return False

    def _take_all_back(self) -> None:
        """What was under way waits again: the workers of a scheduler that comes back know nothing of it."""
        for meeting in self._meeting.values():
            meeting.cancel()
        for worker in self._roster:
            self._roster.remove(worker.address)
        for run in list(self._runs):
            run.refused.clear()
            for flight in list(run.flights):
                self._drop(flight)
                run.give_back(flight.indices)
        self._pump()

    def _give_up(self) -> None:
        self._error = ClusterError(
            f"{self.address}: the connection to the scheduler is lost", "Connect again when it is back, and run again."
        )
        for run in list(self._runs):
            self._end(run, self._error)


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
