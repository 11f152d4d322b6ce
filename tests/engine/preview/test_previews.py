"""The cube of the open scan: made by the jobs that run anyway, kept, found again, completed where it was stopped."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ltdesk.analysis import Analysis, CenterOfMass, SumFrame, VirtualDetector
from ltdesk.engine.dataset import Dataset, Tile
from ltdesk.engine.first_look import SampledFrames, sample_frames, sample_mean, spread_positions
from ltdesk.engine.local import LocalExecutor
from ltdesk.engine.open import open_dataset
from ltdesk.engine.partition import prepare, run_partition
from ltdesk.engine.preview import previews as module
from ltdesk.engine.preview.cache import PreviewCache
from ltdesk.engine.preview.previews import Previews
from ltdesk.geometry import Disk, Rectangle, Ring
from ltdesk.job import Job, Partition
from tests.engine.preview.scans import known

SHAPE = (40, 30, 48, 48)
"""Several partitions."""
BLOCK = VirtualDetector(Rectangle(y0=16, x0=8, y1=32, x1=24), name="block")
DISK = VirtualDetector(Disk(cy=23.5, cx=23.5, r=12), name="disk")


@pytest.fixture
def frames() -> NDArray[Any]:
    return np.random.default_rng(2).poisson(6.0, SHAPE).astype(np.uint16)


@pytest.fixture
def dataset(tmp_path: Path, frames: NDArray[Any]) -> Dataset:
    np.save(tmp_path / "scan.npy", frames)
    return open_dataset(str(tmp_path / "scan.npy"))


@pytest.fixture
def executor() -> Iterator[LocalExecutor]:
    with LocalExecutor(2) as executor:
        yield executor


@pytest.fixture
def previews(executor: LocalExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Previews]:
    monkeypatch.setattr(module, "SETTLED", 0.0)
    made = Previews(executor, PreviewCache(tmp_path / "cache"), smallest=0)
    yield made
    made.close()


def pass_over(previews: Previews, dataset: Dataset, *analyses: Analysis) -> None:
    job = Job(dataset=dataset.ref, analyses=analyses)
    results = previews.submit(job, dataset).result(300)
    assert set(results) == {name for spec in analyses for name in spec.result_names()}


def test_the_first_pass_makes_the_cube_beside_what_it_is_for(
    previews: Previews, dataset: Dataset, frames: NDArray[Any]
) -> None:
    previews.open(dataset)
    assert previews.is_wanted(dataset)
    assert not previews.helps(dataset, DISK)
    assert previews.images(dataset, DISK) is None
    pass_over(previews, dataset, CenterOfMass(), SumFrame())
    assert not previews.is_wanted(dataset)
    assert previews.helps(dataset, DISK)
    found = known(previews.images(dataset, BLOCK))
    np.testing.assert_array_equal(found.arrays["block"], frames[..., 16:32, 8:24].sum(axis=(2, 3)))
    assert found.valid.all()


def test_opened_again_it_comes_from_the_disk_without_a_pass(
    previews: Previews, dataset: Dataset, executor: LocalExecutor, tmp_path: Path, frames: NDArray[Any]
) -> None:
    previews.open(dataset)
    pass_over(previews, dataset, SumFrame())
    wait_for(PreviewCache(tmp_path / "cache").path_of(dataset).exists)
    again = Previews(executor, PreviewCache(tmp_path / "cache"), smallest=0)
    try:
        reopened = open_dataset(dataset.ref.uri)
        again.open(reopened)
        assert not again.is_wanted(reopened)  # it is being read
        wait_for(lambda: again.helps(reopened, DISK))
        found = known(again.images(reopened, BLOCK)).arrays["block"]
        np.testing.assert_array_equal(found, frames[..., 16:32, 8:24].sum(axis=(2, 3)))
    finally:
        again.close()


def test_a_damaged_one_on_the_disk_is_made_again(previews: Previews, dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    PreviewCache(tmp_path / "cache").path_of(dataset).write_bytes(b"rubbish")
    previews.open(dataset)
    wait_for(lambda: previews.is_wanted(dataset))
    pass_over(previews, dataset, SumFrame())
    assert known(previews.images(dataset, DISK)).valid.all()


def test_what_a_stopped_pass_left_out_is_made_by_another_job(
    previews: Previews, dataset: Dataset, frames: NDArray[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, reached, tiles = threading.Event(), threading.Event(), dataset.tiles

    def halting(partition: Partition) -> Iterator[Tile]:
        if partition.index >= 2:
            reached.set()
            assert gate.wait(60)
        yield from tiles(partition)

    monkeypatch.setattr("ltdesk.engine.pace.TOGETHER", 1)  # views of several are not asked for one by one
    monkeypatch.setattr(dataset, "tiles", halting)
    previews.open(dataset)
    handle = previews.submit(Job(dataset=dataset.ref, analyses=(SumFrame(),)), dataset)
    assert reached.wait(60)
    wait_for(lambda: handle.update().done == 2)
    handle.cancel()
    gate.set()
    assert handle.wait(60)
    expected = np.zeros(SHAPE[:2], bool)
    for partition in dataset.plan()[:2]:
        expected[partition.slices] = True
    np.testing.assert_array_equal(known(previews.images(dataset, BLOCK)).valid, expected)
    assert previews.is_wanted(dataset)
    rest = known(previews.rest(dataset))
    np.testing.assert_array_equal(known(rest.region).mask(SHAPE[:2]), ~expected)
    previews.submit_rest(rest, dataset).result(300)
    assert previews.rest(dataset) is None
    found = known(previews.images(dataset, BLOCK))
    assert found.valid.all()
    np.testing.assert_array_equal(found.arrays["block"], frames[..., 16:32, 8:24].sum(axis=(2, 3)))


def test_what_is_given_up_is_not_tried_until_it_is_wanted_again(previews: Previews, dataset: Dataset) -> None:
    previews.open(dataset)
    previews.give_up(dataset)
    assert not previews.is_wanted(dataset)
    assert previews.rest(dataset) is None
    previews.want_again()
    assert previews.is_wanted(dataset)


def sample_twenty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any scan is large, and twenty of its frames are read however long it takes."""
    monkeypatch.setattr(module, "LARGE", 0)
    monkeypatch.setattr(module, "SAMPLE_FRAMES", 20)
    monkeypatch.setattr(module, "SAMPLE_SECONDS", 60.0)


