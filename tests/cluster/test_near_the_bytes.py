"""Jobs on dask workers that stand beside HDFS's DataNodes: the same bytes as on the file, computed where they lie."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest

import ltdesk
from ltdesk.analysis import CenterOfMass, StdFrame, SumFrame, VirtualDetector
from ltdesk.engine.cluster import ClusterExecutor
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.ingest import ingest
from ltdesk.engine.ingested import IngestedScan
from ltdesk.engine.open import open_dataset
from ltdesk.engine.storage.web_hdfs_blocks import DATA_DIRS
from ltdesk.errors import OpenError
from tests.cluster.hdfs import Hdfs
from tests.dask_processes import DaskProcesses, until
from tests.engine.executor_suite import job_for
from tests.engine.storage.ingest_suite import DISK, SOURCES, run, same_bytes
from tests.engine.storage.storage_suite import Place
from tests.ports import free_port

FEW = (VirtualDetector(DISK, name="bf"), VirtualDetector(DISK * 0.3, name="weighted"))
FOLDS = (*FEW, SumFrame(), StdFrame(), CenterOfMass())


@pytest.fixture
def stored(place: Place, hdfs: Hdfs, tmp_path: Path) -> Iterator[Callable[..., tuple[Dataset, IngestedScan]]]:
    """Makes a source and its twin in HDFS, whose copies all are known."""
    with ExitStack() as opened:

        def make(name: str) -> tuple[Dataset, IngestedScan]:
            source = opened.enter_context(SOURCES[name](tmp_path))
            twin = opened.enter_context(open_dataset(ingest(source, place.storage.uri(place.path("twin"))).uri))
            assert isinstance(twin, IngestedScan)
            for index, partition in enumerate(twin.sidecar.partitions):
                if partition.frames:
                    hdfs.copies(place.storage, place.path(f"twin/{twin.sidecar.file_name(index)}"))
            return source, twin

        yield make


Stored = Callable[..., tuple[Dataset, IngestedScan]]


@pytest.mark.parametrize("name", ["floats", "cut_short"])
def test_float_folds_give_the_bytes_of_the_local_file(near: ClusterExecutor, stored: Stored, name: str) -> None:
    """Those that depend on an order; every analysis is compared in `tests/engine/test_cluster.py`."""
    source, twin = stored(name)
    results = near.submit(job_for(twin, *FOLDS), twin).result(200)
    same_bytes(results, run(source, *FOLDS))
    execution, nbytes = results.execution, sum(partition.nbytes for partition in twin.sidecar.partitions)
    assert execution["bytes_mapped"] + execution["bytes_network"] == nbytes
    assert execution["bytes_read"] == 0


def test_each_block_is_mapped_where_it_lies(near: ClusterExecutor, stored: Stored, hdfs: Hdfs) -> None:
    """Nothing goes over the network; each worker may map its own host's blocks alone."""
    source, twin = stored("floats")
    results = near.submit(job_for(twin, *FEW), twin).result(250)
    execution = results.execution
    assert (execution["bytes_mapped"], execution["bytes_network"]) == (source.nbytes, 0)
    assert execution["bytes_checked"] == source.nbytes, "each block's first map"
    count = len(source.plan())
    assert (execution["local_share"], execution["partitions_on_holder"]) == (1.0, count)
    assert "not_mapped" not in execution
    assert set(execution["hosts"]) <= set(hdfs.hosts)
    assert set(execution["nodes"]) == set(execution["hosts"])
    assert sum(node["partitions"] for node in execution["nodes"].values()) == count
    assert sum(node["bytes"] for node in execution["nodes"].values()) == source.nbytes
    assert all(node["MB_per_s"] > 0 for node in execution["nodes"].values())


def test_a_block_is_checked_once_a_worker(near: ClusterExecutor, stored: Stored) -> None:
    """After as many jobs as there are copies at most, all are checked."""
    source, twin = stored("floats")
    checked = [near.submit(job_for(twin, *FEW), twin).result(250).execution["bytes_checked"] for _ in range(6)]
    assert checked[0] == source.nbytes
    assert sum(checked) <= 2 * source.nbytes


def test_no_worker_on_a_holder_reads_over_the_network_and_says_so(
    near: ClusterExecutor, dask_nodes: DaskProcesses, stored: Stored, hdfs: Hdfs
) -> None:
    source, twin = stored("floats")
    away = sorted(set(hdfs.hosts) - set(twin.holders(twin.plan()[0])))[0]
    with ExitStack() as stack:
        for number, host in enumerate(hdfs.hosts):
            if host != away:
                dask_nodes.forget(f"node{number}")
                stack.callback(dask_nodes.start_worker, f"node{number}", host)
        until(lambda: len(near.workers) == 1, "two workers are gone")
        results = near.submit(job_for(twin, *FEW), twin).result(120)
    same_bytes(results, run(source, *FEW))
    execution = results.execution
    held = [p.index for p in twin.plan() if away in twin.holders(p)]
    nbytes = sum(twin.sidecar.partitions[index].nbytes for index in held)
    assert (execution["bytes_mapped"], execution["bytes_network"]) == (nbytes, source.nbytes - nbytes)
    assert execution["local_share"] == round(len(held) / len(twin.plan()), 4)
    assert execution["partitions_not_mapped"] == len(twin.plan()) - len(held)
    (reason, *_) = execution["not_mapped"]
    assert reason.startswith(f"{away}: block ")
    assert reason.endswith("not here")


