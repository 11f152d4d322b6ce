"""The window on a real HDFS and a real dask: connect, send, see the list, open, drag; the same bytes as here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QDialog, QLineEdit

import ltdesk
from ltdesk.engine.local import LocalExecutor
from ltdesk.engine.storage.web_hdfs_blocks import DATA_DIRS
from ltdesk.job import Job
from ltdesk.ui.cluster.connect_dialog import ConnectDialog
from ltdesk.ui.cluster.send_dialog import SendDialog
from ltdesk.ui.cluster.stored_scans_dialog import StoredScansDialog
from tests.cluster.hdfs import Hdfs
from tests.dask_processes import DaskProcesses
from tests.engine.storage.storage_suite import Place
from tests.ui.fakes import counts
from tests.ui.user import User, write_scan

FRAMES = counts((48, 40), (32, 36))


@pytest.fixture
def dask(hdfs: Hdfs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaskProcesses]:
    """One worker, on the host of the first DataNode."""
    processes = DaskProcesses(tmp_path)
    with monkeypatch.context() as patched:
        patched.setenv(DATA_DIRS, str(hdfs.data_folder(0)))
        processes.start_worker("one", hdfs.hosts[0])
    yield processes
    processes.stop()


@pytest.fixture
def user(qapp: object, dask: DaskProcesses) -> Iterator[User]:
    user = User()
    yield user
    user.close()


def dialog_of(user: User, kind: type[QDialog], action: str) -> Any:
    user.trigger(action)
    user.wait(lambda: any(dialog.isVisible() for dialog in user.window.findChildren(kind)), kind.__name__)
    return next(dialog for dialog in user.window.findChildren(kind) if dialog.isVisible())


def type_in(field: QLineEdit, text: str) -> None:
    field.clear()
    QTest.keyClicks(field, text)


def connect(user: User, scheduler: str, storage: str) -> None:
    dialog = dialog_of(user, ConnectDialog, "connect")
    type_in(dialog.scheduler.address, scheduler)
    type_in(dialog.storage.address, storage)
    user.wait(lambda: "3 data nodes" in dialog.storage.words.text(), "the storage's answer")
    user.wait(lambda: "1 worker on 1 host" in dialog.scheduler.words.text() or _again(dialog), "the scheduler's answer")
    QTest.mouseClick(dialog.connect_button, Qt.LeftButton)
    user.wait(lambda: user.desk.connection.scheduler == scheduler, "the connection")
    assert user.window.job_bar.executor.text().endswith("· cluster connected"), "a local file is open"


def _again(dialog: ConnectDialog) -> bool:
    """The scheduler, or its worker, may still be starting: try once more what has failed."""
    tried = dialog.scheduler.trial.result
    if tried is not None:
        dialog.scheduler.set_address(dialog.scheduler.given)
    return False


def send(user: User) -> None:
    dialog = dialog_of(user, SendDialog, "send")
    type_in(dialog.name, "twin")
    QTest.mouseClick(dialog.send_button, Qt.LeftButton)
    user.wait(dialog.open_button.isVisible, "the end of sending")
    dialog.close()


def open_from_the_list(user: User) -> None:
    dialog = dialog_of(user, StoredScansDialog, "stored")

    def row() -> list[str]:
        columns = range(dialog.rows.columnCount()) if dialog.rows.rowCount() else ()
        return [str(dialog.rows.index(0, column).data()) for column in columns]

    def known() -> bool:
        if dialog.refresh_button.isEnabled() and "1 of 2" in row():
            dialog.look()  # HDFS hears of its newest copies a little later
        return row()[5:7] == ["2 of 2", "whole"]

    user.wait(known, "the scan with its copies")
    assert row()[:4] == ["twin", "48 × 40", "32 × 36", "16-bit unsigned"]
    QTest.mouseClick(dialog.verify_button, Qt.LeftButton)
    user.wait(lambda: row()[6] == "verified", "every byte")
    QTest.mouseClick(dialog.open_button, Qt.LeftButton)
    user.wait(lambda: user.desk.dataset is not None and "webhdfs" in user.desk.dataset.ref.uri, "the scan")
    dialog.close()


def test_from_connecting_to_the_same_bytes(user: User, hdfs: Hdfs, place: Place, dask: DaskProcesses) -> None:
    path = write_scan(dask.folder / "scan.h5", FRAMES)
    user.open(path)
    connect(user, dask.address, place.storage.uri(place.folder))
    send(user)
    open_from_the_list(user)
    user.wait_exact()
    share = user.window.job_bar.share
    user.wait(lambda: share.text().endswith(" % local"), "the share")
    assert "over the network" in share.toolTip() or share.text() == "100 % local"
    disk = user.selected.shape
    user.frame.drag((disk.cy, disk.cx), (disk.cy + 1, disk.cx + 2), (disk.cy + 2, disk.cx + 3))
    user.wait_exact()
    moved = user.selected.analysis()
    assert moved.shape != disk
    user.image.double_click((46, 1))
    user.wait(lambda: np.array_equal(user.frame_view.prepared.picture.values, FRAMES[46, 1]), "the frame")
    with ltdesk.open(path) as local, LocalExecutor(2) as here:
        wanted = here.submit(Job(dataset=local.ref, analyses=(moved,)), local).result(250)[moved.name]
    assert user.shown().tobytes() == wanted.tobytes()
    assert user.shown().dtype == wanted.dtype
