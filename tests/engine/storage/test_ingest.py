"""Ingest into a directory: the suite, and what is of its own."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import hdf5plugin
import numpy as np
import pytest

from ltdesk.analysis import SumFrame
from ltdesk.engine import ingested as ingested_module
from ltdesk.engine import mapping, stored_files
from ltdesk.engine.file_uris import storage_path
from ltdesk.engine.ingest import ingest
from ltdesk.engine.ingest_progress import Progress
from ltdesk.engine.ingested import IngestedScan
from ltdesk.engine.open import list_datasets, open_dataset
from ltdesk.engine.storage.files import HOST, FileStorage
from ltdesk.engine.storage.storage import Block
from ltdesk.errors import JobFailed, OpenError, StorageError
from ltdesk.geometry import Rectangle
from tests.engine.formats.helpers import scan, write_h5, write_npy
from tests.engine.storage.ingest_suite import SHAPE, SOURCES, IngestSuite, run, same_bytes
from tests.engine.storage.storage_suite import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "storage").mkdir()
    return Place(FileStorage(), storage_path(str(tmp_path / "storage")))


class TestFileIngest(IngestSuite):
    pass


def test_paths_open_as_uris_do(tmp_path: Path) -> None:
    with open_dataset(write_npy(tmp_path / "a.npy", scan(SHAPE))) as dataset:
        ingest(dataset, str(tmp_path / "twin"))
        for path in (tmp_path / "twin", tmp_path / "twin" / "dataset.json"):
            with open_dataset(path) as twin:
                np.testing.assert_array_equal(twin.frame(3, 4), dataset.frame(3, 4))
                assert twin.format == "npy, ingested"
                assert list_datasets(path) == []
    (tmp_path / "twin" / "dataset.json").rename(tmp_path / "twin" / "ingest.json")
    with pytest.raises(OpenError, match="not finished"):
        open_dataset(tmp_path / "twin")


def test_holders_are_asked_once_in_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_dataset(write_npy(tmp_path / "a.npy", scan(SHAPE))) as dataset:
        ingest(dataset, str(tmp_path / "twin"))
    asked: list[str] = []
    ask = FileStorage.blocks

    def blocks(storage: FileStorage, path: str, wait: bool = True) -> tuple[Block, ...]:
        asked.append(path)
        return ask(storage, path)

    def silent(storage: FileStorage, path: str, wait: bool = True) -> tuple[Block, ...]:
        assert not wait, "for what is known already"
        raise StorageError("no NameNode answers")

    monkeypatch.setattr(FileStorage, "blocks", blocks)
    with open_dataset(tmp_path / "twin") as twin:
        assert isinstance(twin, IngestedScan)
        plan = twin.plan()
        assert {twin.holders(partition) for partition in (*plan, *plan)} == {(HOST,)}
        assert len(asked) == len(plan)
        monkeypatch.setattr(ingested_module, "HOLDERS_KEPT", 0.0)
        twin.holders(plan[0])
        assert len(asked) == len(plan) + 1
        monkeypatch.setattr(FileStorage, "blocks", silent)
        assert twin.holders(plan[0]) == (HOST,), "those that held it"


def test_tiles_are_views_of_the_files_and_checked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_dataset(write_npy(tmp_path / "a.npy", scan(SHAPE))) as dataset:
        ingest(dataset, str(tmp_path / "twin"))
    with open_dataset(tmp_path / "twin") as twin:
        assert isinstance(twin, IngestedScan)
        assert run(twin, SumFrame()).execution["bytes_mapped"] == twin.nbytes
        assert twin.not_mapped == {}
        assert twin.holders(twin.plan()[0]) == (HOST,)
    monkeypatch.setattr(stored_files, "crc32c", None)
    with open_dataset(tmp_path / "twin") as twin:
        assert run(twin, SumFrame()).execution["bytes_mapped"] == twin.nbytes


def put_in_place(path: Path, data: bytes) -> None:
    """As whoever copies a file to where it was: under another name first."""
    path.with_suffix(".new").write_bytes(data)
    path.with_suffix(".new").replace(path)


def test_a_file_that_was_replaced_is_mapped_and_checked_anew(tmp_path: Path) -> None:
    """While the scan is open: by the same bytes, by others, and by the right ones again."""
    with open_dataset(write_npy(tmp_path / "a.npy", scan(SHAPE))) as dataset:
        ingest(dataset, str(tmp_path / "twin"))
        (path,) = (tmp_path / "twin" / "partitions").glob("000000-*")
        data = path.read_bytes()
        with open_dataset(tmp_path / "twin") as twin:
            expected = run(twin, SumFrame())
            for frame in (False, True):
                put_in_place(path, data)
                if frame:
                    np.testing.assert_array_equal(twin.frame(0, 1), dataset.frame(0, 1))
                again = run(twin, SumFrame())
                same_bytes(again, expected)
                assert again.execution["bytes_mapped"] == twin.nbytes
                assert again.execution["bytes_checked"] == len(data)
            put_in_place(path, data[:-1] + bytes([data[-1] ^ 1]))
            with pytest.raises(JobFailed, match=f"{path.name}: is damaged: its CRC32C"):
                run(twin, SumFrame())
            put_in_place(path, data)
            same_bytes(run(twin, SumFrame()), expected)


def test_a_file_that_lost_pages_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They can't be mapped again, but a storage may have another copy."""
    with open_dataset(write_npy(tmp_path / "a.npy", scan(SHAPE))) as dataset:
        ingest(dataset, str(tmp_path / "twin"))
    with open_dataset(tmp_path / "twin") as twin:
        assert isinstance(twin, IngestedScan)
        expected = run(twin, SumFrame())
        monkeypatch.setattr(mapping.MappedFile, "faulted", lambda file, *_: "/000000-" in file.path)
        for _ in range(2):
            again = run(twin, SumFrame())
            same_bytes(again, expected)
            assert again.execution["bytes_read"] == twin.sidecar.partitions[0].nbytes
            assert "could not be read" in twin.not_mapped[0]


