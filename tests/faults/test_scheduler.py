"""A scheduler that isn't there, is something else, has other versions, or ends: said at once and clearly."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client

from ltdesk.analysis import VirtualDetector
from ltdesk.engine.cluster import ClusterExecutor
from ltdesk.engine.cluster_connect import connect_client
from ltdesk.engine.cluster_link import Link
from ltdesk.engine.cluster_thread import LoopThread
from ltdesk.errors import ClusterError, UsageError
from ltdesk.geometry import Rectangle
from tests.dask_processes import DaskProcesses, until
from tests.engine.executor_suite import job_for
from tests.faults.gated_scan import Commands, install
from tests.ports import free_port

DETECTOR = VirtualDetector(Rectangle(y0=0, x0=0, y1=128, x1=128), name="all")
pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("dask")]


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[DaskProcesses]:
    processes = DaskProcesses(tmp_path, install(tmp_path / "plug-in"))
    yield processes
    processes.stop()


@pytest.fixture
def said_by_dask(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What dask's client would write to the terminal."""
    logger = logging.getLogger("distributed.client")
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def test_it_is_killed_and_a_new_one_goes_on(
    dask: DaskProcesses, tmp_path: Path, said_by_dask: pytest.LogCaptureFixture
) -> None:
    """The job fails at once; what is done stays to be seen; connecting again works once it is back."""
    array = np.random.default_rng(5).integers(0, 60000, (24, 16, 128, 128)).astype(np.float32)
    np.save(tmp_path / "scan.npy", array)
    (tmp_path / "commands").mkdir()
    commands, sums = Commands(tmp_path / "commands"), array.astype(np.float64).sum(axis=(2, 3))
    dask.start_worker("a", "127.0.0.2")
    with commands.scan(str(tmp_path / "scan.npy")) as scan:
        with ClusterExecutor(dask.address, timeout=150) as executor:
            until(lambda: len(executor.workers) == 1, "the worker joins")
            commands.shut_at(12)
            handle = executor.submit(job_for(scan, DETECTOR), scan)
            until(lambda: 12 in commands.begun, "the job is half done")
            started = time.monotonic()
            dask.kill_scheduler()
            with pytest.raises(ClusterError, match=r"the connection to the scheduler is lost.*Connect again"):
                handle.result(250)
            assert time.monotonic() - started < 20
            results = handle.results()
            assert results.valid.any()
            np.testing.assert_array_equal(results["all"], np.where(results.valid, sums, np.nan))
            with pytest.raises(ClusterError, match="is lost"):
                executor.submit(job_for(scan, DETECTOR), scan)
        assert [record.getMessage() for record in said_by_dask.records if record.levelno >= logging.ERROR] == []
        commands.open()
        dask.workers["a"].wait(200)  # it ends by itself, as its scheduler is gone
        dask.start_scheduler()
        dask.revive()
        with ClusterExecutor(dask.address, timeout=150) as executor:
            results = executor.submit(job_for(scan, DETECTOR), scan).result(250)
    np.testing.assert_array_equal(results["all"], sums)


def test_who_leaves_is_not_missed(dask: DaskProcesses) -> None:
    """The scheduler's log has no page about each client that has gone."""
    for _ in range(2):
        ClusterExecutor(dask.address, timeout=150).close()
    until(lambda: dask.output("scheduler").count("Remove client") >= 2, "both are gone")
    with ClusterExecutor(dask.address, timeout=150):  # what is logged of the last is complete
        assert "Traceback" not in dask.output("scheduler")


def test_a_worker_that_comes_while_one_connects_is_not_missed(
    dask: DaskProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is neither among those that the scheduler lists, nor told of, as long as that has not heard that we listen."""
    send: Any = Client._send_to_scheduler_safe
    registered = asyncio.Event()

    async def send_once_it_is_there(client: Any, message: dict[str, Any]) -> None:
        if not dask.workers:
            dask.start_worker("a", "127.0.0.2")
            while not (await client.scheduler.identity(n_workers=-1))["workers"]:
                await asyncio.sleep(0.02)
            registered.set()
        await registered.wait()
        send(client, message)

    def send_late(client: Any, message: dict[str, Any]) -> None:
        if message.get("op") == "subscribe-topic":
            client.loop.add_callback(send_once_it_is_there, client, message)
        else:
            send(client, message)

    monkeypatch.setattr(Client, "_send_to_scheduler_safe", send_late)
    with ClusterExecutor(dask.address, timeout=150) as executor:
        until(lambda: len(executor.workers) == 1, "the worker is met", 30)


def test_dask_writes_no_page_of_its_own_cancelled_search(said_by_dask: pytest.LogCaptureFixture) -> None:
    """It does so now and then, when its client is closed at a moment between two attempts to reach the scheduler."""

    class Searching:
        async def close(self, timeout: float) -> None:
            for error in (asyncio.CancelledError(), ValueError("something else")):
                logging.getLogger("distributed.client").error("", exc_info=error)
            said = "Failed to reconnect to scheduler after %.2f seconds, closing client"
            logging.getLogger("distributed.client").error(said, 150)

    asyncio.run(Link("tcp://127.0.0.1:1", Searching(), None, 1).close())
    assert [str(record.exc_info and record.exc_info[1]) for record in said_by_dask.records] == ["something else"]


def test_nothing_is_there() -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    started = time.monotonic()
    with pytest.raises(ClusterError, match=rf"{address}: there is no dask scheduler that answers.*Check host and port"):
        ClusterExecutor(address, timeout=2)
    assert time.monotonic() - started < 20


def test_it_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        started = time.monotonic()
        with pytest.raises(ClusterError, match="no dask scheduler that answers within 1 s"):
            ClusterExecutor(f"tcp://127.0.0.1:{server.getsockname()[1]}", timeout=1)
        assert time.monotonic() - started < 20


def test_it_is_something_else() -> None:
    """A NameNode's web page, say."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.sendall(b"HTTP/1.1 400 Illegal character\r\nContent-Length: 0\r\n\r\n")
                connection.recv(1 << 16)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ClusterError, match=r"no dask scheduler that answers.*what answers there is something else"):
            ClusterExecutor(f"tcp://127.0.0.1:{server.getsockname()[1]}", timeout=5)
        thread.join()


