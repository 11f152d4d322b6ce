"""A NameNode is lost for good, and another takes its place, while scans are read, ingested and computed.

Nobody is told of it: the storage's address names both from the start.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ltdesk.analysis import CenterOfMass, SumFrame, VirtualDetector
from ltdesk.engine.cluster import ClusterExecutor
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.ingest import ingest
from ltdesk.engine.open import open_dataset
from ltdesk.engine.storage import open_storage
from ltdesk.engine.storage.storage import in_pieces
from ltdesk.engine.storage.web_hdfs import WebHdfsStorage
from ltdesk.engine.storage.web_hdfs_calls import Patience
from ltdesk.errors import StorageError
from ltdesk.geometry import Rectangle
from ltdesk.job import Partition
from tests.cluster.available_hdfs import NAMES, AvailableHdfs
from tests.dask_processes import DaskProcesses, until
from tests.engine.storage.ingest_suite import SOURCES, Watched, run, same_bytes
from tests.engine.storage.storage_suite import MIB, Place, content
from tests.faults.gated_scan import install
from tests.faults.scan_on_hdfs import ScanOnHdfs

pytestmark = pytest.mark.faults

ANALYSES = (VirtualDetector(Rectangle(y0=0, x0=0, y1=40, x1=50), name="all"), SumFrame(), CenterOfMass())
BOUND = 90.0
"""Seconds from a NameNode's end to the result; two or three after another is in charge."""


@pytest.fixture
def pair(available_hdfs: AvailableHdfs) -> AvailableHdfs:
    """Both are there."""
    available_hdfs.repair()
    return available_hdfs


@pytest.fixture
def shared(pair: AvailableHdfs) -> Iterator[Place]:
    """A folder of this test's own, by an address that names both NameNodes."""
    storage, _ = open_storage(pair.uri("/"))
    with storage:
        folder = f"/scans-{time.monotonic_ns()}"
        storage.make_folder(folder)
        yield Place(storage, folder)


@pytest.fixture
def npy(tmp_path: Path) -> Iterator[Dataset]:
    with SOURCES["npy"](tmp_path) as dataset:
        yield dataset


@pytest.fixture
def far(pair: AvailableHdfs, tmp_path: Path) -> Iterator[ClusterExecutor]:
    """A worker on a host without a DataNode: it asks a NameNode for each partition."""
    processes = DaskProcesses(tmp_path, install(tmp_path / "plug-in"))
    try:
        processes.start_worker("far", "127.0.0.8")
        with ClusterExecutor(processes.address, timeout=150) as executor:
            until(lambda: len(executor.workers) == 1, "the worker joins")
            yield executor
    finally:
        processes.stop()


def failing_over_at(pair: AvailableHdfs, index: int) -> tuple[list[float], Callable[[Partition], None]]:
    """When it was done, and a `seen` that does it once, before a partition is read."""
    done: list[float] = []

    def seen(partition: Partition) -> None:
        if partition.index == index and not done:
            done.append(time.monotonic())
            pair.fail_over()

    return done, seen


def test_the_one_in_charge_is_asked_wherever_it_is_named(shared: Place, pair: AvailableHdfs) -> None:
    """Then the same storage goes on with the other, and so does one that is opened anew."""
    first = content(1000)
    path = shared.write("a.raw", first)
    started = time.monotonic()
    pair.fail_over()
    assert shared.storage.read_bytes(path) == first
    assert shared.storage.read_bytes(shared.write("b.raw", first[::-1])) == first[::-1]
    pair.repair()
    for netlocs in ((pair.standby, pair.active), (pair.active, pair.standby)):
        storage, _ = open_storage(f"webhdfs://{','.join(map(pair.netloc_of, netlocs))}/")
        with storage:
            assert storage.read_bytes(path) == first
            room = storage.room("/")
            assert room is not None
            assert room.nodes == len(pair.hosts)
    assert time.monotonic() - started < BOUND


def test_one_on_standby_alone_is_said_at_once(pair: AvailableHdfs) -> None:
    storage, _ = open_storage(f"webhdfs://{pair.netloc_of(pair.standby)}/")
    started = time.monotonic()
    with storage, pytest.raises(StorageError, match=r"no NameNode is in charge.*on standby.*Give the other NameNodes"):
        storage.list("/")
    assert time.monotonic() - started < 20


def test_it_hangs(shared: Place, pair: AvailableHdfs) -> None:
    """It takes connections, and says nothing, as one does that swaps. Data nodes, who write, don't wait for it."""
    path, data = shared.write("a.raw", content(1000)), content(3 * MIB)
    netloc = ",".join(map(pair.netloc_of, NAMES))
    with WebHdfsStorage(netloc, patience=Patience(answer=2)) as storage:
        storage.list("/")
        started = time.monotonic()
        pair.fail_over(by=signal.SIGSTOP)
        assert storage.read_bytes(path) == content(1000)
        storage.write(shared.path("b.raw"), lambda: in_pieces(memoryview(data)), len(data))
        assert storage.read_bytes(shared.path("b.raw")) == data
        assert time.monotonic() - started < BOUND


def test_it_is_lost_while_a_scan_is_read(
    shared: Place, npy: Dataset, pair: AvailableHdfs, caplog: pytest.LogCaptureFixture
) -> None:
    uri = ingest(npy, shared.storage.uri(shared.path("twin"))).uri
    done, seen = failing_over_at(pair, 2)
    with open_dataset(uri) as twin:
        same_bytes(run(Watched(twin, seen), *ANALYSES), run(npy, *ANALYSES))
    assert time.monotonic() - done[0] < BOUND
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_it_is_lost_during_an_ingest(shared: Place, npy: Dataset, pair: AvailableHdfs) -> None:
    done, seen = failing_over_at(pair, 2)
    uri = ingest(Watched(npy, seen), shared.storage.uri(shared.path("twin"))).uri
    assert time.monotonic() - done[0] < BOUND
    with open_dataset(uri) as twin:
        same_bytes(run(twin, *ANALYSES), run(npy, *ANALYSES))
    assert shared.names() == ["twin"]


def test_it_is_lost_while_a_job_runs(shared: Place, pair: AvailableHdfs, far: ClusterExecutor, tmp_path: Path) -> None:
    scan = ScanOnHdfs(tmp_path, shared, pair)
    with scan.commands.scan(scan.uri) as dataset:
        handle = scan.submit_and_wait(far, dataset)
        started = time.monotonic()
        scan.commands.open()
        pair.fail_over()
        scan.check(handle)
        assert time.monotonic() - started < BOUND


def test_who_comes_while_none_is_in_charge_waits(shared: Place, pair: AvailableHdfs) -> None:
    """A worker that begins just then, say: what it asks first is answered once the other one is."""
    path = shared.write("a.raw", b"abc")
    pair.kill_active()
    with pytest.raises(StorageError, match="no NameNode answers"):
        shared.storage.blocks(path, wait=False)
    storage, _ = open_storage(pair.uri("/"))
    with storage, ThreadPoolExecutor(1) as meanwhile:
        taking_over = meanwhile.submit(pair.put_in_charge, pair.standby)
        assert storage.read_bytes(path) == b"abc"
        taking_over.result()
