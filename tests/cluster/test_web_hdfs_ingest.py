"""Ingest into HDFS: the suite, and what is of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hdfs.client import _Request

from ltdesk.analysis import SumFrame
from ltdesk.engine import stored_scans
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.ingest import ingest
from ltdesk.engine.ingested import IngestedScan
from ltdesk.engine.open import open_dataset
from ltdesk.engine.sidecar import PARTITIONS
from ltdesk.engine.storage.web_hdfs import WebHdfsStorage
from ltdesk.engine.storage.web_hdfs_blocks import DATA_DIRS
from ltdesk.engine.stored_scans import verify
from ltdesk.errors import StorageError
from tests.cluster.hdfs import Hdfs
from tests.engine.storage.ingest_suite import ANALYSES, SOURCES, IngestSuite, run, same_bytes
from tests.engine.storage.storage_suite import Place


class TestWebHdfsIngest(IngestSuite):
    pass


@pytest.mark.parametrize("name", ["big_endian", "compressed", "starts_late"])
def test_a_mapped_twin_is_the_source(place: Place, tmp_path: Path, local_reads: None, name: str) -> None:
    """On a host that has the block files."""
    with SOURCES[name](tmp_path) as source:
        IngestSuite().test_the_twin_is_the_source(place, source)


@pytest.fixture
def npy(tmp_path: Path) -> Iterator[Dataset]:
    with SOURCES["npy"](tmp_path) as dataset:
        yield dataset


@pytest.fixture
def twin(place: Place, npy: Dataset, hdfs: Hdfs) -> Iterator[Callable[[], IngestedScan]]:
    """Opens what was ingested."""
    uri = ingest(npy, place.storage.uri(place.path("twin"))).uri
    for entry in place.storage.list(place.path(f"twin/{PARTITIONS}")):
        hdfs.copies(place.storage, entry.path)
    opened: list[IngestedScan] = []

    def open_twin() -> IngestedScan:
        dataset = open_dataset(uri)
        assert isinstance(dataset, IngestedScan)
        opened.append(dataset)
        return dataset

    yield open_twin
    for dataset in opened:
        dataset.close()


def test_each_partition_is_one_block_on_two_hosts(twin: Callable[[], IngestedScan], place: Place) -> None:
    scan = twin()
    for index, partition in enumerate(scan.plan()):
        (block,) = place.storage.blocks(place.path(f"twin/{scan.sidecar.file_name(index)}"))
        assert block.size == scan.sidecar.partitions[index].nbytes
        assert len(set(scan.holders(partition))) == 2
        assert set(scan.holders(partition)) == set(block.hosts)


def test_bytes_are_told_apart(
    twin: Callable[[], IngestedScan], npy: Dataset, hdfs: Hdfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All over the network; mapped on the host that holds them, where it is one of three."""
    away = twin()
    results = run(away, *ANALYSES)
    assert (results.execution["bytes_network"], results.execution["bytes_mapped"]) == (npy.nbytes, 0)
    assert set(away.not_mapped) == {partition.index for partition in npy.plan()}
    same_bytes(results, run(npy, *ANALYSES))
    monkeypatch.setenv(DATA_DIRS, str(hdfs.data_folder(0)))
    there = twin()
    results = run(there, *ANALYSES)
    held = [partition for partition in there.plan() if hdfs.hosts[0] in there.holders(partition)]
    expected = sum(there.sidecar.partitions[partition.index].nbytes for partition in held)
    assert (results.execution["bytes_mapped"], results.execution["bytes_network"]) == (expected, npy.nbytes - expected)
    assert set(there.not_mapped) == {p.index for p in there.plan()} - {p.index for p in held}
    assert all("not here" in reason for reason in there.not_mapped.values())
    same_bytes(results, run(npy, *ANALYSES))


def test_a_flipped_byte_in_a_block_file_is_found_and_not_used(
    twin: Callable[[], IngestedScan], npy: Dataset, hdfs: Hdfs, local_reads: None
) -> None:
    """The map goes past HDFS's checksums: ours finds it, and the other copy is read, also by HDFS itself."""
    scan = twin()
    path = Path(scan.storage.local_file(scan._files.path(0)).path)
    with path.open("rb+") as file:
        file.seek(1000)
        byte = file.read(1)[0]
        file.seek(1000)
        file.write(bytes([byte ^ 16]))
    results = run(scan, *ANALYSES)
    same_bytes(results, run(npy, *ANALYSES))
    assert list(scan.not_mapped) == [0]
    assert f"{path}: is damaged: its CRC32C is" in scan.not_mapped[0]
    assert results.execution["bytes_network"] == scan.sidecar.partitions[0].nbytes