@pytest.mark.parametrize("turns", range(10))
def test_giving_up_at_any_moment_leaves_no_open_socket(turns: int) -> None:
    """Python warns of a socket that is let go while it is open: a window closed as it looks for its scheduler, say."""

    async def give_up(address: str) -> None:
        connecting = asyncio.create_task(connect_client(address, 5))
        for _ in range(turns):  # of the event loop: each is one more step on the way to the connection
            await asyncio.sleep(0)
        connecting.cancel()
        await asyncio.wait([connecting])

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = LoopThread("giving up")
        thread.run(give_up(f"tcp://127.0.0.1:{server.getsockname()[1]}"))
        thread.close()
        gc.collect()


def test_a_host_that_is_not_there() -> None:
    with pytest.raises(ClusterError, match=r"no\.such\.host\.invalid:8786: there is no dask scheduler"):
        ClusterExecutor("tcp://no.such.host.invalid:8786", timeout=2)


@pytest.mark.parametrize(
    "address", ["", "node0", "node0:8786", "http://node0:8786", "tcp://node0:port", "tcp://:8786", "tcp://127.0.0.1"]
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError, match=r"is not a scheduler's address. Write it like tcp://host:8786"):
        ClusterExecutor(address)


def other_version(package: str, folder: Path, dask: DaskProcesses) -> dict[str, str]:
    """An environment in which a package says that it is version 0.0.1."""
    info = folder / f"{package}-0.0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.0.1\n")
    return {"PYTHONPATH": f"{folder}:{dask.path}"}


def test_a_worker_with_another_version_is_left_out(dask: DaskProcesses, tmp_path: Path) -> None:
    """Alone, it can't be connected to; among others, jobs run on those, and say so."""
    dask.start_worker("old", "127.0.0.2", other_version("ltdesk", tmp_path / "other", dask))
    until(lambda: "Registered to" in dask.output("old"), "the worker registers")
    with pytest.raises(
        ClusterError, match=r"tcp://127\.0\.0\.2:\d+: the worker has ltdesk 0\.0\.1 \(here .*same versions"
    ):
        ClusterExecutor(dask.address, timeout=30)
    dask.start_worker("new", "127.0.0.3")
    until(lambda: "Registered to" in dask.output("new"), "the worker registers")
    np.save(tmp_path / "scan.npy", np.ones((4, 5, 6, 7), np.float32))
    from ltdesk.engine.open import open_dataset

    with ClusterExecutor(dask.address, timeout=30) as executor, open_dataset(tmp_path / "scan.npy") as scan:
        assert executor.workers == (dask.addresses["new"],)
        results = executor.submit(job_for(scan, DETECTOR), scan).result(250)
    np.testing.assert_array_equal(results["all"], np.full((4, 5), 42.0))
    (reason,) = results.execution["workers_left_out"]
    assert reason.startswith(f"{dask.addresses['old']}: the worker has ltdesk 0.0.1")


def test_a_version_that_does_not_matter_is_not_mentioned(dask: DaskProcesses, tmp_path: Path) -> None:
    """dask compares more than ltdesk has to have the same, and would warn in lines of its own."""
    dask.start_worker("other", environment=other_version("toolz", tmp_path / "other", dask))
    until(lambda: "Registered to" in dask.output("other"), "the worker registers")
    np.save(tmp_path / "scan.npy", np.ones((4, 5, 6, 7), np.float32))
    words = f"run {tmp_path}/scan.npy --on {dask.address} --analysis sum_frame -o {tmp_path}/a.npz".split()
    environment = os.environ | {"PYTHONPATH": dask.path}
    command = [sys.executable, "-m", "ltdesk", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    assert "toolz" not in done.stderr
