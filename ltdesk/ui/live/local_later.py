"""The local executor, made when the first job comes: the window is there before the kernels are loaded."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ltdesk.engine.dataset import Dataset
from ltdesk.job import Job

if TYPE_CHECKING:
    from ltdesk.engine.executor import JobHandle
    from ltdesk.engine.local import LocalExecutor as Local
    from ltdesk.engine.partial import Partial


class LocalExecutor:
    """As `ltdesk.engine.local.LocalExecutor`, which it makes in the thread that submits first.

    Loading the kernels takes a quarter of a second: `warm_up` does it in a thread of its own while the user
    looks for a file.
    """

    def __init__(self) -> None:
        self.threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._local: Local | None = None
        self._lock = threading.Lock()
        self._warming: threading.Thread | None = None
        self._compiling: subprocess.Popen[bytes] | None = None
        self._closed = False

    def submit(
        self, job: Job, dataset: Dataset | None = None, on_partial: Callable[[Partial], None] | None = None
    ) -> JobHandle:
        """Start a job, and call `on_partial` with each partial before it is assembled. Raises as the local executor
        does."""
        return self._get().submit(job, dataset, on_partial)

    def warm_up(self) -> None:
        """Load what the first job needs, in a thread."""
        self._warming = threading.Thread(target=self._load, name="ltdesk-warm-up", daemon=True)
        self._warming.start()

    def compile_ahead(self) -> None:
        """Have a process compile what no job has needed yet, so that no click waits for it; loads as `warm_up` does."""
        if self._closed:  # the window's timers outlive it for a moment
            return
        work = partial(self._compile, after=self._warming)
        self._warming = threading.Thread(target=work, name="ltdesk-warm-up", daemon=True)
        self._warming.start()

    def close(self) -> None:
        """Cancel all jobs and wait for the threads."""
        self._closed = True
        if self._warming is not None:
            self._warming.join()
        if self._compiling is not None:
            self._compiling.terminate()  # what it has done so far stays
            self._compiling.wait()
        if self._local is not None:
            self._local.close()

    def _load(self) -> None:
        self._get()
        from ltdesk.engine.warm_up import load

        load()

    def _compile(self, after: threading.Thread | None) -> None:
        from ltdesk.engine.warm_up import start_process

        if after is not None:
            after.join()
        self._get()
        self._compiling = start_process()

    def _get(self) -> Local:
        with self._lock:
            if self._local is None:
                from ltdesk.engine.local import LocalExecutor as Made

                self._local = Made(self.threads)
            return self._local