def test_a_region_of_what_is_read_is_checked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file that can't be mapped all is read, once, before a part of it counts."""
    monkeypatch.setattr(mapping, "place_of", lambda _: "network")
    with open_dataset(write_npy(tmp_path / "a.npy", scan(SHAPE))) as dataset:
        folder = tmp_path / "twin"
        ingest(dataset, str(folder))
        (path,) = (folder / "partitions").glob("000000-*")
        rows = dataset.plan()[0]
        inside = Rectangle(y0=rows.y0, x0=2, y1=rows.y1, x1=4)
        with open_dataset(folder) as twin:
            first, second = (run(twin, SumFrame(), region=inside) for _ in range(2))
            same_bytes(first, run(dataset, SumFrame(), region=inside))
        assert (first.execution["bytes_mapped"], first.execution["bytes_checked"]) == (0, path.stat().st_size)
        assert second.execution["bytes_checked"] == 0
        data = bytearray(path.read_bytes())
        data[-1] ^= 1  # outside the region
        path.write_bytes(data)
        with open_dataset(folder) as twin, pytest.raises(JobFailed, match=f"{path.name}: is damaged"):
            run(twin, SumFrame(), region=inside)


def test_few_files_are_kept_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_files, "most_maps", lambda: 2)
    with SOURCES["floats"](tmp_path) as dataset:
        ingest(dataset, str(tmp_path / "twin"))
        with open_dataset(tmp_path / "twin") as twin:
            expected = run(dataset, SumFrame())["sum_frame"].tobytes()
            assert [run(twin, SumFrame())["sum_frame"].tobytes() for _ in range(2)] == [expected] * 2


def peak_of_ingest(folder: Path, rows: int) -> int:
    """Bytes that Python and numpy held at most."""
    folder.mkdir()
    array = scan((rows, 30, 64, 60), "<f4")
    with open_dataset(write_h5(folder / "a.h5", array, chunks=(5, 7, 64, 60), **hdf5plugin.Bitshuffle())) as dataset:
        tracemalloc.start()
        ingest(dataset, str(folder / "twin"), in_flight=2)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_scan(tmp_path: Path) -> None:
    small, large = (peak_of_ingest(tmp_path / str(rows), rows) for rows in (20, 80))
    assert large < 1.5 * small


def test_the_rate_is_of_this_run() -> None:
    progress = Progress(
        bytes_done=700, bytes_total=1000, bytes_before=500, partitions_done=7, partitions_total=10, seconds=2
    )
    assert progress.rate == 100
    assert progress.time_left == 3
    nothing_yet = Progress(500, 1000, 500, 5, 10, 0)
    assert (nothing_yet.rate, nothing_yet.time_left) == (0, None)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are not POSIX here")
def test_a_folder_that_may_not_be_written_to_is_named(place: Place, tmp_path: Path) -> None:
    """As another user where this one may write anywhere."""
    closed = tmp_path / "storage"
    for folder in (closed, *list(closed.parents)[:-2]):
        folder.chmod(0o555 if folder == closed else folder.stat().st_mode | 0o755)
    with open_dataset(write_npy(tmp_path / "a.npy", scan(SHAPE))) as dataset:
        dataset.identity()
        before = os.geteuid()
        os.seteuid(before or 65534)
        try:
            with pytest.raises(StorageError, match=r"/storage/twin: Permission denied\. Ask its owner"):
                ingest(dataset, place.storage.uri(place.path("twin")))
        finally:
            os.seteuid(before)
    assert place.names() == []
