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

from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
STARTING_MAY_TAKE = 60.0
POLL = 0.02


class DaskProcesses:
    """A scheduler on 127.0.0.1, and workers of one thread that announce the hosts they are given.

    address : of the scheduler
    workers : the processes by their names
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port("127.0.0.1")
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.addresses: dict[str, str] = {}
        self.scheduler = self._start("scheduler", "scheduler", "--host", "127.0.0.1", "--port", str(self.port))

    def start_worker(self, name: str, host: str = "127.0.0.1") -> str:
        """Start a worker; its address, where it will soon be."""
        port = free_port(host)
        options = ("--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--name", name, "--death-timeout", "60")
        self.workers[name] = self._start(
            name, "worker", self.address, "--host", host, "--worker-port", str(port), *options
        )
        self.addresses[name] = f"tcp://{host}:{port}"
        return self.addresses[name]

    def name_of(self, address: str) -> str:
        return next(name for name, known in self.addresses.items() if known == address)

    def kill(self, name: str) -> None:
        self.workers[name].kill()
        self.workers.pop(name).wait(10)

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
            process.wait(10)

    def _start(self, name: str, kind: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli.dask_" + kind, *options, "--no-dashboard"]
        kernels = str(Path(os.environ["NUMBA_CACHE_DIR"]) / f"dask-{name.partition('.')[0]}")
        environment = {**os.environ, "NUMBA_CACHE_DIR": kernels, "PYTHONPATH": str(ROOT)}
        with (self.folder / f"{name}.log").open("wb") as output:
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
