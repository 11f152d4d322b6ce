"""The cluster executor: the suite of all executors on real worker processes, and the same bytes as the local one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ltdesk.analysis import Analysis, CenterOfMass, SumFrame, VirtualDetector
from ltdesk.engine.cluster import ClusterExecutor
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.executor import Executor
from ltdesk.engine.local import LocalExecutor
from ltdesk.plugins import BUILT_IN
from tests.dask_processes import DaskProcesses, until
from tests.engine.executor_suite import DISK, ExecutorSuite, job_for, write

HOSTS = {"one": "127.0.0.2", "two": "127.0.0.3"}
pytestmark = pytest.mark.xdist_group("dask")


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskProcesses]:
    processes = DaskProcesses(tmp_path_factory.mktemp("dask"))
    for name, host in HOSTS.items():
        processes.start_worker(name, host)
    yield processes
    processes.stop()


@pytest.fixture(scope="module")
def cluster(dask: DaskProcesses) -> Iterator[ClusterExecutor]:
    with ClusterExecutor(dask.address, timeout=150) as executor:
        until(lambda: len(executor.workers) == 2, "two workers join")
        yield executor


@pytest.fixture
def executor(cluster: ClusterExecutor) -> Executor:
    return cluster


class TestClusterExecutor(ExecutorSuite):
    pass


def big_scan(folder: Path, dtype: str = "<u2") -> Dataset:
    """24 partitions of a MiB."""
    array = np.random.default_rng(5).integers(0, 60000, (24, 32, 128, 128)).astype(dtype)
    return write(folder, array)


def every_analysis() -> list[Analysis]:
    """Each known one once, and detectors and a mask besides."""
    others = [spec.model_validate({}) for spec in BUILT_IN if spec is not VirtualDetector]
    detectors = (VirtualDetector(DISK, name="bf"), VirtualDetector(DISK * 0.37, name="weighted"))
    return [*others, *detectors, CenterOfMass(name="com_in", mask=DISK)]


@pytest.mark.parametrize("dtype", ["<u2", "<f4"])
def test_the_same_bytes_as_on_this_machine(cluster: ClusterExecutor, tmp_path: Path, dtype: str) -> None:
    with big_scan(tmp_path, dtype) as dataset, LocalExecutor(2) as local:
        assert len(dataset.plan()) > 8
        found, wanted = (
            executor.submit(job_for(dataset, *every_analysis()), dataset).result(250) for executor in (cluster, local)
        )
    assert list(found) == list(wanted)
    assert [name for name in wanted if found[name].tobytes() != wanted[name].tobytes()] == []
    assert found.recipe == wanted.recipe


def test_what_was_done_where_is_told(cluster: ClusterExecutor, tmp_path: Path) -> None:
    with big_scan(tmp_path) as dataset:
        execution = cluster.submit(job_for(dataset, SumFrame()), dataset).result(250).execution
    assert execution["executor"] == "cluster"
    assert execution["scheduler"] == cluster.address
    assert (execution["workers"], execution["threads"]) == (2, 2)
    nodes = execution["nodes"]
    assert set(nodes) == set(execution["hosts"]) <= set(HOSTS.values())
    assert sum(node["partitions"] for node in nodes.values()) == execution["partitions"]
    assert sum(node["bytes"] for node in nodes.values()) == dataset.nbytes
    assert all(node["MB_per_s"] > 0 for node in nodes.values())
    assert execution["local_share"] is None, "a plain file has no holders"
