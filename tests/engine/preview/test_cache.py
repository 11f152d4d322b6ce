"""Cubes on disk: found by what the file is, bounded, whole or as good as not there."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ltdesk.engine.dataset import Dataset
from ltdesk.engine.local import LocalExecutor
from ltdesk.engine.open import open_dataset
from ltdesk.engine.partial import Partial
from ltdesk.engine.preview.bins import Bins
from ltdesk.engine.preview.cache import PreviewCache, preview_folder
from ltdesk.engine.preview.cube import PreviewCube
from ltdesk.job import Job
from tests.engine.preview.scans import blocks_as_scan

SHAPE = (20, 20, 64, 64)
"""Four partitions."""
FACTOR = (16, 16)


def scan_file(path: Path, seed: int = 0) -> Dataset:
    np.save(path, np.random.default_rng(seed).poisson(5.0, SHAPE).astype(np.uint16))
    return open_dataset(str(path))


def filled(dataset: Dataset) -> PreviewCube:
    cube = empty(dataset)
    with LocalExecutor(2) as executor:
        job = Job(dataset=dataset.ref, analyses=(cube.analysis,))

        def take(partial: Partial) -> None:
            assert cube.take(partial)

        executor.submit(job, dataset, take).result(300)
    assert cube.complete
    return cube


def empty(dataset: Dataset) -> PreviewCube:
    return PreviewCube(dataset, Bins(FACTOR, dataset.frame_shape))


def names(cache: PreviewCache) -> list[str]:
    return sorted(os.listdir(cache.folder)) if cache.folder.exists() else []


@pytest.fixture
def cache(tmp_path: Path) -> PreviewCache:
    return PreviewCache(tmp_path / "previews", limit=10 << 20)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return scan_file(tmp_path / "scan.npy")


def test_a_cube_comes_back_as_it_was(cache: PreviewCache, dataset: Dataset) -> None:
    cube = filled(dataset)
    assert cache.store(dataset, cube)
    again = empty(dataset)
    assert cache.load(dataset, again)
    assert again.complete
    np.testing.assert_array_equal(blocks_as_scan(again), blocks_as_scan(cube))
    np.testing.assert_array_equal(again.sample, cube.sample)
    np.testing.assert_array_equal(again.valid(), cube.valid())


def test_another_program_finds_it_too(cache: PreviewCache, dataset: Dataset) -> None:
    cache.store(dataset, filled(dataset))
    assert PreviewCache(cache.folder).load(open_dataset(dataset.ref.uri), empty(dataset))


def test_a_file_that_has_changed_is_another(cache: PreviewCache, dataset: Dataset, tmp_path: Path) -> None:
    cache.store(dataset, filled(dataset))
    os.utime(dataset.ref.uri, ns=(1, 1))
    assert not cache.load(open_dataset(dataset.ref.uri), empty(dataset))
    other = scan_file(tmp_path / "scan.npy", seed=1)
    assert not cache.load(other, empty(other))


def test_a_scan_whose_frames_are_in_a_file_that_has_changed_is_another(cache: PreviewCache, tmp_path: Path) -> None:
    """As EMPAD's are: a file that was still being copied when it was opened has all its frames the next time."""
    raw, xml = tmp_path / "scan_x4_y3.raw", tmp_path / "scan.xml"
    xml.write_text('<root><raw_file filename="scan_x4_y3.raw"/></root>')
    frames = np.ones((12, 130, 128), "<f4").tobytes()
    raw.write_bytes(frames[: len(frames) // 2])
    half = open_dataset(str(xml))
    cache.store(half, filled(half))
    assert cache.load(half, empty(half))
    raw.write_bytes(frames)
    whole = open_dataset(str(xml))
    assert not cache.load(whole, empty(whole))


def test_the_same_file_opened_in_another_way_is_another(cache: PreviewCache, tmp_path: Path) -> None:
    raw = tmp_path / "scan.raw"
    raw.write_bytes(np.random.default_rng(0).poisson(5.0, SHAPE).astype(np.uint16).tobytes())
    one = open_dataset(str(raw), scan_shape=(20, 20), frame_shape=(64, 64), dtype="<u2")
    two = open_dataset(str(raw), scan_shape=(20, 20), frame_shape=(64, 64), dtype="<i2")
    three = open_dataset(str(raw), scan_shape=(40, 10), frame_shape=(64, 64), dtype="<u2")
    cache.store(one, filled(one))
    assert cache.load(one, empty(one))
    assert not cache.load(two, empty(two))
    assert not cache.load(three, empty(three))


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "other", "encrypted"])
def test_a_damaged_one_is_dropped(cache: PreviewCache, dataset: Dataset, damage: str) -> None:
    cache.store(dataset, filled(dataset))
    path = cache.path_of(dataset)
    whole = path.read_bytes()
    middle, flags = len(whole) // 2, whole.index(b"PK\x01\x02") + 8
    path.write_bytes(
        {
            "cut": whole[:middle],
            "flipped": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
            "emptied": b"",
            "other": b"PK not a cube",
            "encrypted": whole[:flags] + bytes([whole[flags] | 1]) + whole[flags + 1 :],
        }[damage]
    )
    again = empty(dataset)
    assert not cache.load(dataset, again)
    assert not again.done
    assert names(cache) == []


