"""`PlacedExecutor`: each job runs where its scan can be read, on the cluster that is connected or on this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ltdesk.engine.dataset import Dataset
from ltdesk.errors import ClusterError, OpenError
from ltdesk.job import DatasetRef, Job

if TYPE_CHECKING:  # they load the kernels and dask, which the window does not wait for
    from ltdesk.engine.cluster import ClusterExecutor
    from ltdesk.engine.executor import Executor, JobHandle
    from ltdesk.engine.partial import Partial

OnPartial = Callable[["Partial"], None]


class PlacedExecutor:
    """Hands jobs to one of two executors, and takes back what the workers can't read.

    Its methods are for any thread. Closing it closes the one here; who connected a cluster closes that.

    here : the executor of this machine
    """

    def __init__(self, here: Executor) -> None:
        self.here = here
        self._far: ClusterExecutor | None = None
        self._refused: dict[DatasetRef, str] = {}
        self._lock = threading.Lock()

    @property
    def cluster(self) -> ClusterExecutor | None:
        """The cluster that is connected."""
        return self._far

    def connect(self, cluster: ClusterExecutor | None) -> ClusterExecutor | None:
        """From now on jobs may run there; None: all run here. Returns the cluster that was connected before."""
        with self._lock:
            before, self._far = self._far, cluster
            self._refused.clear()
        return before

    def is_far(self, dataset: Dataset) -> bool:
        """Do jobs on `dataset` run on the cluster? Those on what other machines can open do."""
        return self._far is not None and dataset.is_shared and dataset.ref not in self._refused

    def refusal(self, dataset: Dataset) -> str:
        """Why the cluster's workers can't read `dataset`; empty where they haven't said so."""
        return self._refused.get(dataset.ref, "")

    def submit(self, job: Job, dataset: Dataset | None = None, on_partial: OnPartial | None = None) -> JobHandle:
        """Start a job, and call `on_partial` with each partial before it is assembled. Raises as the executor does."""
        far = self._far
        watch: dict[str, Any] = {} if on_partial is None else {"on_partial": on_partial}
        if far is not None and dataset is not None and self.is_far(dataset):
            try:
                return far.submit(job, dataset, **watch)
            except ClusterError:
                if far is self._far:
                    raise
        return self.here.submit(job, dataset, **watch)

    def take_back(self, handle: JobHandle) -> bool:
        """Did a job fail because the workers can't read its scan? Then those to come run here.

        A scan that nobody can read fails here as well, and says why.
        """
        if handle.execution.get("executor") != "cluster" or not isinstance(handle.error, OpenError):
            return False
        with self._lock:
            self._refused[handle.dataset.ref] = handle.error.what
        return True

    def close(self) -> None:
        """Close the executor of this machine."""
        self.here.close()
