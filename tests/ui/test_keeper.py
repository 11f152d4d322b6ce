"""The keeper computes what is wanted once, drops what is not, and lets a drag be seen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ltdesk.analysis import CenterOfMass, VirtualDetector
from ltdesk.engine.dataset import Dataset
from ltdesk.errors import LtdeskError
from ltdesk.geometry import Disk, PixelMask, Rectangle
from ltdesk.ui.live import keeper as keeper_module
from ltdesk.ui.live.answers import Answer, AnswerShelf
from ltdesk.ui.live.keeper import Keeper
from ltdesk.ui.live.preview_answers import PreviewAnswers
from ltdesk.ui.live.progress import Progress
from ltdesk.ui.live.wishes import MEAN_FRAME, Wish
from tests.ui.fakes import MemoryDataset, SteppedExecutor, counts


class Listener:
    """Remembers what a keeper told, and waits for it."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.progress: list[Progress] = []
        self.refusals: list[tuple[Wish, LtdeskError]] = []
        self._changed = threading.Condition()

    def told(self, dataset: Dataset, answer: Answer) -> None:
        with self._changed:
            self.answers.append(answer)
            self._changed.notify_all()

    def progressed(self, dataset: Dataset, progress: Progress) -> None:
        self.progress.append(progress)

    def refused(self, dataset: Dataset, wish: Wish, error: LtdeskError) -> None:
        self.refusals.append((wish, error))

    def wait_for(self, wish: Wish, state: str) -> Answer:
        def found() -> list[Answer]:
            return [a for a in self.answers if a.wish.key == wish.key and a.state == state]

        with self._changed:
            assert self._changed.wait_for(found, 60), [(a.wish.owner, a.state) for a in self.answers]
            return found()[-1]


@pytest.fixture
def dataset() -> MemoryDataset:
    return MemoryDataset(counts((8, 5), (12, 12)))


@pytest.fixture
def executor() -> SteppedExecutor:
    return SteppedExecutor()


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def keeper(executor: SteppedExecutor, listener: Listener) -> Iterator[Keeper]:
    keeper = Keeper(executor, listener.told, listener.progressed, listener.refused)
    yield keeper
    keeper.close()


def disk(r: float, owner: str = "a") -> Wish:
    return Wish(owner, VirtualDetector(Disk(cy=5.5, cx=5.5, r=r), name="bf"))


def image(dataset: MemoryDataset, r: float) -> np.ndarray:
    return dataset.frames[..., Disk(cy=5.5, cx=5.5, r=r).mask((12, 12))].sum(axis=-1, dtype=np.uint64)


def names(handle: Any) -> list[str]:
    return [analysis.name for analysis in handle.job.analyses]


def test_all_wishes_of_a_region_are_one_pass_and_exact(keeper, executor, listener, dataset):
    wishes = (disk(3), Wish("com", CenterOfMass()), Wish("mean", MEAN_FRAME))
    keeper.want(dataset, wishes)
    job = executor.wait_for(1)
    assert names(job) == ["bf", "com", "mean_frame"]
    executor.finish(job)
    answer = listener.wait_for(wishes[0], "exact")
    np.testing.assert_array_equal(answer.arrays[0], image(dataset, 3))
    assert listener.wait_for(wishes[1], "exact").named("y").shape == (8, 5)
    assert keeper.wait_idle(60)
    assert len(executor.handles) == 1


def test_what_is_known_is_not_computed_again(keeper, executor, listener, dataset):
    keeper.want(dataset, (disk(3), disk(4, "b")))
    executor.finish(executor.wait_for(1))
    assert keeper.wait_idle(60)
    keeper.want(dataset, (disk(3), disk(5, "b")))
    job = executor.wait_for(2)
    assert [wish.shape.r for wish in job.job.analyses] == [5]
    executor.finish(job)
    assert keeper.wait_idle(60)
    keeper.want(dataset, (disk(4, "b"), disk(3)))  # undo
    assert keeper.wait_idle(60)
    assert len(executor.handles) == 2
    np.testing.assert_array_equal(keeper.answer(disk(4, "x")).arrays[0], image(dataset, 4))


def test_a_renamed_detector_is_not_computed_again(keeper, executor, dataset):
    keeper.want(dataset, (disk(3),))
    executor.finish(executor.wait_for(1))
    assert keeper.wait_idle(60)
    renamed = Wish("a", VirtualDetector(Disk(cy=5.5, cx=5.5, r=3), name="other"))
    keeper.want(dataset, (renamed,))
    assert keeper.wait_idle(60)
    assert len(executor.handles) == 1
    assert keeper.answer(renamed) is not None