@pytest.mark.parametrize("here", [True, False], ids=["another copy here", "none here"])
def test_a_block_that_hdfs_moves_away_is_taken_from_another_copy(
    twin: Callable[[], IngestedScan],
    npy: Dataset,
    local_reads: None,
    here: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the scan is open: mapped where this host has one, read where it hasn't."""
    scan = twin()
    expected = run(scan, *ANALYSES)
    path = Path(scan.storage.local_file(scan._files.path(0)).path)
    for file in (path, *path.parent.glob(f"{path.name}_*.meta")):
        file.unlink()
    if not here:
        monkeypatch.delenv(DATA_DIRS)
    np.testing.assert_array_equal(scan.frame(0, 1), npy.frame(0, 1))
    results = run(scan, *ANALYSES)
    same_bytes(results, expected)
    nbytes = 0 if here else scan.sidecar.partitions[0].nbytes
    assert (results.execution["bytes_network"], results.execution["bytes_mapped"]) == (nbytes, npy.nbytes - nbytes)
    assert list(scan.not_mapped) == ([] if here else [0])


def test_a_picked_frame_is_not_of_a_damaged_copy(twin: Callable[[], IngestedScan], npy: Dataset, hdfs: Hdfs) -> None:
    """What comes over WebHDFS is checked by HDFS, also where it is a single frame: the other copy is sent."""
    scan = twin()
    assert isinstance(scan.storage, WebHdfsStorage)
    block = scan.storage._one_block(scan._files.path(0))
    (path,) = hdfs.data_folder(hdfs.hosts.index(block.hosts[0])).rglob(f"blk_{block.block}")
    with path.open("rb+") as file:  # all of frame (0, 1)
        file.seek(npy.frame_bytes)
        file.write(bytes(npy.frame_bytes))
    picked = [scan.frame(0, 1) for _ in range(12)]  # of either copy, by chance
    assert all(np.array_equal(frame, npy.frame(0, 1)) for frame in picked)
    assert npy.frame(0, 1).any()


def test_a_quota_stops_it_and_more_room_goes_on(place: Place, npy: Dataset) -> None:
    storage = place.storage
    assert isinstance(storage, WebHdfsStorage)
    set_quota = _Request("PUT").to_method("SETQUOTA")
    set_quota(storage._calls.clients[0], place.folder, storagespacequota=9 << 20, namespacequota=1000)
    with pytest.raises(StorageError, match=r"quota is used up.*Free some space"):
        ingest(npy, storage.uri(place.path("twin")))
    assert storage.list(place.path(f"twin/{PARTITIONS}"))
    set_quota(storage._calls.clients[0], place.folder, storagespacequota=1 << 40, namespacequota=1000)
    done = ingest(npy, storage.uri(place.path("twin")))
    assert 0 < done.bytes_sent < npy.nbytes
    with open_dataset(done.uri) as twin:
        same_bytes(run(twin, SumFrame()), run(npy, SumFrame()))


def test_without_permission(place: Place, npy: Dataset, hdfs: Hdfs) -> None:
    with pytest.raises(StorageError, match=rf"{place.folder}/twin: Permission denied: user=nobody"):
        ingest(npy, f"webhdfs://nobody@{hdfs.netloc}{place.folder}/twin")
    assert place.names() == []


def test_fewer_copies_are_told(place: Place, npy: Dataset, hdfs: Hdfs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not those that HDFS is about to hear of: those that are not there."""
    monkeypatch.setattr(stored_scans, "COPIES_HEARD_OF_IN", 1.0)
    done = ingest(npy, place.storage.uri(place.path("twin")), replication=4)
    hdfs.copies(place.storage, place.path(f"twin/{done.sidecar.file_name(0)}"), 3)
    name = done.sidecar.file_name(0)
    assert f"{name}: has 3 of 4 copies" in verify(place.storage, place.path("twin"))