def test_a_worker_without_a_data_node_says_that(
    near: ClusterExecutor, dask_nodes: DaskProcesses, stored: Stored, hdfs: Hdfs
) -> None:
    """One more worker, on a host that no block is on; all others are gone."""
    source, twin = stored("floats")
    names = [f"node{number}" for number in range(len(hdfs.hosts))]
    with ExitStack() as stack:
        dask_nodes.start_worker("elsewhere", "127.0.0.9")
        stack.callback(dask_nodes.forget, "elsewhere")
        for name, host in zip(names, hdfs.hosts, strict=True):
            dask_nodes.forget(name)
            stack.callback(dask_nodes.start_worker, name, host)
        until(lambda: near.workers == (dask_nodes.addresses["elsewhere"],), "only one is there")
        execution = near.submit(job_for(twin, *FEW), twin).result(120).execution
    assert (execution["bytes_network"], execution["local_share"]) == (source.nbytes, 0.0)
    (reason,) = execution["not_mapped"]
    assert reason.startswith(f"127.0.0.9: {DATA_DIRS} is not set")


def test_a_flipped_byte_is_found_not_used_and_reported(
    near: ClusterExecutor, dask_nodes: DaskProcesses, stored: Stored, hdfs: Hdfs
) -> None:
    """The only worker has the bad copy: it reads the good one over the network."""
    source, twin = stored("floats")
    bad = twin.holders(twin.plan()[0])[0]
    with ExitStack() as stack:
        for number, host in enumerate(hdfs.hosts):
            if host != bad:
                dask_nodes.forget(f"node{number}")
                stack.callback(dask_nodes.start_worker, f"node{number}", host)
        until(lambda: len(near.workers) == 1, "two workers are gone")
        located = twin.storage._one_block(twin._files.path(0))  # type: ignore[attr-defined]
        (path,) = hdfs.data_folder(hdfs.hosts.index(bad)).rglob(f"blk_{located.block}")
        with path.open("rb+") as file:
            file.seek(1000)
            byte = file.read(1)[0]
            file.seek(1000)
            file.write(bytes([byte ^ 16]))
        results = near.submit(job_for(twin, *FEW), twin).result(120)
    same_bytes(results, run(source, *FEW))
    damaged = [reason for reason in results.execution["not_mapped"] if "is damaged" in reason]
    assert len(damaged) == 1
    assert damaged[0].startswith(f"{bad}: {path}: is damaged: its CRC32C is")


def ltdesk_command(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ltdesk", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ})


def test_from_the_command_line(near: ClusterExecutor, dask_nodes: DaskProcesses, place: Place, tmp_path: Path) -> None:
    """Ingested, run there, and run here on the file: the same arrays to the byte."""
    with SOURCES["floats"](tmp_path) as source:
        file = source.ref.uri
    uri = place.storage.uri(place.path("twin"))
    assert uri.startswith(f"webhdfs://{place.storage._calls.where.removeprefix('webhdfs://')}")  # type: ignore[attr-defined]
    done = ltdesk_command("ingest", file, uri)
    assert done.returncode == 0, done.stderr
    options = ["--detector", "bf*0.3=disk:32,30,9", "--detector", "all=rect:0,0,64,60"]
    for target, words in (("there.npz", [uri, "--on", dask_nodes.address]), ("here.npz", [file])):
        done = ltdesk_command("run", *words, *options, "-o", str(tmp_path / target))
        assert (done.returncode, done.stderr) == (0, "")
    with np.load(tmp_path / "there.npz") as there, np.load(tmp_path / "here.npz") as here:
        names = set(here) - {"recipe", "execution"}
        assert set(there) - {"recipe", "execution"} == names
        assert [name for name in names if there[name].tobytes() != here[name].tobytes()] == []
        assert '"executor": "cluster"' in str(there["execution"]) or '"executor":"cluster"' in str(there["execution"])


def test_from_python(dask_nodes: DaskProcesses, stored: Stored, near: ClusterExecutor) -> None:
    source, twin = stored("floats")
    with closing(ltdesk.connect(dask_nodes.address, timeout=60)) as executor:
        found = ltdesk.run(twin, FEW, executor=executor)
    same_bytes(found, run(source, *FEW))


def test_workers_that_do_not_find_the_storage_under_its_local_address(
    hdfs: Hdfs, stored: Stored, tmp_path: Path
) -> None:
    """As in containers, where `localhost` is the worker's own; here by a proxy that isn't there."""
    _, twin = stored("floats")
    away = DaskProcesses(tmp_path, http_proxy=f"http://127.0.0.1:{free_port()}", no_proxy="")
    try:
        away.start_worker("away", "127.0.0.8")
        with ClusterExecutor(away.address, timeout=150) as executor:
            until(lambda: len(executor.workers) == 1, "the worker joins")
            with pytest.raises(OpenError, match=r"can't read it .*as the workers know it"):
                executor.submit(job_for(twin, *FEW), twin).result(250)
    finally:
        away.stop()
