"""Nodes of HDFS that die or freeze, and the scheduler, while a job on dask workers reads from them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ltdesk.engine.cluster import ClusterExecutor
from tests.cluster.hdfs import Hdfs
from tests.dask_processes import DaskProcesses, until
from tests.engine.executor_suite import job_for
from tests.engine.storage.storage_suite import Place
from tests.faults.gated_scan import install
from tests.faults.scan_on_hdfs import ANALYSES, ScanOnHdfs

pytestmark = pytest.mark.faults

BOUND = 120.0
"""Seconds in which each fault is dealt with; a few on a machine that does nothing else."""


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
def scan(tmp_path: Path, place: Place, hdfs: Hdfs) -> ScanOnHdfs:
    return ScanOnHdfs(tmp_path, place, hdfs)


@pytest.mark.parametrize("node", ["data0", "name"])
def test_a_node_is_killed_and_comes_back(scan: ScanOnHdfs, away: ClusterExecutor, hdfs: Hdfs, node: str) -> None:
    with scan.commands.scan(scan.uri) as dataset:
        handle = scan.submit_and_wait(away, dataset)
        with hdfs.without(node):
            started = time.monotonic()
            scan.commands.open()
            if node != "name":  # the other copies are enough
                scan.check(handle)
        scan.check(handle)
        assert time.monotonic() - started < BOUND


def test_a_node_freezes(scan: ScanOnHdfs, away: ClusterExecutor, hdfs: Hdfs) -> None:
    with scan.commands.scan(scan.uri) as dataset:
        handle = scan.submit_and_wait(away, dataset)
        with hdfs.frozen("data1"):
            started = time.monotonic()
            scan.commands.open()
            scan.check(handle)
            assert time.monotonic() - started < BOUND


def test_the_scheduler_is_killed_and_comes_back(
    scan: ScanOnHdfs, away: ClusterExecutor, away_nodes: DaskProcesses, hdfs: Hdfs
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