def test_one_that_there_is_no_memory_for_is_not_taken(
    cache: PreviewCache, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.store(dataset, filled(dataset))

    def no_room(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(PreviewCube, "put", no_room)
    assert not cache.load(dataset, empty(dataset))


def test_a_cube_of_other_bins_is_not_taken(cache: PreviewCache, dataset: Dataset) -> None:
    cache.store(dataset, filled(dataset))
    assert not cache.load(dataset, PreviewCube(dataset, Bins((32, 32), dataset.frame_shape)))


def test_the_least_recently_used_is_dropped_for_want_of_room(tmp_path: Path) -> None:
    scans = [scan_file(tmp_path / f"{i}.npy", i) for i in range(4)]
    cubes = [filled(scan) for scan in scans]
    cache = PreviewCache(tmp_path / "previews", limit=10 << 20)
    for age, (scan, cube) in enumerate(zip(scans[:3], cubes[:3], strict=True)):
        cache.store(scan, cube)
        os.utime(cache.path_of(scan), (1000 + age, 1000 + age))
    used = sum(path.stat().st_size for path in cache.folder.iterdir())
    assert cache.load(scans[0], empty(scans[0]))  # used just now: the second is the oldest
    small = PreviewCache(cache.folder, limit=used + 100)
    assert small.store(scans[3], cubes[3])
    kept = [small.path_of(scan).exists() for scan in scans]
    assert kept == [True, False, True, True]
    assert sum(path.stat().st_size for path in cache.folder.iterdir()) <= small.limit


def test_all_files_together_stay_within_the_limit(tmp_path: Path) -> None:
    """To the byte of what lies on the disk, whatever is stored in whatever order."""
    scans = [scan_file(tmp_path / f"{i}.npy", i) for i in range(5)]
    cubes = [filled(scan) for scan in scans]
    probe = PreviewCache(tmp_path / "probe")
    probe.store(scans[0], cubes[0])
    one = probe.path_of(scans[0]).stat().st_size
    for limit in (one - 1, one, 2 * one + one // 2, 3 * one):
        cache = PreviewCache(tmp_path / str(limit), limit)
        for scan, cube in zip(scans, cubes, strict=True):
            cache.store(scan, cube)
            cache.store(scan, cube)
            files = [path.stat().st_size for path in cache.folder.iterdir()]
            assert sum(files) <= limit
        assert len(files) == limit // one


def test_what_was_never_finished_goes_after_a_day(cache: PreviewCache, dataset: Dataset) -> None:
    cache.folder.mkdir()
    old, new = cache.folder / ".old-123.npz", cache.folder / ".new-456.npz"
    for path, age in ((old, 2 * 86400), (new, 60)):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age, time.time() - age))
    cache.store(dataset, filled(dataset))
    assert names(cache) == sorted([new.name, cache.path_of(dataset).name])


def test_an_unfinished_cube_is_not_kept(cache: PreviewCache, dataset: Dataset) -> None:
    assert not cache.store(dataset, empty(dataset))
    assert names(cache) == []


def test_one_that_is_larger_than_the_limit_throws_nothing_out(cache: PreviewCache, dataset: Dataset) -> None:
    cube = filled(dataset)
    cache.store(dataset, cube)
    before = names(cache)
    assert not PreviewCache(cache.folder, limit=100).store(dataset, cube)
    assert names(cache) == before


def test_stopped_on_the_way_it_leaves_nothing(cache: PreviewCache, dataset: Dataset) -> None:
    asked = iter([False, False, True])
    assert not cache.store(dataset, filled(dataset), lambda: next(asked))
    assert names(cache) == []


@pytest.mark.skipif(sys.platform == "win32", reason="sizes of files are limited by POSIX calls")
def test_a_full_disk_is_no_error_and_leaves_nothing(cache: PreviewCache, dataset: Dataset) -> None:
    import resource

    cube, before = filled(dataset), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))  # any file over 2000 bytes: no space
    try:
        assert not cache.store(dataset, cube)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names(cache) == []
    assert cache.store(dataset, cube)


def test_a_disk_with_little_room_is_left_alone(
    cache: PreviewCache, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    usage = type(shutil.disk_usage("/"))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**12, 10**12, 5000))
    assert not cache.store(dataset, filled(dataset))
    assert names(cache) == []


def test_a_folder_that_cannot_be_is_no_error(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = PreviewCache(tmp_path / "file" / "previews")
    assert not cache.store(dataset, filled(dataset))
    assert not cache.load(dataset, empty(dataset))


def test_caches_lie_where_the_user_wants_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LTDESK_CACHE_DIR", str(tmp_path / "here"))
    assert preview_folder() == tmp_path / "here" / "previews"
