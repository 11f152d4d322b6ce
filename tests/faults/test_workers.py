"""Workers that die, freeze, come and go while a job runs: the right result, or a clear failure, in bounded time."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from ltdesk.analysis import CenterOfMass, MaxFrame, StdFrame, SumFrame, VirtualDetector
from ltdesk.engine.assembly import Results
from ltdesk.engine.cluster import ClusterExecutor
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.executor import JobHandle
from ltdesk.engine.open import open_dataset
from ltdesk.errors import JobCancelled, JobFailed
from ltdesk.geometry import Rectangle
from tests.dask_processes import DaskProcesses, until
from tests.engine.executor_suite import job_for
from tests.faults.gated_scan import Commands, install

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("dask")]

HOSTS = {"a": "127.0.0.2", "b": "127.0.0.3", "c": "127.0.0.4"}
DETECTORS = (
    VirtualDetector(Rectangle(y0=0, x0=0, y1=128, x1=50), name="left"),
    VirtualDetector(Rectangle(y0=0, x0=50, y1=128, x1=128), name="right"),
)
ANALYSES = (*DETECTORS, SumFrame(), MaxFrame(), StdFrame(), CenterOfMass())
BOUND = 120.0
"""Seconds in which each fault is dealt with; a few on a machine that does nothing else."""


class Gated(NamedTuple):
    """A scan of 24 partitions whose workers do as they are told."""

    scan: Dataset
    array: NDArray[Any]
    commands: Commands

    def submit(self, executor: ClusterExecutor) -> JobHandle:
        return executor.submit(job_for(self.scan, *ANALYSES), self.scan)

    def sums(self) -> dict[str, NDArray[Any]]:
        """What the detectors give: whole numbers, so that float sums are exact in any order."""
        wide = self.array.astype(np.float64)
        return {"left": wide[..., :50].sum(axis=(2, 3)), "right": wide[..., 50:].sum(axis=(2, 3))}

    def submit_and_wait_for(self, executor: ClusterExecutor, workers: int) -> JobHandle:
        """A job that has begun on so many workers, and comes no further."""
        for path in self.commands.folder.glob("begun-*"):
            path.unlink()
        self.commands.shut()
        handle = self.submit(executor)
        until(lambda: len(self.commands.processes()) == workers, f"{workers} workers begin")
        return handle

    def check(self, results: Results) -> None:
        self.check_where(results, np.ones(self.scan.scan_shape, bool))

    def check_all_but(self, results: Results, index: int) -> None:
        """What is left where one partition failed."""
        valid = np.ones(self.scan.scan_shape, bool)
        valid[self.scan.plan()[index].slices] = False
        self.check_where(results, valid)

    def check_where(self, results: Results, valid: NDArray[np.bool_]) -> None:
        """Each frame took part once, or not at all: in the images, and in what is folded of frames."""
        np.testing.assert_array_equal(results.valid, valid)
        for name, sums in self.sums().items():
            np.testing.assert_array_equal(results[name], np.where(valid, sums, np.nan))
        frames = self.array[valid].astype(np.float64)
        np.testing.assert_array_equal(results["sum_frame"], frames.sum(axis=0))
        np.testing.assert_array_equal(results["max_frame"], frames.max(axis=0))
        np.testing.assert_allclose(results["std_frame"], frames.std(axis=0), rtol=1e-9)
        rows, columns = frames.sum(axis=2), frames.sum(axis=1)
        for name, lines in (("com_y", rows), ("com_x", columns)):
            places = np.arange(lines.shape[1]) - (lines.shape[1] - 1) / 2
            np.testing.assert_allclose(results[name][valid], lines @ places / lines.sum(axis=1), rtol=1e-9, atol=1e-9)
            assert np.isnan(results[name][~valid]).all()


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskProcesses]:
    processes = DaskProcesses(tmp_path_factory.mktemp("dask"), install(tmp_path_factory.mktemp("plug-in")))
    for name, host in HOSTS.items():
        processes.start_worker(name, host)
    try:
        compile_kernels(processes, tmp_path_factory.mktemp("first"))
        yield processes
    finally:
        processes.stop()


def compile_kernels(processes: DaskProcesses, folder: Path) -> None:
    """A first job, so that no fault has to wait for a compiler."""
    np.save(folder / "scan.npy", np.ones((24, 16, 128, 128), np.float32))
    with (
        open_dataset(folder / "scan.npy") as scan,
        ClusterExecutor(processes.address, timeout=150, patience=300) as executor,
    ):
        until(lambda: len(executor.workers) == len(HOSTS), "the workers join")
        executor.submit(job_for(scan, *ANALYSES), scan).result(300)


@pytest.fixture
def executor(dask: DaskProcesses) -> Iterator[ClusterExecutor]:
    dask.revive()
    with ClusterExecutor(dask.address, timeout=150, patience=1) as cluster:
        all_there = lambda: set(cluster.workers) == {dask.addresses[name] for name in dask.workers}  # noqa: E731
        until(all_there, "the workers join")
        yield cluster


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[Gated]:
    array = np.random.default_rng(5).integers(0, 60000, (24, 16, 128, 128)).astype(np.float32)
    np.save(tmp_path / "scan.npy", array)
    (tmp_path / "commands").mkdir()
    commands = Commands(tmp_path / "commands")
    with commands.scan(str(tmp_path / "scan.npy")) as scan:
        assert len(scan.plan()) == 24
        yield Gated(scan, array, commands)


@pytest.fixture
def repaired() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def in_time() -> Iterator[Callable[[], None]]:
    """Starts the clock when it is called; the test fails that takes longer than `BOUND` from then."""
    started: list[float] = []
    yield lambda: started.append(time.monotonic())
    assert time.monotonic() - started[0] < BOUND


Clock = Callable[[], None]


def test_a_worker_is_killed(executor: ClusterExecutor, dask: DaskProcesses, gated: Gated, in_time: Clock) -> None:
    handle = gated.submit_and_wait_for(executor, 3)
    in_time()
    dask.workers["b"].kill()
    until(lambda: len(executor.workers) == 2, "its end is seen")
    gated.commands.open()
    gated.check(handle.result(250))
    assert handle.execution["workers"] == 2


def test_all_workers_are_killed_and_come_back(
    executor: ClusterExecutor, dask: DaskProcesses, gated: Gated, in_time: Clock
) -> None:
    handle = gated.submit_and_wait_for(executor, 3)
    for process in dask.workers.values():
        process.kill()
    until(lambda: not executor.workers, "they are gone")
    assert handle.state.status == "running"
    gated.commands.open()
    in_time()
    for process in dask.workers.values():
        process.wait(60)
    dask.revive()
    gated.check(handle.result(250))


def test_a_frozen_worker_is_passed_by_and_used_when_it_is_back(
    executor: ClusterExecutor, dask: DaskProcesses, gated: Gated, in_time: Clock, repaired: ExitStack
) -> None:
    gated.check(gated.submit(executor).result(250))
    handle = gated.submit_and_wait_for(executor, 3)
    in_time()
    repaired.callback(dask.signal, "b", signal.SIGCONT)
    dask.signal("b", signal.SIGSTOP)
    gated.commands.open()
    gated.check(handle.result(250))
    dask.signal("b", signal.SIGCONT)
    until(lambda: all(not worker.silent for worker in executor._dispatch.roster), "it is believed again")
    handle = gated.submit_and_wait_for(executor, 3)
    gated.commands.open()
    gated.check(handle.result(250))


def test_a_partition_that_kills_its_worker_fails_alone(
    executor: ClusterExecutor, dask: DaskProcesses, gated: Gated, in_time: Clock
) -> None:
    gated.commands.kill_at(5)
    in_time()
    handle = gated.submit(executor)
    while not handle.wait(0.05):
        dask.revive()
    with pytest.raises(JobFailed) as caught:
        handle.result()
    assert list(caught.value.failures) == [5]
    message = str(caught.value)
    for part in (
        "1 of 24 partitions failed; partition 5: ",
        "scan.gated (scan rows ",
        "the worker process died",
        "3 times",
    ):
        assert part in message
    assert any(host in message for host in HOSTS.values())
    gated.check_all_but(handle.results(), 5)
    assert len(gated.commands.begun[5]) == 3


def test_a_partition_that_cannot_be_read_fails_alone(executor: ClusterExecutor, gated: Gated, in_time: Clock) -> None:
    gated.commands.fail_at(5)
    in_time()
    handle = gated.submit(executor)
    with pytest.raises(
        JobFailed, match=r"partition 5: .*scan\.gated \(scan rows .* on 127\.0\.0\.\d \(3 tries\): .*Input/"
    ):
        handle.result(250)
    gated.check_all_but(handle.results(), 5)
    assert len(gated.commands.begun[5]) == 3, "each on another worker"


def test_what_fails_once_is_done_elsewhere(executor: ClusterExecutor, gated: Gated, in_time: Clock) -> None:
    for index in (0, 7, 23):
        gated.commands.fail_at(index, times=1)
    in_time()
    gated.check(gated.submit(executor).result(250))
    assert all(len(gated.commands.begun[index]) == 2 for index in (0, 7, 23))


def test_a_cancel_is_felt_though_the_workers_hang(executor: ClusterExecutor, gated: Gated) -> None:
    handle = gated.submit_and_wait_for(executor, 3)
    handle.cancel()
    assert handle.wait(60)
    with pytest.raises(JobCancelled):
        handle.result()
    gated.commands.open()
    gated.check(gated.submit(executor).result(250))


def test_a_worker_joins_and_leaves_while_jobs_run(
    executor: ClusterExecutor, dask: DaskProcesses, gated: Gated, in_time: Clock, repaired: ExitStack
) -> None:
    handle = gated.submit_and_wait_for(executor, 3)
    repaired.callback(dask.forget, "late")
    dask.start_worker("late", "127.0.0.5")
    until(lambda: len(gated.commands.processes()) == 4, "the new one has its share")
    in_time()
    gated.commands.open()
    results = handle.result(250)
    gated.check(results)
    assert "127.0.0.5" in results.execution["hosts"]
    handle = gated.submit_and_wait_for(executor, 4)
    dask.signal("late", signal.SIGTERM)
    until(lambda: len(executor.workers) == 3, "it takes its leave")
    gated.commands.open()
    gated.check(handle.result(250))
