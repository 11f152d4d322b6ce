"""A real dask scheduler and workers as processes of their own, to be killed, stopped and started again by tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
STARTING_MAY_TAKE = 150.0
POLL = 0.02
OUR_WAY = {
    "DASK_DISTRIBUTED__SCHEDULER__WORK_STEALING": "False",
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
}
"""As ltdesk's clusters are set up: the executor itself decides who does what."""


class DaskProcesses:
    """A scheduler on 127.0.0.1, and workers of one thread that announce the hosts they are given.

    address : of the scheduler
    path : Python's, of all of them
    workers : the processes by their names
    """

    def __init__(self, folder: Path, plugins: str = "", protocol: str = "tcp", **environment: str) -> None:
        """plugins : one more folder of Python's path, for all of them, as `environment` is"""
        self.folder = folder
        self.path = os.pathsep.join(filter(None, (plugins, str(ROOT))))
        self.port = free_port()
        self._protocol, self._environment = protocol, environment
        self.address = f"{protocol}://127.0.0.1:{self.port}"
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.addresses: dict[str, str] = {}
        self._environments: dict[str, dict[str, str]] = {}
        self.start_scheduler()

    def start_scheduler(self) -> None:
        """Start it, or start it again at the same address."""
        host = f"{self._protocol}://127.0.0.1"
        self.scheduler = self._start("scheduler", "scheduler", "--host", host, "--port", str(self.port))

    def start_worker(self, name: str, host: str = "127.0.0.1", environment: dict[str, str] | None = None) -> str:
        """Start a worker, or start it again in another place; its address, where it will soon be."""
        environment = self._environments.setdefault(name, environment or {})
        port = free_port()
        options = ("--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--name", name, "--death-timeout", "150")
        self.workers[name] = self._start(
            name,
            "worker",
            self.address,
            "--host",
            f"{self._protocol}://{host}",
            "--worker-port",
            str(port),
            *options,
            **environment,
        )
        self.addresses[name] = f"{self._protocol}://{host}:{port}"
        return self.addresses[name]

    def revive(self) -> None:
        """Start those workers again, in the same place, that have ended."""
        for name, process in list(self.workers.items()):
            if process.poll() is not None:
                self.start_worker(name, str(urlsplit(self.addresses[name]).hostname))

    def forget(self, name: str) -> None:
        """End a worker for good."""
        self.workers[name].kill()
        self.workers.pop(name).wait(60)

    def kill_scheduler(self) -> None:
        self.scheduler.kill()
        self.scheduler.wait(60)

    def signal(self, name: str, number: signal.Signals) -> None:
        self.workers[name].send_signal(number)

    def output(self, name: str) -> str:
        """What a process has said so far."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def stop(self) -> None:
        processes = [self.scheduler, *self.workers.values()]
        for process in processes:
            with suppress(ProcessLookupError):
                process.kill()  # reaches those that are stopped, too
        for process in processes:
            process.wait(60)

    def _start(self, name: str, kind: str, *options: str, **more: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli.dask_" + kind, *options, "--no-dashboard"]
        environment = {
            **os.environ,
            "NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR") or str(ROOT / ".cache" / "numba" / "benchmarks"),
            "PYTHONPATH": self.path,
            **OUR_WAY,
            **self._environment,
            **more,
        }
        with (self.folder / f"{name}.log").open("ab") as output:
            return subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=output, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip


def until(condition: Callable[[], bool], what: str, seconds: float = STARTING_MAY_TAKE) -> None:
    """Wait for what another process does; fails with `what` where it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(POLL)
