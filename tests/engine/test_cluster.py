"""The cluster executor: the suite of all executors on real worker processes, and the same bytes as the local one."""

from __future__ import annotations

import os
import pickle
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from ltdesk.analysis import Analysis, CenterOfMass, SumFrame, SumSignal, VirtualDetector
from ltdesk.engine.cluster import ClusterExecutor
from ltdesk.engine.cluster_tasks import Answer
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.executor import Executor
from ltdesk.engine.local import LocalExecutor
from ltdesk.engine.open import open_dataset
from ltdesk.engine.partial import Partial
from ltdesk.errors import JobFailed, UsageError
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
    assert 2 <= execution["tasks"] <= execution["partitions"]
    nodes = execution["nodes"]
    assert set(nodes) == set(execution["hosts"]) <= set(HOSTS.values())
    assert sum(node["partitions"] for node in nodes.values()) == execution["partitions"]
    assert sum(node["bytes"] for node in nodes.values()) == dataset.nbytes
    assert all(node["MB_per_s"] > 0 for node in nodes.values())
    assert execution["local_share"] is None, "a plain file has no holders"


def test_a_file_that_was_copied_anew_is_opened_anew(cluster: ClusterExecutor, tmp_path: Path) -> None:
    """Between two jobs: the same bytes at another time, or under the same name."""
    expected = np.full((8, 8), 256)

    def touch(path: Path) -> None:
        os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))

    def copy(path: Path) -> None:
        shutil.copy2(path, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    write(tmp_path, np.ones((8, 8, 16, 16), "<u2")).close()
    for change in (lambda _: None, touch, copy):
        change(tmp_path / "scan.npy")
        with open_dataset(tmp_path / "scan.npy") as dataset:
            results = cluster.submit(job_for(dataset, SumSignal()), dataset).result(250)
        np.testing.assert_array_equal(results["sum_signal"], expected)


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text here")
def test_a_name_that_cannot_be_told_is_said(cluster: ClusterExecutor, tmp_path: Path) -> None:
    write(tmp_path, np.ones((2, 2, 4, 4), "<u2")).close()
    path = (tmp_path / "scan.npy").rename(tmp_path / "caf\udce9.npy")
    with open_dataset(path) as dataset, pytest.raises(UsageError, match=r"caf\\xe9\.npy: its name is not UTF-8"):
        cluster.submit(job_for(dataset, SumSignal()), dataset)


def test_damage_that_was_put_right_is_forgotten(cluster: ClusterExecutor, tmp_path: Path) -> None:
    """Of a file that another one leads to, which both workers have open."""
    with h5py.File(tmp_path / "frames.h5", "w") as file:
        file["frames"] = np.ones((24, 32, 128, 64), "<u2")
    with h5py.File(tmp_path / "master.h5", "w") as file:
        file["data"] = h5py.ExternalLink("frames.h5", "/frames")
    with open_dataset(tmp_path / "master.h5") as dataset:
        cluster.submit(job_for(dataset, SumSignal()), dataset).result(250)
    os.utime(tmp_path / "frames.h5", ns=(1, 1))
    with open_dataset(tmp_path / "master.h5") as dataset:
        with pytest.raises(JobFailed, match=r"frames\.h5: was overwritten"):
            cluster.submit(job_for(dataset, SumSignal()), dataset).result(250)
        results = cluster.submit(job_for(dataset, SumSignal()), dataset).result(250)
    assert (results["sum_signal"] == 128 * 64).all()


def test_a_short_job_is_one_task_a_worker_once_its_kind_is_known(cluster: ClusterExecutor, tmp_path: Path) -> None:
    with write(tmp_path, np.ones((64, 32, 128, 64), "u1")) as dataset:  # 16 partitions of a MiB: milliseconds
        jobs = [cluster.submit(job_for(dataset, SumFrame()), dataset).result(250) for _ in range(3)]
    assert [job.execution["partitions"] for job in jobs] == [16] * 3
    assert jobs[-1].execution["tasks"] == 2
    assert {node["partitions"] for node in jobs[-1].execution["nodes"].values()} == {8}


@pytest.mark.parametrize(("shape", "buffers"), [((8,), 0), ((1 << 20,), 3)])
def test_small_arrays_of_an_answer_travel_as_one(shape: tuple[int, ...], buffers: int) -> None:
    valid = np.array([True, False])
    partials = [Partial(index, {"sum": np.full(shape, index, "f8")}, valid, bytes_mapped=index) for index in range(3)]
    aside: list[pickle.PickleBuffer] = []
    text = pickle.dumps(Answer("tcp://one:1", "one", partials), protocol=5, buffer_callback=aside.append)
    found = pickle.loads(text, buffers=aside)
    assert sum(len(buffer.raw()) > 2 for buffer in aside) == buffers
    assert (found.worker, found.host, found.failures) == ("tcp://one:1", "one", [])
    for partial, wanted in zip(found.partials, partials, strict=True):
        assert (partial.index, partial.bytes_mapped) == (wanted.index, wanted.bytes_mapped)
        np.testing.assert_array_equal(partial.buffers["sum"], wanted.buffers["sum"])
        np.testing.assert_array_equal(partial.valid, valid)
