"""The window on a real cluster: connecting, the scans in its storage, opening one, computing there and here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QLineEdit

import ltdesk
from ltdesk.engine.ingest import ingest
from ltdesk.ui.cluster.connect_dialog import ConnectDialog
from ltdesk.ui.cluster.stored_scans_dialog import StoredScansDialog
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
    from ltdesk.job import Job

    analyses = (ltdesk.VirtualDetector(ltdesk.Disk(cy=16, cx=16, r=4), name="bf"), ltdesk.MeanFrame())
    with (
        ltdesk.open(write_scan(folder / "warm.h5", FRAMES)) as dataset,
        ClusterExecutor(dask.address, timeout=60) as executor,
    ):
        until(lambda: len(executor.workers) == 1, "the worker")
        for _ in range(2):
            job = Job(dataset=dataset.ref, analyses=(*analyses, BinnedFrames(factor=(2, 2))))
            executor.submit(job, dataset).result(250)


@pytest.fixture
def user(qapp: object) -> Iterator[User]:
    user = User()
    yield user
    user.close()


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return write_scan(tmp_path / "scan.h5", FRAMES)


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


def test_connect_open_a_stored_scan_and_compute_there(user: User, dask: DaskProcesses, storage: str) -> None:
    connect(user, dask.address, storage)
    user.wait(lambda: user.window.job_bar.executor.text() == f"Cluster {dask.address} · 1 worker", "the status bar")
    dialog = scans_dialog(user)
    assert row(dialog)[:3] == ["twin", "48 × 40", "32 × 36"]
    QTest.keyClick(dialog.table, Qt.Key_Return)
    user.wait(lambda: user.window.page is user.window.work, "the scan")
    user.wait_exact()
    [answer] = [user.desk.live.answer(w) for w in [_wish(user)]]
    assert answer is not None
    assert answer.execution["executor"] == "cluster"
    mask = user.selected.shape.mask(FRAMES.shape[2:])
    np.testing.assert_array_equal(user.shown(), FRAMES[:, :, mask].sum(axis=2))


def _wish(user: User):
    from ltdesk.ui.live.wishes import detector_wish

    return detector_wish(user.session, user.session.selected)