def test_a_stale_job_is_cancelled(keeper, executor, dataset):
    keeper.want(dataset, (disk(3),))
    first = executor.wait_for(1)
    keeper.want(dataset, (disk(4, "another"),))
    executor.wait_for(2)
    assert first.wait(60)
    assert first.state.status == "cancelled"


def test_one_more_wish_does_not_stop_the_job_under_way(keeper, executor, listener, dataset):
    keeper.want(dataset, (disk(3),))
    first = executor.wait_for(1)
    keeper.want(dataset, (disk(3), disk(4, "b")))
    second = executor.wait_for(2)
    assert not first.cancel_requested
    assert [wish.shape.r for wish in second.job.analyses] == [4]


def test_regions_are_jobs_of_their_own(keeper, executor, listener, dataset):
    region = Rectangle(y0=1, x0=1, y1=4, x1=3)
    mean = Wish("region", MEAN_FRAME, region)
    keeper.want(dataset, (disk(3), mean))
    jobs = {executor.wait_for(n).job.region: executor.wait_for(n) for n in (1, 2)}
    executor.finish(jobs[region])
    answer = listener.wait_for(mean, "exact")
    np.testing.assert_allclose(answer.arrays[0], dataset.frames[1:4, 1:3].mean(axis=(0, 1)))
    assert answer.valid.sum() == 6


def test_a_drag_computes_only_what_is_dragged(keeper, executor, dataset):
    keeper.want(dataset, (disk(3), disk(4, "b")))
    executor.wait_for(1)
    now = (disk(3.5), disk(4, "b"))
    keeper.want(dataset, now, urgent=(now[0],))
    assert [wish.shape.r for wish in executor.wait_for(2).job.analyses] == [3.5]


def test_while_a_moment_of_the_drag_is_computed_the_next_one_waits_for_it(
    keeper, executor, listener, dataset, monkeypatch
):
    monkeypatch.setattr(keeper_module, "PATIENCE", 60.0)
    for r in (3.0, 3.1, 3.2, 3.3):
        keeper.want(dataset, (disk(r),), urgent=(disk(r),))
        executor.wait_for(1)
    assert not executor.handles[0].cancel_requested
    first = executor.handles[0]
    executor.finish(first)
    second = executor.wait_for(2)
    assert [wish.shape.r for wish in second.job.analyses] == [3.3]  # what lay between was skipped
    shown = listener.wait_for(Wish("a", first.job.analyses[0]), "exact")
    assert shown.generation < keeper.want(dataset, (disk(3.3),))


def test_a_moment_that_takes_too_long_gives_way(keeper, executor, dataset, monkeypatch):
    monkeypatch.setattr(keeper_module, "PATIENCE", 0.02)
    keeper.want(dataset, (disk(3),), urgent=(disk(3),))
    first = executor.wait_for(1)
    keeper.want(dataset, (disk(4),), urgent=(disk(4),))
    assert [wish.shape.r for wish in executor.wait_for(2).job.analyses] == [4]
    assert first.cancel_requested


def test_after_the_drag_the_rest_is_computed(keeper, executor, listener, dataset):
    wishes = (disk(4), disk(5, "b"))
    keeper.want(dataset, wishes, urgent=wishes[:1])
    executor.finish(executor.wait_for(1))
    listener.wait_for(wishes[0], "exact")
    keeper.want(dataset, wishes)
    assert [wish.shape.r for wish in executor.wait_for(2).job.analyses] == [5]


def test_a_job_that_takes_a_while_shows_what_it_has(keeper, executor, listener, dataset, monkeypatch):
    monkeypatch.setattr("ltdesk.ui.live.running_job.QUIET", 0.0)
    keeper.want(dataset, (disk(3),))
    job = executor.wait_for(1)
    executor.step(job, 3)
    answer = listener.wait_for(disk(3), "filling")
    assert 0 < answer.valid.sum() <= 15
    np.testing.assert_array_equal(answer.arrays[0][answer.valid], image(dataset, 3)[answer.valid])
    executor.finish(job)
    listener.wait_for(disk(3), "exact")
    assert listener.progress[-1].done == listener.progress[-1].total == 8


def test_failed_partitions_are_shown_and_retried_on_request(keeper, executor, listener, dataset):
    keeper.want(dataset, (disk(3),))
    job = executor.wait_for(1)
    executor.fail(job, "rows are gone")
    executor.finish(job)
    answer = listener.wait_for(disk(3), "failed")
    assert answer.failed.sum() == 5
    assert not answer.valid[answer.failed].any()
    assert "rows are gone" in answer.messages[0]
    assert keeper.wait_idle(60)
    assert listener.progress[-1].failed == 1
    assert len(executor.handles) == 1  # not again and again
    keeper.retry()
    executor.finish(executor.wait_for(2))
    listener.wait_for(disk(3), "exact")


