"""The cluster executor: `run_partition` on the workers of dask.distributed, partials folded here.

Each worker has a task or two at a time and gets the next when one is answered: work goes where it is done quickest, and
a cancel has little to undo. Which worker gets what is decided here (`cluster_run`), with a preference for those on the
hosts that hold the bytes; to dask it is a preference too, so that no task waits for a worker that is gone.

What happens to the jobs is in `cluster_dispatch`, to the workers in `cluster_joining`; `cluster_watch` sees to what
reports nothing. These live in one thread's event loop, this class in the caller's.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from ltdesk.engine.cluster_connect import own_versions
from ltdesk.engine.cluster_dispatch import Dispatch
from ltdesk.engine.cluster_joining import Joining
from ltdesk.engine.cluster_link import Link
from ltdesk.engine.cluster_run import ClusterRun
from ltdesk.engine.cluster_tasks import spec_of
from ltdesk.engine.cluster_thread import LoopThread
from ltdesk.engine.cluster_watch import Watch
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.executor import JobHandle
from ltdesk.engine.file_uris import must_be_text
from ltdesk.engine.freed_memory import keep_freed_memory
from ltdesk.engine.partial import Partial
from ltdesk.engine.partition import prepare
from ltdesk.errors import ClusterError
from ltdesk.job import Job

log = logging.getLogger(__name__)


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
        keep_freed_memory()  # here results are folded
        self._timeout = timeout
        self._thread = LoopThread("ltdesk-cluster")
        try:
            link = self._thread.run(Link.connect(address, workers, threads, timeout))
        except BaseException:
            self._thread.close()
            raise
        self._dispatch = Dispatch(link, patience)
        self._joining = Joining(self._dispatch)
        lost_patience = lost_patience if address is not None else 0.0  # what was started here is gone for good
        self._watch = Watch(self._dispatch, self._joining, timeout, lost_patience)
        try:
            self._thread.run(self._open())
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> str:
        """Of the scheduler."""
        return self._dispatch.link.address

    @property
    def workers(self) -> tuple[str, ...]:
        """Addresses of the workers that are there now."""
        return tuple(worker.address for worker in self._dispatch.roster)

    def facts(self) -> Facts:
        """What the cluster is now; asks the scheduler. Raises ClusterError where it doesn't answer."""
        try:
            return self._thread.run(self._facts())
        except (OSError, TimeoutError) as error:
            raise ClusterError(f"{self.address}: the scheduler does not answer", "Check that it runs.") from error

    @property
    def lost_for(self) -> float | None:
        """Seconds since the connection to the scheduler was lost; None while it is there."""
        lost_at = self._watch.lost_at
        return None if lost_at is None else time.monotonic() - lost_at

    def submit(
        self, job: Job, dataset: Dataset | None = None, on_partial: Callable[[Partial], None] | None = None
    ) -> JobHandle:
        """Start `job`. Raises OpenError, UsageError, ClusterError at once where the request cannot work.

        `on_partial` is called with each partial before it is assembled, in the executor's thread.
        """
        if self._dispatch.error is not None:
            raise self._dispatch.error
        if dataset is None:
            from ltdesk.engine.open import open_ref

            dataset = open_ref(job.dataset)
        prepare(job, dataset)
        handle, plan = JobHandle(job, dataset), dataset.plan()
        # dataset.ref, not the job's: it has an absolute path, which means the same in another process
        must_be_text(dataset.ref.uri)
        told = job.model_copy(update={"dataset": dataset.ref})
        spec = spec_of(told.model_dump_json(), dataset.identity())
        run = ClusterRun(handle, uuid.uuid4().hex, spec, plan, on_partial, self._dispatch.guess(job))
        handle.execution.update(executor="cluster", scheduler=self.address)
        if self._joining.left_out:
            handle.execution.update(workers_left_out=[str(error) for error in self._joining.left_out.values()])
        run.tell(self._dispatch.roster)
        handle.on_cancel(lambda: self._thread.call(self._dispatch.cancel, run))
        handle.started(plan)
        self._thread.call(self._dispatch.begin, run)
        return handle

    def close(self) -> None:
        """Cancel all jobs, and let go of the connection and of what was started."""
        if self._watch.closed:
            return
        self._watch.closed = True
        self._dispatch.error = self._dispatch.error or ClusterError("the executor is closed", "Make a new one.")
        for run in list(self._dispatch.runs):
            run.handle.cancel()
        self._thread.run(self._dispatch.close())
        self._thread.close()

    def __enter__(self) -> ClusterExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- all that follows happens in the loop's thread -------------------------------------------------------

    async def _open(self) -> None:
        await self._joining.listen()
        await self._joining.first(self._timeout)
        self._dispatch.spawn(self._watch.keep())

    async def _facts(self) -> Facts:
        started = time.monotonic()
        await self._dispatch.link.workers()
        seconds, workers = time.monotonic() - started, list(self._dispatch.roster)
        hosts = {urlsplit(worker.address).hostname for worker in workers}
        return Facts(seconds, len(workers), len(hosts), sum(w.threads for w in workers), own_versions())
