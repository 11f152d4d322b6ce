"""Jobs as the window shows them: filling in, stopped, failed in parts, retried; partition by partition."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from ltdesk.engine.corrected import corrected
from ltdesk.engine.correction_files import correction_for
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.executor import JobHandle
from ltdesk.job import DatasetRef, Job
from ltdesk.ui.live.progress import Progress
from ltdesk.ui.panels.job_bar import JobBar, progress_text
from tests.ui.fakes import MemoryDataset, SteppedExecutor, counts
from tests.ui.user import User, write_scan

FRAMES = counts((16, 16), (32, 32))


@pytest.fixture(autouse=True)
def show_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ltdesk.ui.live.running_job.QUIET", 0.0)


@pytest.fixture
def executor() -> SteppedExecutor:
    return SteppedExecutor()


@pytest.fixture
def user(qapp: object, executor: SteppedExecutor) -> Iterator[User]:
    user = User(executor)
    yield user
    user.close()


@pytest.fixture
def job(user: User, executor: SteppedExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobHandle:
    """The first job on a scan of eight partitions, nothing done yet."""
    monkeypatch.setattr("ltdesk.engine.plan.SMALLEST", FRAMES.nbytes // 8)
    user.desk.files.open_path(str(write_scan(tmp_path / "scan.h5", FRAMES)))
    user.wait(lambda: executor.handles, "the job")
    handle = executor.handles[0]
    assert handle.state.total == 8
    return handle


@pytest.fixture
def cut_job(user: User, executor: SteppedExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobHandle:
    """The first job on a file that ends after 144 of 256 frames."""
    monkeypatch.setattr("ltdesk.engine.plan.SMALLEST", FRAMES.nbytes // 8)
    path = tmp_path / "scan.raw"
    path.write_bytes(FRAMES[:9].tobytes())
    user.desk.opener.open(DatasetRef(uri=str(path), scan_shape=(16, 16), frame_shape=(32, 32), dtype="<u2"))
    user.wait(lambda: executor.handles and user.window.page is user.window.work, "the job")
    return executor.handles[0]


def image(user: User) -> np.ndarray:
    return FRAMES[..., user.selected.shape.mask((32, 32))].sum(axis=-1)


def test_all_that_is_shown_is_one_pass(user: User, job: JobHandle) -> None:
    assert [a.name for a in job.job.analyses] == ["BF", "mean_frame"]


def test_before_anything_is_done_the_picture_says_so(user: User, job: JobHandle) -> None:
    user.wait(lambda: user.image_view.prepared is not None, "a blank picture")
    assert user.image_view.status == "filling"
    assert not user.image_view.prepared.picture.valid.any()
    assert user.image_view.prepared.waiting
    assert user.frame_view.status == "estimate"
    assert "64 frames" in user.frame_view.header.source.whole_text


def test_partitions_fill_in_and_are_exact_where_they_are(user: User, job: JobHandle, executor: SteppedExecutor) -> None:
    executor.step(job, 3)
    user.wait(lambda: user.image_view.prepared.picture.valid.any(), "the first partitions")
    picture = user.image_view.prepared.picture
    np.testing.assert_array_equal(picture.values[picture.valid], image(user)[picture.valid])
    assert user.image_view.status == "filling"
    user.wait(lambda: "37 %" in user.window.job_bar.numbers.text(), "the progress")
    assert user.window.job_bar.bar.isVisible()
    assert user.window.job_bar.cancel_button.isVisible()
    executor.finish(job)
    user.wait_exact()
    np.testing.assert_array_equal(user.shown(), image(user))
    user.wait(lambda: not user.window.job_bar.bar.isVisible(), "the end of the progress")


@pytest.mark.parametrize("how", ["button", "Esc"])
def test_the_user_stops_the_job_and_goes_on_later(
    user: User, job: JobHandle, executor: SteppedExecutor, how: str
) -> None:
    executor.step(job, 4)
    user.wait(lambda: user.window.job_bar.cancel_button.isVisible(), "the button")
    if how == "button":
        QTest.mouseClick(user.window.job_bar.cancel_button, Qt.LeftButton)
    else:
        user.trigger("stop")
    user.wait(lambda: user.window.job_bar.numbers.text() == "Stopped at 50 %", "the words")
    assert job.state.status == "cancelled"
    picture = user.image_view.prepared.picture
    assert picture.valid.sum() == 128
    np.testing.assert_array_equal(picture.values[picture.valid], image(user)[picture.valid])
    assert user.image_view.status == "incomplete"
    QTest.mouseClick(user.window.job_bar.retry_button, Qt.LeftButton)
    user.wait(lambda: len(executor.handles) == 2, "another job")
    executor.finish(executor.handles[1])
    user.wait_exact()


@pytest.mark.parametrize("shown", ["show_detector", "show_composite", "show_com", "spectrum"])
def test_a_file_without_some_frames_is_not_called_exact(
    user: User, cut_job: JobHandle, executor: SteppedExecutor, shown: str
) -> None:
    executor.step(cut_job, 1)
    user.image.hover((12, 3))
    user.wait(lambda: user.image_view.readout.endswith("not yet done"), "the first partition")
    executor.auto = True  # before: what is shown next may be submitted at once, by a thread
    user.window.actions_by_name[shown].trigger()
    executor.finish(cut_job)
    user.wait(lambda: user.image_view.status == "missing", "the end of the jobs")
    assert user.image_view.plates.status.text == "incomplete · 144 of 256"
    assert "144 of 256 frames" in user.image_view.canvas.accessibleDescription()
    assert not user.image_view.prepared.waiting
    assert shown == "spectrum" or user.image_view.readout.endswith("= missing")


def test_failed_and_missing_are_told_apart(user: User, cut_job: JobHandle, executor: SteppedExecutor) -> None:
    executor.fail(cut_job, "the disk is gone")
    executor.finish(cut_job)
    user.wait(lambda: user.image_view.status == "incomplete", "the end of the job")
    for shown in ("show_detector", "show_composite"):
        user.trigger(shown)
        y, x = np.argwhere(user.image_view.prepared.picture.failed)[0]
        for position, words in (((y, x), "failed"), ((15, 3), "missing")):
            user.image.hover(position)
            assert user.image_view.readout.endswith(f"= {words}")
        assert user.image_view.prepared.failed is not None
        assert not user.image_view.prepared.waiting


@pytest.mark.parametrize("shown", ["show_detector", "show_composite"])
def test_what_is_known_stays_while_it_is_computed_again(
    user: User, job: JobHandle, executor: SteppedExecutor, shown: str
) -> None:
    user.trigger(shown)
    executor.step(job, 2)
    executor.fail(job, "the cable is out")
    executor.step(job, 3)
    user.wait(lambda: user.window.job_bar.cancel_button.isVisible(), "the button")
    user.trigger("stop")
    user.wait(lambda: user.image_view.status == "incomplete", "the stop")
    known = user.image_view.prepared.picture.valid.copy()
    assert known.sum() == 5 * 32
    user.trigger("retry")
    user.wait(lambda: len(executor.handles) == 2, "another job")
    again = executor.handles[1]
    user.wait(lambda: user.window.job_bar.numbers.text() == "0 %", "that it computes, before a partition is done")
    assert user.window.job_bar.cancel_button.isVisible()
    executor.step(again, 1)
    user.wait(lambda: user.image_view.status == "filling", "the first partition")
    assert (user.image_view.prepared.picture.valid == known).all()  # the first was known
    assert "mean of 160" in user.frame_view.header.source.whole_text
    executor.step(again, 2)  # the third had failed
    user.wait(lambda: user.image_view.prepared.picture.valid.sum() == 6 * 32, "what was missing")
    user.trigger("stop")
    user.wait(lambda: user.image_view.status == "incomplete", "the second stop")
    picture = user.image_view.prepared.picture
    assert picture.valid.sum() == 6 * 32
    np.testing.assert_array_equal(picture.values[picture.valid], image(user)[picture.valid])
    assert picture.failed is None or not picture.failed.any()
    user.trigger("retry")
    user.wait(lambda: len(executor.handles) == 3, "a third job")
    executor.finish(executor.handles[2])
    user.wait_exact()
    np.testing.assert_array_equal(user.shown(), image(user))


def test_failed_partitions_are_counted_hatched_and_tried_again(
    user: User, job: JobHandle, executor: SteppedExecutor
) -> None:
    executor.fail(job, "the disk is gone")
    executor.finish(job)
    user.wait(lambda: user.window.job_bar.numbers.text() == "1 of 8 partitions failed", "the words")
    assert "the disk is gone" in user.window.job_bar.numbers.toolTip()
    assert "the disk is gone" in user.window.job_bar.hint.whole_text()
    picture = user.image_view.prepared.picture
    assert picture.failed is not None
    assert picture.valid is not None
    assert picture.failed.sum() == 32
    assert not picture.valid[picture.failed].any()
    assert user.image_view.status == "incomplete"
    user.trigger("retry")
    user.wait(lambda: len(executor.handles) == 2, "another job")
    executor.finish(executor.handles[1])
    user.wait_exact()
    assert not user.window.job_bar.retry_button.isVisible()
    assert "the disk is gone" not in user.window.job_bar.hint.whole_text()


def test_a_moved_detector_is_not_called_exact_before_it_is(
    user: User, job: JobHandle, executor: SteppedExecutor
) -> None:
    executor.finish(job)
    user.wait_exact()
    user.key(user.frame_view, Qt.Key_Right)
    assert user.image_view.status == "preview"
    user.wait(lambda: len(executor.handles) == 2, "the next job")
    executor.finish(executor.handles[1])
    user.wait_exact()
    np.testing.assert_array_equal(user.shown(), image(user))


def test_closing_the_window_cancels_the_job(qapp: object, tmp_path: Path) -> None:
    executor = SteppedExecutor()
    user = User(executor)
    user.desk.files.open_path(str(write_scan(tmp_path / "scan.h5", FRAMES)))
    user.wait(lambda: executor.handles, "the job")
    user.close()
    assert executor.handles[0].state.status == "cancelled"


def test_another_scan_cancels_the_job_and_lets_the_first_go(
    user: User, job: JobHandle, executor: SteppedExecutor, tmp_path: Path
) -> None:
    first: Dataset = job.dataset
    user.drop(write_scan(tmp_path / "other.h5", counts((4, 4), (16, 16))))
    user.wait(lambda: user.desk.dataset is not first, "the other scan")
    assert job.wait(60)
    assert job.state.status == "cancelled"
    user.wait(lambda: len(executor.handles) == 2, "the next job")
    executor.finish(executor.handles[1])
    user.wait_exact()


def test_an_answer_that_is_under_way_when_another_scan_opens_is_not_shown(
    user: User, job: JobHandle, executor: SteppedExecutor, tmp_path: Path
) -> None:
    user.desk.opener.open(str(write_scan(tmp_path / "other.h5", counts((4, 6), (24, 20)))))
    opening = next(thread for thread in threading.enumerate() if thread.name.startswith("ltdesk-opening"))
    opening.join(60)
    executor.finish(job)
    assert user.desk.live.keeper.wait_idle(60)
    user.desk.mailbox.deliver()  # the other scan, then what is known of the first
    assert user.desk.dataset is not job.dataset
    assert user.frame_view.prepared.shape == (24, 20)
    assert user.frame_view.status == "estimate"
    assert user.image_view.status == "filling"
    assert user.window.job_bar.numbers.text() == ""
    executor.finish(executor.wait_for(2))
    user.wait_exact()


def test_an_answer_that_is_under_way_when_frames_are_corrected_is_not_shown(
    user: User, job: JobHandle, executor: SteppedExecutor, tmp_path: Path
) -> None:
    np.save(tmp_path / "dark.npy", np.full((32, 32), 2.0))
    executor.finish(job)
    assert user.desk.live.keeper.wait_idle(60)
    correction = correction_for(job.dataset, dark=str(tmp_path / "dark.npy"))
    user.desk.corrections.corrected.emit(corrected(job.dataset, correction))
    user.desk.mailbox.deliver()
    assert user.image_view.status == "filling"
    assert not user.image_view.prepared.picture.valid.any()
    assert user.frame_view.status != "exact"
    executor.finish(executor.wait_for(2))
    user.wait_exact()
    np.testing.assert_allclose(user.shown(), (FRAMES - 2.0)[..., user.selected.shape.mask((32, 32))].sum(axis=-1))


@pytest.mark.parametrize("how", ["under way", "failed", "done"])
def test_a_closed_scan_leaves_no_job_behind(user: User, job: JobHandle, executor: SteppedExecutor, how: str) -> None:
    bar = user.window.job_bar
    if how == "failed":
        executor.fail(job, "the disk is gone")
    if how == "under way":
        executor.step(job, 3)
        user.wait(lambda: bar.cancel_button.isVisible(), "the job")
    else:
        executor.finish(job)
        user.wait(lambda: bar.numbers.text() and not user.desk.live.running, "the end of the job")
    user.trigger("close")
    assert job.wait(60)
    assert user.desk.live.keeper.wait_idle(60)
    user.desk.mailbox.deliver()
    assert not user.desk.live.running
    assert bar.numbers.text() == ""
    assert not bar.hint.whole_text()
    assert not any(part.isVisible() for part in (bar.bar, bar.cancel_button, bar.retry_button))


def test_a_fault_in_an_executor_is_reported_and_the_window_lives_on(
    user: User, job: JobHandle, executor: SteppedExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    caught: list[BaseException] = []
    monkeypatch.setattr("threading.excepthook", lambda args: caught.append(args.exc_value))

    def broken(job: Job, dataset: Dataset | None = None) -> JobHandle:
        raise ZeroDivisionError("a bug")

    executor.finish(job)
    user.wait_exact()
    monkeypatch.setattr(executor, "submit", broken)
    user.key(user.frame_view, Qt.Key_Right)
    user.wait(lambda: caught, "the report")
    monkeypatch.undo()
    user.trigger("undo")
    user.wait_exact()


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress(), ""),
        (Progress(running=True, done=63, total=100, rate=18e9, left=0.1), "63 % · 18.0 GB/s · 0.1 s left"),
        (Progress(running=True, done=1, total=64, rate=2e6, left=125), "1 % · 2.0 MB/s · 2:05 left"),
        (Progress(done=64, total=64, rate=4.2e9, seconds=0.51), "4.2 GB/s · 0.5 s"),
        (Progress(cancelled=True, done=32, total=64), "Stopped at 50 %"),
        (Progress(done=61, total=64, failed=3, rate=1e9), "3 of 64 partitions failed"),
    ],
)
def test_the_words_about_a_job(progress: Progress, text: str) -> None:
    assert progress_text(progress) == text


def test_a_long_note_about_a_file_gives_way(qtbot: object) -> None:
    dataset = MemoryDataset(FRAMES)
    dataset.note = "12 of 256 frames; " + "a stack until a scan shape is given, as the file has none; " * 3
    bar = JobBar()
    bar.resize(1280, 24)
    bar.show()
    bar.show_dataset(dataset)
    bar.repaint()
    assert bar.minimumSizeHint().width() < 1000
    assert bar.damage.text().startswith("12 of 256 frames")
    assert bar.damage.text() != bar.damage.toolTip() == dataset.note
    bar.close()
    bar.deleteLater()


def test_the_job_bar_does_not_jump(qtbot: object) -> None:
    bar = JobBar()
    bar.resize(1280, 24)
    bar.show()
    places = set()
    for progress in (
        Progress(),
        Progress(running=True, done=3, total=100, rate=1.5e9, left=0.4),
        Progress(running=True, done=100, total=100, rate=15e9, left=36000),
        Progress(done=100, total=100, rate=1e9, seconds=1),
    ):
        bar.show_progress(progress)
        bar.repaint()
        places.add((bar.executor.geometry().left(), bar.bar.geometry().left(), bar.numbers.geometry().left()))
    assert len(places) == 1
    bar.close()
    bar.deleteLater()
