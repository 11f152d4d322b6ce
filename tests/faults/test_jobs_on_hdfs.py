"""Nodes of HDFS that die or freeze, and the scheduler, while a job on dask workers reads from them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ltdesk.analysis import CenterOfMass, MaxFrame, StdFrame, SumFrame, VirtualDetector
from ltdesk.engine.cluster import ClusterExecutor
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.executor import JobHandle
from ltdesk.engine.ingest import ingest
from ltdesk.engine.ingested import IngestedScan
from ltdesk.engine.open import open_dataset
from ltdesk.geometry import Rectangle
from tests.cluster.hdfs import Hdfs
from tests.dask_processes import DaskProcesses, until
from tests.engine.executor_suite import job_for
from tests.engine.storage.ingest_suite import run, same_bytes
from tests.engine.storage.storage_suite import Place
from tests.faults.gated_scan import Commands, install

pytestmark = pytest.mark.faults

ANALYSES = (
    VirtualDetector(Rectangle(y0=0, x0=0, y1=128, x1=128), name="all"),
    *(SumFrame(), StdFrame(), MaxFrame(), CenterOfMass()),
)
"""Images, and folds of frames, in which each partition must count once."""
BOUND = 120.0
"""Seconds in which each fault is dealt with; a few on a machine that does nothing else."""


class Scan:
    """A scan in HDFS, and a gate before its partitions."""

    def __init__(self, folder: Path, place: Place, hdfs: Hdfs) -> None:
        self.array = np.random.default_rng(3).integers(0, 60000, (16, 16, 128, 128)).astype(np.float32)
        np.save(folder / "scan.npy", self.array)
        with open_dataset(str(folder / "scan.npy")) as source:
            self.uri = ingest(source, place.storage.uri(place.path("twin"))).uri
            self.expected = run(source, *ANALYSES)
        (folder / "commands").mkdir()
        self.commands = Commands(folder / "commands")
        with open_dataset(self.uri) as twin:
            assert isinstance(twin, IngestedScan)
            for index in range(len(twin.plan())):
                hdfs.copies(place.storage, twin._files.path(index))

    def submit_and_wait(self, executor: ClusterExecutor, dataset: Dataset) -> JobHandle:
        """A job of which some is done; the rest waits."""
        self.commands.shut_at(4)
        handle = executor.submit(job_for(dataset, *ANALYSES), dataset)
        until(lambda: max(self.commands.begun, default=0) >= 4, "the job has begun")
        return handle

    def check(self, handle: JobHandle) -> None:
        results = handle.result(120)
        np.testing.assert_array_equal(results["all"], self.array.astype(np.float64).sum(axis=(2, 3)))
        same_bytes(results, self.expected)
        assert results.valid.all()
        assert results.execution["bytes_network"] == self.array.nbytes


@pytest.fixture(scope="module")
def away_nodes(hdfs: Hdfs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskProcesses]:
    """Two workers on hosts without a DataNode: all is read over the network."""
    processes = DaskProcesses(tmp_path_factory.mktemp("away"), install(tmp_path_factory.mktemp("plug-in")))
    for name, host in (("away0", "127.0.0.8"), ("away1", "127.0.0.9")):
        processes.start_worker(name, host)
    yield processes
    processes.stop()


@pytest.fixture
def away(away_nodes: DaskProcesses) -> Iterator[ClusterExecutor]:
    """An executor on these, which waits for a scheduler that is lost."""
    with ClusterExecutor(away_nodes.address, timeout=150, lost_patience=2 * BOUND) as executor:
        until(lambda: len(executor.workers) == 2, "the workers join")
        yield executor


@pytest.fixture
def scan(tmp_path: Path, place: Place, hdfs: Hdfs) -> Scan:
    return Scan(tmp_path, place, hdfs)


@pytest.mark.parametrize("node", ["data0", "name"])
def test_a_node_is_killed_and_comes_back(scan: Scan, away: ClusterExecutor, hdfs: Hdfs, node: str) -> None:
    with scan.commands.scan(scan.uri) as dataset:
        handle = scan.submit_and_wait(away, dataset)
        with hdfs.without(node):
            started = time.monotonic()
            scan.commands.open()
            if node != "name":  # the other copies are enough
                scan.check(handle)
        scan.check(handle)
        assert time.monotonic() - started < BOUND


def test_a_node_freezes(scan: Scan, away: ClusterExecutor, hdfs: Hdfs) -> None:
    with scan.commands.scan(scan.uri) as dataset:
        handle = scan.submit_and_wait(away, dataset)
        with hdfs.frozen("data1"):
            started = time.monotonic()
            scan.commands.open()
            scan.check(handle)
            assert time.monotonic() - started < BOUND


def test_the_scheduler_is_killed_and_comes_back(
    scan: Scan, away: ClusterExecutor, away_nodes: DaskProcesses, hdfs: Hdfs
) -> None:
    """What is done stays, the job goes on, and so does the executor."""
    with scan.commands.scan(scan.uri) as dataset:
        handle = scan.submit_and_wait(away, dataset)
        away_nodes.kill_scheduler()
        until(lambda: away.lost_for is not None, "the loss is seen")
        assert handle.state.status == "running"
        done = handle.state.done
        scan.commands.open()
        for worker in away_nodes.workers.values():
            worker.wait(60)  # they end, as their scheduler is gone
        away_nodes.start_scheduler()
        away_nodes.revive()
        until(lambda: len(away.workers) == 2, "they are met again")
        started = time.monotonic()
        scan.check(handle)
        assert time.monotonic() - started < BOUND
        assert 0 < done < len(dataset.plan())
        scan.check(away.submit(job_for(dataset, *ANALYSES), dataset))