def test_cancel_stays_cancelled_until_retry(keeper, executor, listener, dataset):
    keeper.want(dataset, (disk(3),))
    job = executor.wait_for(1)
    executor.step(job, 2)
    keeper.cancel()
    answer = listener.wait_for(disk(3), "cancelled")
    assert answer.valid.sum() == 10
    assert keeper.wait_idle(60)
    keeper.want(dataset, (disk(3),))
    assert keeper.wait_idle(60)
    assert len(executor.handles) == 1
    assert listener.progress[-1].cancelled
    keeper.retry()
    executor.finish(executor.wait_for(2))
    listener.wait_for(disk(3), "exact")


def test_an_impossible_wish_does_not_spoil_the_others(keeper, executor, listener, dataset):
    wrong = Wish("m", VirtualDetector(PixelMask.from_array(np.eye(3)), name="m"))
    keeper.want(dataset, (disk(3), wrong))
    job = executor.wait_for(1)
    assert names(job) == ["bf"]
    executor.finish(job)
    listener.wait_for(disk(3), "exact")
    assert keeper.wait_idle(60)
    [(wish, error)] = listener.refusals
    assert wish == wrong
    assert "12x12" in str(error)


def test_names_that_clash_are_computed_all_the_same(keeper, executor, listener, dataset):
    clash = Wish("b", VirtualDetector(Disk(cy=2, cx=2, r=2), name="com_y"))
    keeper.want(dataset, (Wish("com", CenterOfMass()), clash))
    executor.finish(executor.wait_for(1))
    answer = listener.wait_for(clash, "exact")
    np.testing.assert_array_equal(answer.arrays[0], dataset.frames[..., Disk(cy=2, cx=2, r=2).mask((12, 12))].sum(-1))


def test_another_dataset_stops_all_and_forgets_all(keeper, executor, listener, dataset):
    keeper.want(dataset, (disk(3),))
    first = executor.wait_for(1)
    other = MemoryDataset(counts((4, 4), (12, 12), seed=1))
    keeper.want(other, (disk(3),))
    executor.finish(executor.wait_for(2))
    answer = listener.wait_for(disk(3), "exact")
    np.testing.assert_array_equal(answer.arrays[0], image(other, 3))
    assert first.state.status == "cancelled"
    assert keeper.wait_released(dataset, 5)


def test_what_went_wrong_with_another_dataset_is_not_given_up(keeper, executor, listener, dataset, monkeypatch):
    begun, left = threading.Event(), threading.Event()

    def gone(job: Any, dataset: Any) -> None:
        begun.set()
        assert left.wait(60)
        raise LtdeskError("the file is gone")

    with monkeypatch.context() as patch:
        patch.setattr(executor, "submit", gone)
        keeper.want(dataset, (disk(3),))
        assert begun.wait(60)
    other = MemoryDataset(counts((4, 4), (12, 12), seed=1))
    keeper.want(other, (disk(3),))
    left.set()
    executor.finish(executor.wait_for(1))
    np.testing.assert_array_equal(listener.wait_for(disk(3), "exact").arrays[0], image(other, 3))


def test_a_preview_of_a_dataset_that_was_left_meanwhile_is_not_kept(dataset):
    other = MemoryDataset(counts((4, 4), (12, 12), seed=1))
    found = SimpleNamespace(arrays={"bf": image(dataset, 3)}, valid=np.ones((8, 5), bool))

    class Slow:
        def open(self, dataset: Any, seen: Any) -> None: ...

        def images(self, dataset: Any, analysis: Any) -> Any:
            previews.open(other)
            return found

    previews = PreviewAnswers(Slow())
    previews.open(dataset)
    assert previews.make(dataset, disk(3), 1) is not None
    assert previews.known(disk(3)) is None


def test_closing_cancels_and_joins(executor, listener, dataset):
    before = set(threading.enumerate())
    keeper = Keeper(executor, listener.told, listener.progressed, listener.refused)
    keeper.want(dataset, (disk(3),))
    job = executor.wait_for(1)
    keeper.close()
    assert job.state.status == "cancelled"
    assert not set(threading.enumerate()) - before


def test_the_shelf_drops_the_least_recently_used(dataset):
    def answer(r: float) -> Answer:
        array = np.zeros((10, 10))
        return Answer(disk(r), 0, "exact", (array,), (), np.ones((10, 10), bool), None, {}, 0.0, {})

    shelf = AnswerShelf(room=3000)
    for r in (1, 2, 3):
        shelf.put(answer(r))
    assert shelf.get(disk(1).key) is not None
    shelf.put(answer(4))
    assert [shelf.get(disk(r).key) is not None for r in (1, 2, 3, 4)] == [True, False, True, True]