def test_of_a_large_scan_some_frames_are_seen_before_any_pass(
    previews: Previews, dataset: Dataset, frames: NDArray[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sample_twenty(monkeypatch)
    previews.open(dataset)
    assert previews.helps(dataset, DISK)
    found = known(previews.images(dataset, DISK))
    expected = np.zeros(SHAPE[:2], bool)
    for place in spread_positions(SHAPE[:2], 20):
        expected[place] = True
    np.testing.assert_array_equal(found.valid, expected)
    exact = frames[..., DISK.shape.mask(SHAPE[2:])].sum(axis=-1)
    np.testing.assert_array_equal(found.arrays["disk"], np.where(expected, exact, 0))
    com = known(previews.images(dataset, CenterOfMass())).arrays["com_y"]
    np.testing.assert_array_equal(np.isnan(com), ~expected)
    pass_over(previews, dataset, SumFrame())
    assert known(previews.images(dataset, DISK)).valid.all()


def test_frames_seen_on_opening_are_the_first_image_and_more_follow_once(
    previews: Previews, dataset: Dataset, frames: NDArray[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sample_twenty(monkeypatch)
    seen = sample_mean(dataset, count=6, seconds=60.0).seen
    assert seen is not None
    previews.open(dataset, seen)
    exact = frames[..., DISK.shape.mask(SHAPE[2:])].sum(axis=-1)
    with monkeypatch.context() as nothing_read:
        nothing_read.setattr(dataset, "_read_frame", _never)
        first = known(previews.images(dataset, DISK))
    assert first.valid.sum() == len(spread_positions(SHAPE[:2], 6))
    np.testing.assert_array_equal(first.arrays["disk"][first.valid], exact[first.valid])
    assert previews.sharpen(dataset)
    both = {*spread_positions(SHAPE[:2], 6), *spread_positions(SHAPE[:2], 20)}
    more = known(previews.images(dataset, DISK))
    assert {(int(y), int(x)) for y, x in np.argwhere(more.valid)} == both
    np.testing.assert_array_equal(more.arrays["disk"][more.valid], exact[more.valid])
    assert not previews.sharpen(dataset)


def test_frames_that_were_seen_are_let_go_once_the_cube_came_from_the_disk(
    previews: Previews, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    previews.open(dataset)
    pass_over(previews, dataset, SumFrame())
    wait_for(PreviewCache(tmp_path / "cache").path_of(dataset).exists)
    monkeypatch.setattr(module, "LARGE", 0)
    seen = known(sample_mean(dataset, count=6, seconds=60.0).seen)
    frames = weakref.ref(seen.frames)
    previews.open(dataset, seen)
    del seen
    assert not previews.is_wanted(dataset)  # it is being read
    wait_for(lambda: previews.cube(dataset).complete)
    wait_for(lambda: frames() is None)


@pytest.mark.parametrize("few_before", [False, True])
def test_frames_that_are_read_while_the_cube_is_completed_are_not_kept(
    previews: Previews, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, few_before: bool
) -> None:
    sample_twenty(monkeypatch)
    seen = sample_mean(dataset, count=6, seconds=60.0).seen if few_before else None
    and_more, read = SampledFrames.and_more, list[weakref.ref[NDArray[Any]]]()

    def noted(sample: SampledFrames) -> SampledFrames:
        read.append(weakref.ref(sample.frames))
        return sample

    def completed_meanwhile(*given: Any) -> SampledFrames:
        pass_over(previews, dataset, SumFrame())
        return noted(sample_frames(*given))

    monkeypatch.setattr(module, "sample_frames", completed_meanwhile)
    monkeypatch.setattr(SampledFrames, "and_more", lambda one, other: noted(and_more(one, other)))
    previews.open(dataset, seen)
    assert previews.sharpen(dataset) if few_before else known(previews.images(dataset, DISK)).valid.any()
    del seen
    assert len(read) == 1 + few_before
    assert all(frames() is None for frames in read)
    assert known(previews.images(dataset, DISK)).valid.all()


def _never(*_: object) -> NDArray[Any]:
    raise AssertionError("no frame is to be read")


def test_beside_a_sample_what_the_cube_has_so_far_counts(
    previews: Previews, dataset: Dataset, frames: NDArray[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sample_twenty(monkeypatch)
    previews.open(dataset)
    cube, first = previews.cube(dataset), dataset.plan()[0]
    job = Job(dataset=dataset.ref, analyses=(cube.analysis,))
    cube.take(run_partition(prepare(job, dataset), first))
    found = known(previews.images(dataset, BLOCK))
    expected = np.zeros(SHAPE[:2], bool)
    expected[first.slices] = True
    for place in spread_positions(SHAPE[:2], 20):
        expected[place] = True
    np.testing.assert_array_equal(found.valid, expected)
    exact = frames[..., 16:32, 8:24].sum(axis=(2, 3))
    np.testing.assert_array_equal(found.arrays["block"], np.where(expected, exact, 0))


def test_small_scans_have_none(executor: LocalExecutor, dataset: Dataset) -> None:
    previews = Previews(executor)
    previews.open(dataset)
    assert not previews.is_wanted(dataset)
    pass_over(previews, dataset, SumFrame())
    assert not previews.helps(dataset, DISK)
    previews.close()


def test_where_the_exact_image_is_as_quick_none_helps(previews: Previews, dataset: Dataset) -> None:
    previews.open(dataset)
    pass_over(previews, dataset, SumFrame())
    job = Job(dataset=dataset.ref, analyses=(SumFrame(),))
    previews.took(job, dataset, seconds=10.0, mapped=True)
    assert previews.helps(dataset, DISK)
    previews.took(job, dataset, seconds=1e-4, mapped=True)
    assert not previews.helps(dataset, DISK)


def test_a_quick_small_detector_says_nothing_of_a_large_one(previews: Previews, tmp_path: Path) -> None:
    """On large frames it did: then a large one had neither a preview nor, while it was dragged, an exact image."""
    np.save(tmp_path / "large.npy", np.ones((2, 2, 1024, 1024), np.uint8))
    large = open_dataset(str(tmp_path / "large.npy"))
    previews.open(large)
    small = VirtualDetector(Disk(cy=512, cx=512, r=16), name="small")
    ring = VirtualDetector(Ring(cy=512, cx=512, r_in=240, r_out=480), name="ring")
    pass_over(previews, large, SumFrame())
    previews.took(Job(dataset=large.ref, analyses=(small,)), large, seconds=0.009, mapped=True)
    assert previews.helps(large, ring)
    assert not previews.helps(large, small)


@pytest.mark.parametrize("seconds", [1.0, 1e-4])
def test_where_quick_jobs_are_stopped_again_and_again_a_preview_helps(
    previews: Previews, dataset: Dataset, seconds: float
) -> None:
    previews.open(dataset)
    pass_over(previews, dataset, SumFrame())
    job = Job(dataset=dataset.ref, analyses=(SumFrame(),))
    previews.took(job, dataset, seconds=2e-3, mapped=True)
    assert not previews.helps(dataset, DISK)
    for _ in range(4):
        previews.stopped(job, dataset, seconds)
    assert previews.helps(dataset, DISK)
    previews.took(job, dataset, seconds=2e-3, mapped=True)
    assert not previews.helps(dataset, DISK)


def test_another_scan_takes_its_place(previews: Previews, dataset: Dataset, tmp_path: Path) -> None:
    previews.open(dataset)
    pass_over(previews, dataset, SumFrame())
    np.save(tmp_path / "other.npy", np.ones(SHAPE, np.uint8))
    other = open_dataset(str(tmp_path / "other.npy"))
    previews.open(other)
    assert previews.images(dataset, DISK) is None
    assert previews.is_wanted(other)
    assert not previews.helps(other, DISK)


def test_closing_ends_its_threads_even_while_it_waits_to_write(
    executor: LocalExecutor, dataset: Dataset, tmp_path: Path
) -> None:
    previews = Previews(executor, PreviewCache(tmp_path / "cache"), smallest=0)
    before = set(threading.enumerate())
    previews.open(dataset)
    pass_over(previews, dataset, SumFrame())
    previews.close()
    left = [thread for thread in threading.enumerate() if "preview" in thread.name and thread not in before]
    assert not left


def wait_for(condition: Callable[[], bool]) -> None:
    """Until another thread has come so far."""
    gate = threading.Event()
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        gate.wait(0.002)
