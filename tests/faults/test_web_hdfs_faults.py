"""Nodes that are killed, frozen or restarted while scans are read and ingested."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ltdesk.engine.dataset import Dataset
from ltdesk.engine.ingest import ingest
from ltdesk.engine.open import open_dataset
from ltdesk.engine.sidecar import PARTITIONS, SIDECAR
from ltdesk.engine.storage.storage import in_pieces
from ltdesk.engine.storage.web_hdfs import WebHdfsStorage
from ltdesk.engine.storage.web_hdfs_calls import Patience
from ltdesk.errors import StorageError
from ltdesk.job import Partition
from tests.cluster.hdfs import ROOT, Hdfs
from tests.engine.storage.ingest_suite import ANALYSES, SOURCES, Watched, run, same_bytes
from tests.engine.storage.storage_suite import MIB, Place, content

pytestmark = pytest.mark.faults

SIZE = 24 * MIB  # more than what lies in the connections' buffers
QUICK = Patience(connect=1, answer=10, reading=1, writing=3, in_all=90)  # in all: a busy machine needs it


@pytest.fixture
def patient(hdfs: Hdfs) -> Iterator[WebHdfsStorage]:
    """Waits less long than usual for a node that gives nothing."""
    with WebHdfsStorage(hdfs.netloc, patience=QUICK) as storage:
        storage.list("/")
        yield storage


@pytest.fixture
def npy(tmp_path: Path) -> Iterator[Dataset]:
    with SOURCES["npy"](tmp_path) as dataset:
        yield dataset


@pytest.fixture
def repaired() -> Iterator[ExitStack]:
    """What is broken by what is entered here is put right in the end."""
    with ExitStack() as stack:
        yield stack


def read_with(storage: WebHdfsStorage, path: str, break_it: Callable[[str], None]) -> tuple[bytes, str, str]:
    """A file, read while something happens to the host that gives it: its bytes, that host and the last one."""
    buffer = bytearray(SIZE)
    with storage.reader(path, 0, SIZE) as reader:
        reader.fill(memoryview(buffer)[:1000])
        first = reader.host
        break_it(first)
        reader.fill(memoryview(buffer)[1000:])
        return bytes(buffer), first, reader.host


def test_a_data_node_is_killed_while_it_is_read(
    place: Place, patient: WebHdfsStorage, hdfs: Hdfs, repaired: ExitStack
) -> None:
    data = content(SIZE)
    path = place.write("a.raw", data)
    hdfs.copies(place.storage, path)
    found, first, last = read_with(patient, path, lambda host: repaired.enter_context(hdfs.without(hdfs.node(host))))
    assert found == data
    assert first != last
    started = time.monotonic()
    assert patient.read_bytes(path) == data, "the next one, too, before the NameNode knows"
    assert time.monotonic() - started < 20


def test_a_data_node_freezes_while_it_is_read(
    place: Place, patient: WebHdfsStorage, hdfs: Hdfs, repaired: ExitStack
) -> None:
    data = content(SIZE)
    path = place.write("a.raw", data)
    hdfs.copies(place.storage, path)
    found, first, last = read_with(patient, path, lambda host: repaired.enter_context(hdfs.frozen(hdfs.node(host))))
    assert found == data
    assert first != last


def test_all_copies_are_gone(place: Place, patient: WebHdfsStorage, hdfs: Hdfs, repaired: ExitStack) -> None:
    """Said in bounded time; when one is back, reading goes on."""
    path = place.write("a.raw", content(SIZE))
    hosts = hdfs.copies(place.storage, path)
    hasty = WebHdfsStorage(hdfs.netloc, patience=Patience(1, 5, 1, 3, in_all=2))
    with hasty, hdfs.without(*(hdfs.node(host) for host in hosts)):
        hasty.list("/")
        started = time.monotonic()
        with pytest.raises(StorageError, match=r"a\.raw: no data node"):
            hasty.read_bytes(path)
        assert time.monotonic() - started < 20
    assert patient.read_bytes(path) == content(SIZE)


def killing_at(half: Callable[[], object], data: bytes) -> Callable[[], Iterable[memoryview]]:
    """Pieces; in the middle of the first time, something happens."""
    times = iter([half])

    def pieces() -> Iterable[memoryview]:
        for number, piece in enumerate(in_pieces(memoryview(data))):
            if number == len(data) // MIB // 2 and (happen := next(times, None)):
                happen()
            yield piece

    return pieces


def test_data_nodes_are_killed_while_they_are_written_to(
    place: Place, patient: WebHdfsStorage, hdfs: Hdfs, repaired: ExitStack
) -> None:
    """Two of three: one of them at least has to do with it."""
    data, path = content(SIZE), place.path("a.raw")
    patient.write(path, killing_at(lambda: repaired.enter_context(hdfs.without("data0", "data1")), data), SIZE)
    assert patient.read_bytes(path) == data


def test_a_frozen_node_does_not_hold_up_writing(
    place: Place, patient: WebHdfsStorage, hdfs: Hdfs, repaired: ExitStack
) -> None:
    data = content(SIZE)
    started = time.monotonic()
    with hdfs.frozen("data0"):
        for name in ("a", "b"):
            patient.write(place.path(name), lambda: in_pieces(memoryview(data)), SIZE)
            assert patient.read_bytes(place.path(name)) == data
    assert time.monotonic() - started < 100


KILLED = """
import os, signal, sys
from ltdesk.engine.ingest import ingest
from ltdesk.engine.open import open_dataset
from tests.engine.storage.ingest_suite import Watched
kill = lambda partition: partition.index == 4 and os.kill(os.getpid(), signal.SIGKILL)
ingest(Watched(open_dataset(sys.argv[1]), kill), sys.argv[2], in_flight=2)
"""


def test_an_ingest_that_was_killed_goes_on(place: Place, npy: Dataset) -> None:
    """By SIGKILL, in the middle of a write: HDFS thinks for a while that its file is being written."""
    uri = place.storage.uri(place.path("twin"))
    done = subprocess.run([sys.executable, "-c", KILLED, npy.ref.uri, uri], cwd=ROOT, check=False, timeout=250)
    assert done.returncode == -signal.SIGKILL
    kept = {entry.path: entry.mtime_ns for entry in place.storage.list(place.path(f"twin/{PARTITIONS}"))}
    assert len(kept) >= 3
    again: list[int] = []
    ingest(Watched(npy, lambda partition: again.append(partition.index)), uri)
    assert len(again) == len(npy.plan()) - len(kept)
    after = {entry.path: entry.mtime_ns for entry in place.storage.list(place.path(f"twin/{PARTITIONS}"))}
    assert kept.items() <= after.items()
    assert [entry.name for entry in place.storage.list(place.path("twin"))] == [SIDECAR, PARTITIONS]
    with open_dataset(uri) as twin:
        same_bytes(run(twin, *ANALYSES), run(npy, *ANALYSES))


def test_the_name_node_is_restarted_during_an_ingest(place: Place, npy: Dataset, hdfs: Hdfs) -> None:
    """Nothing is asked of the user; the same for data nodes."""
    happens = {1: "name", 4: "data1"}

    def seen(partition: Partition) -> None:
        if name := happens.pop(partition.index, ""):
            hdfs.signal(name, signal.SIGKILL)
            hdfs.start_namenode() if name == "name" else hdfs.start_datanode(1)

    uri = ingest(Watched(npy, seen), place.storage.uri(place.path("twin"))).uri
    hdfs.wait_until(hdfs.is_ready)
    assert happens == {}
    with open_dataset(uri) as twin:
        same_bytes(run(twin, *ANALYSES), run(npy, *ANALYSES))
