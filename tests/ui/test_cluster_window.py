"""The window on a real cluster: connecting, the scans in its storage, opening one, computing there and here."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QLineEdit

import ltdesk
from ltdesk.engine.executor import JobHandle
from ltdesk.engine.ingest import ingest
from ltdesk.job import Job
from ltdesk.ui.cluster.connect_dialog import ConnectDialog
from ltdesk.ui.cluster.stored_scans_dialog import StoredScansDialog
from ltdesk.ui.live import keeper as keeper_module
from ltdesk.ui.live.wishes import detector_wish
from tests.dask_processes import DaskProcesses, until
from tests.ui.fakes import counts
from tests.ui.user import User, write_scan

FRAMES = counts((48, 40), (32, 36))
pytestmark = [pytest.mark.xdist_group("dask-window"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskProcesses]:
    processes = DaskProcesses(tmp_path_factory.mktemp("dask"))
    processes.start_worker("one", "127.0.0.2")  # compiles for itself: a second one would take as long again
    try:
        warm_up(processes, tmp_path_factory.mktemp("warm"))
        yield processes
    finally:
        processes.stop()


def warm_up(dask: DaskProcesses, folder: Path) -> None:
    """Have the workers compile what the window asks for: on a cold machine that takes longer than a user waits."""
    from ltdesk.engine.cluster import ClusterExecutor
    from ltdesk.engine.preview.binned import BinnedFrames

    analyses = (ltdesk.VirtualDetector(ltdesk.Disk(cy=16, cx=16, r=4), name="bf"), ltdesk.MeanFrame())
    with (
        ltdesk.open(write_scan(folder / "warm.h5", FRAMES)) as dataset,
        ClusterExecutor(dask.address, timeout=150) as executor,
    ):
        until(lambda: len(executor.workers) == 1, "the worker")
        for _ in range(2):
            job = Job(dataset=dataset.ref, analyses=(*analyses, BinnedFrames(factor=(2, 2))))
            executor.submit(job, dataset).result(250)


@pytest.fixture
def storage(tmp_path: Path, scan: Path) -> str:
    """The URI of a folder with one scan in it."""
    uri = (tmp_path / "storage").as_uri()
    with ltdesk.open(scan) as dataset:
        ingest(dataset, f"{uri}/twin")
    return uri


def connect_dialog(user: User) -> ConnectDialog:
    user.trigger("connect")
    user.wait(lambda: isinstance(user.dialog(), ConnectDialog), "the dialog")
    return user.dialog()


def type_in(field: QLineEdit, text: str) -> None:
    field.clear()
    QTest.keyClicks(field, text)


def connect(user: User, scheduler: str = "", storage: str = "") -> None:
    dialog = connect_dialog(user)
    type_in(dialog.scheduler.address, scheduler)
    type_in(dialog.storage.address, storage)
    user.wait(dialog.connect_button.isEnabled, "answers")
    QTest.mouseClick(dialog.connect_button, Qt.LeftButton)
    user.wait(lambda: user.desk.connection.connected, "the connection")


def scans_dialog(user: User) -> StoredScansDialog:
    user.wait(lambda: user.window.findChild(StoredScansDialog) is not None, "the list of scans")
    dialog = user.window.findChild(StoredScansDialog)
    user.wait(lambda: dialog.refresh_button.isEnabled(), "the end of the list")
    return dialog


def row(dialog: StoredScansDialog, number: int = 0) -> list[str]:
    return [str(dialog.rows.index(number, column).data()) for column in range(dialog.rows.columnCount())]


def open_twin(user: User, dask: DaskProcesses, storage: str) -> None:
    """Connect, and open the scan in the storage from the list."""
    connect(user, dask.address, storage)
    text = f"Cluster {dask.address} · 1 worker"
    user.wait(lambda: user.window.job_bar.executor.text() == text, "the status bar")
    dialog = scans_dialog(user)
    assert row(dialog)[:3] == ["twin", "48 × 40", "32 × 36"]
    QTest.keyClick(dialog.table, Qt.Key_Return)
    user.wait(lambda: user.window.page is user.window.work, "the scan")
    dialog.close()
    user.wait_exact()


def image_of(user: User) -> NDArray[Any]:
    """What the selected detector sees, by definition."""
    mask = user.selected.shape.mask(FRAMES.shape[2:])
    return FRAMES[:, :, mask].sum(axis=2)


def test_connect_open_a_stored_scan_and_compute_there(user: User, dask: DaskProcesses, storage: str) -> None:
    open_twin(user, dask, storage)
    wish = detector_wish(user.session, user.session.selected)
    assert wish is not None
    answer = user.desk.live.answer(wish)
    assert answer is not None
    assert (answer.execution["executor"], answer.execution["scheduler"]) == ("cluster", dask.address)
    np.testing.assert_array_equal(user.shown(), image_of(user))
    user.image.double_click((7, 31))
    user.wait(lambda: user.frame_view.prepared.picture.values.shape == FRAMES.shape[2:], "a frame")
    user.wait(lambda: np.array_equal(user.frame_view.prepared.picture.values, FRAMES[7, 31]), "the frame")


def test_a_drag_shows_previews_whose_cube_came_once(
    user: User, dask: DaskProcesses, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_twin(user, dask, storage)
    user.wait(lambda: user.desk.live.keeper.wait_idle(0), "the end of the jobs")
    cluster = user.desk.executor.cluster
    assert cluster is not None
    kinds: list[list[str]] = []
    submit = cluster.submit

    def watched(job: Job, *rest: Any, **named: Any) -> JobHandle:
        kinds.append([analysis.kind for analysis in job.analyses])
        return submit(job, *rest, **named)

    states: list[str] = []
    user.desk.live.answered.connect(lambda answer: states.append(answer.state))
    cluster.submit = watched  # type: ignore[method-assign]
    before = user.selected.shape
    user.frame.press((before.cy, before.cx))
    monkeypatch.setattr(keeper_module, "REST", 600.0)  # the hand moves on: at rest so small an image is exact at once
    user.frame.move((before.cy, before.cx + 2))
    user.wait(lambda: "preview" in states, "a preview while the hand moves")
    user.frame.move((before.cy, before.cx + 4))
    user.frame.release((before.cy, before.cx + 4))
    user.wait_exact()
    assert user.selected.shape != before
    np.testing.assert_array_equal(user.shown(), image_of(user))
    assert kinds
    assert not any("binned_frames" in names for names in kinds), "the cube has come with the first image"


def test_a_lost_scheduler_is_waited_for_and_the_job_goes_on(user: User, dask: DaskProcesses, storage: str) -> None:
    open_twin(user, dask, storage)
    dask.signal("one", signal.SIGSTOP)  # so that the next job is under way, for as long as we want
    user.key(user.frame_view, Qt.Key_Right)
    user.wait(lambda: user.desk.live.keeper._jobs, "the job")
    dask.kill_scheduler()
    dask.forget("one")
    user.wait(lambda: "reconnecting, " in user.window.job_bar.executor.text(), "the words")
    user.wait(lambda: user.image_view.status == "preview", "a preview, from what came before")
    user.image.double_click((3, 2))
    user.wait(lambda: np.array_equal(user.frame_view.prepared.picture.values, FRAMES[3, 2]), "a frame meanwhile")
    assert user.dialog() is None
    dask.start_scheduler()
    dask.start_worker("one", "127.0.0.2")
    user.wait_exact()
    np.testing.assert_array_equal(user.shown(), image_of(user))
    user.wait(lambda: user.window.job_bar.executor.text().endswith("1 worker"), "the status bar")
