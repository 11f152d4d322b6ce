"""Connecting, the list of stored scans and sending, as a user does them; the storage is a real folder."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QDialog, QLineEdit, QMessageBox

import ltdesk
from ltdesk.engine.executor import JobHandle
from ltdesk.engine.ingest import ingest
from ltdesk.engine.storage import files
from ltdesk.errors import JobCancelled, OpenError, StorageError
from ltdesk.job import Job
from ltdesk.ui.cluster.connect_dialog import ConnectDialog
from ltdesk.ui.cluster.send_dialog import SendDialog
from ltdesk.ui.cluster.shares import share_detail, share_text
from ltdesk.ui.cluster.stored_scans_dialog import EMPTY, NO_MATCH, StoredScansDialog
from tests.ui.fakes import SteppedExecutor, counts
from tests.ui.user import User, write_scan

FRAMES = counts((48, 40), (32, 36))


@pytest.fixture
def storage(tmp_path: Path) -> str:
    (tmp_path / "storage").mkdir()
    return (tmp_path / "storage").as_uri()


def type_in(field: QLineEdit, text: str) -> None:
    """Type, and leave the field."""
    field.setFocus()
    field.clear()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key_Tab)


def dialog_of(user: User, kind: type[QDialog], action: str) -> Any:
    user.trigger(action)
    user.wait(lambda: any(w.isVisible() for w in user.window.findChildren(kind)), kind.__name__)
    return next(w for w in user.window.findChildren(kind) if w.isVisible())


def connect_to_storage(user: User, storage: str) -> None:
    dialog = dialog_of(user, ConnectDialog, "connect")
    type_in(dialog.storage.address, storage)
    user.wait(dialog.connect_button.isEnabled, "the storage's answer")
    QTest.mouseClick(dialog.connect_button, Qt.LeftButton)
    assert user.desk.connection.storage == storage


def scans_of(user: User, storage: str) -> StoredScansDialog:
    """The list that opens on the start page, once it is read."""
    connect_to_storage(user, storage)
    dialog = user.window.findChild(StoredScansDialog)
    user.wait(dialog.refresh_button.isEnabled, "the end of the list")
    QApplication.setActiveWindow(dialog)
    dialog.table.setFocus()
    return dialog


def column(dialog: StoredScansDialog, name: str) -> list[str]:
    headers = [dialog.rows.headerData(i, Qt.Horizontal) for i in range(dialog.rows.columnCount())]
    return [str(dialog.rows.index(row, headers.index(name)).data()) for row in range(dialog.rows.rowCount())]


def put(scan: Path, uri: str) -> None:
    with ltdesk.open(scan) as dataset:
        ingest(dataset, uri)


def shown_words(label: Any) -> str:
    return label.text().replace("\N{ZERO WIDTH SPACE}", "")


# --- connecting ----------------------------------------------------------------------------------------------


def test_each_address_is_told_by_itself(user: User, storage: str) -> None:
    dialog = dialog_of(user, ConnectDialog, "connect")
    assert not dialog.connect_button.isEnabled()
    type_in(dialog.scheduler.address, "https://server:8443")
    type_in(dialog.storage.address, storage)
    user.wait(lambda: "answers in" in dialog.storage.words.text(), "the storage's answer")
    assert "free of" in dialog.storage.words.text()
    user.wait(lambda: "dask schedulers only" in shown_words(dialog.scheduler.words), "what is wrong")
    assert not dialog.connect_button.isEnabled(), "beside an address that doesn't answer"
    type_in(dialog.scheduler.address, "")
    user.wait(dialog.connect_button.isEnabled, "a storage alone is enough")
    dialog.close()
    assert not user.desk.connection.connected


def test_a_scheduler_that_does_not_answer_is_told(user: User) -> None:
    dialog = dialog_of(user, ConnectDialog, "connect")
    type_in(dialog.scheduler.address, "host:8786")
    user.wait(lambda: "is not a scheduler's address" in shown_words(dialog.scheduler.words), "what is wrong")
    assert "tcp://host:8786" in shown_words(dialog.scheduler.words)
    type_in(dialog.scheduler.address, "tcp://127.0.0.1:1")
    user.wait(lambda: "no dask scheduler that answers" in shown_words(dialog.scheduler.words), "what is wrong")
    assert "(Connection refused)" in shown_words(dialog.scheduler.words), "said at once, not after all the time it has"
    dialog.close()


def test_addresses_are_remembered_and_enter_connects(user: User, storage: str) -> None:
    connect_to_storage(user, storage)
    user.window.findChild(StoredScansDialog).close()
    user.trigger("disconnect")
    assert not user.desk.connection.connected
    assert not user.window.actions_by_name["stored"].isEnabled()
    dialog = dialog_of(user, ConnectDialog, "connect")
    assert dialog.storage.address.text() == storage
    QTest.keyClick(dialog.storage.address, Qt.Key_Return)
    user.wait(lambda: user.desk.connection.storage == storage, "the connection")


def test_the_start_page_leads_to_the_scans(user: User, storage: str, scan: Path) -> None:
    put(scan, f"{storage}/twin")
    scans_of(user, storage).close()
    button = user.window.welcome.connect_button
    assert "Scans in the storage" in button.text()
    QTest.mouseClick(button, Qt.LeftButton)
    dialog = user.window.findChild(StoredScansDialog)
    user.wait(lambda: column(dialog, "Name") == ["twin"], "the list")


# --- the list ------------------------------------------------------------------------------------------------


def test_what_is_there_and_how_it_is(user: User, storage: str, scan: Path, tmp_path: Path) -> None:
    for name in ("cut", "whole"):
        put(scan, f"{storage}/{name}")
    with ltdesk.open(scan) as dataset, pytest.raises(JobCancelled):
        ingest(dataset, f"{storage}/stopped", cancelled=lambda: True)
    cut = next((tmp_path / "storage" / "cut" / "partitions").iterdir())
    cut.write_bytes(cut.read_bytes()[:-1])
    (tmp_path / "storage" / "older").mkdir()
    dialog = scans_of(user, storage)
    assert column(dialog, "Name") == ["cut", "older", "stopped", "whole"]
    assert column(dialog, "Health") == ["damaged", "folder", "unfinished", "whole"]
    assert column(dialog, "Scan") == ["48 × 40", "", "", "48 × 40"]
    assert column(dialog, "Frames")[3] == "32 × 36"
    assert column(dialog, "Pixels")[3] == "16-bit unsigned"
    assert column(dialog, "Size")[3] == "4.4 MB"
    assert column(dialog, "Ingested from")[3] == str(scan)
    dialog.select(f"{storage}/cut")
    assert "1 of 5 partitions are missing or cut" in shown_words(dialog.words)
    type_in(dialog.filter, "WHO 48")
    assert column(dialog, "Name") == ["whole"]
    type_in(dialog.filter, "nowhere")
    assert shown_words(dialog.nothing) == NO_MATCH
    assert dialog.nothing.isVisible()


def test_folders_are_gone_into_and_out_of(user: User, storage: str, scan: Path) -> None:
    put(scan, f"{storage}/2026/may/twin")
    dialog = scans_of(user, storage)
    for name in ("2026", "may", "twin"):
        user.wait(lambda name=name: column(dialog, "Name") == [name], name)
        QTest.keyClick(dialog.table, Qt.Key_Return)
    user.wait(lambda: user.window.page is user.window.work, "the scan")
    QApplication.setActiveWindow(dialog)
    dialog.table.setFocus()
    for name in ("may", "2026"):
        QTest.keyClick(dialog.table, Qt.Key_Backspace)
        user.wait(lambda name=name: column(dialog, "Name") == [name], name)
    assert not dialog.up_button.isEnabled()
    user.wait_exact()


def test_an_empty_storage_and_one_that_is_gone_say_so(user: User, storage: str, scan: Path, tmp_path: Path) -> None:
    dialog = scans_of(user, storage)
    assert shown_words(dialog.nothing) == EMPTY
    put(scan, f"{storage}/twin")
    QTest.keyClick(dialog, Qt.Key_F5)
    user.wait(lambda: column(dialog, "Name") == ["twin"], "the list")
    (tmp_path / "storage").rename(tmp_path / "elsewhere")
    QTest.keyClick(dialog, Qt.Key_F5)
    user.wait(lambda: "is not there" in shown_words(dialog.words), "what is wrong")
    assert column(dialog, "Name") == ["twin"], "what was known stays"
    assert user.dialog() is dialog, "no other dialog comes"


def test_while_it_looks_there_is_nothing_to_open_or_delete(user: User, storage: str) -> None:
    """As long as a storage does not answer."""
    connect_to_storage(user, storage)
    dialog = user.window.findChild(StoredScansDialog)
    assert shown_words(dialog.nothing) == "Looking…"
    assert not any(b.isEnabled() for b in (dialog.open_button, dialog.verify_button, dialog.delete_button))
    user.wait(dialog.refresh_button.isEnabled, "the end of the list")


def test_verifying_reads_every_byte(user: User, storage: str, scan: Path, tmp_path: Path) -> None:
    for name in ("flipped", "sound"):
        put(scan, f"{storage}/{name}")
    path = next((tmp_path / "storage" / "flipped" / "partitions").iterdir())
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    dialog = scans_of(user, storage)
    assert column(dialog, "Health") == ["whole", "whole"]
    for name in ("flipped", "sound"):
        dialog.select(f"{storage}/{name}")
        QTest.mouseClick(dialog.verify_button, Qt.LeftButton)
    user.wait(lambda: column(dialog, "Health") == ["damaged", "verified"], "what was found")
    dialog.select(f"{storage}/flipped")
    assert f"{path.name}: is damaged" in shown_words(dialog.words)
    QTest.keyClick(dialog, Qt.Key_F5)
    user.wait(dialog.refresh_button.isEnabled, "the list")
    assert column(dialog, "Health") == ["damaged", "verified"], "looking again forgets nothing"


@pytest.mark.parametrize("answer", ["Delete", "Cancel"])
def test_deleting_asks_first(user: User, storage: str, scan: Path, tmp_path: Path, answer: str) -> None:
    put(scan, f"{storage}/twin")
    dialog = scans_of(user, storage)
    QTest.keyClick(dialog.table, Qt.Key_Delete)
    box = dialog.findChild(QMessageBox)
    assert "for good" in box.informativeText()
    button = next(b for b in box.buttons() if b.text().replace("&", "") == answer)
    QTest.mouseClick(button, Qt.LeftButton)
    if answer == "Delete":
        user.wait(lambda: column(dialog, "Name") == [], "the list without it")
        assert list((tmp_path / "storage").iterdir()) == []
    else:
        user.settle()
        assert column(dialog, "Name") == ["twin"]


# --- sending -------------------------------------------------------------------------------------------------


def send_dialog(user: User, scan: Path, storage: str) -> SendDialog:
    user.open(scan)
    dialog: SendDialog = dialog_of(user, SendDialog, "send")
    type_in(dialog.folder, storage)
    return dialog


def test_a_scan_is_sent_and_its_copy_opened(user: User, scan: Path, storage: str) -> None:
    dialog = send_dialog(user, scan, storage)
    assert dialog.name.text() == "scan"
    user.wait(lambda: "free of" in dialog.room.text(), "how much room there is")
    type_in(dialog.name, "my scan")
    before = user.shown().copy()
    QTest.mouseClick(dialog.send_button, Qt.LeftButton)
    user.wait(dialog.open_button.isVisible, "the end")
    assert dialog.bar.value() == dialog.bar.maximum()
    QTest.mouseClick(dialog.open_button, Qt.LeftButton)
    user.wait(lambda: user.desk.dataset is not None and "ingested" in user.desk.dataset.format, "the copy")
    assert user.desk.dataset.ref.uri == f"{storage}/my%20scan"
    user.wait_exact()
    np.testing.assert_array_equal(user.shown(), before)


def test_sending_again_goes_on_where_it_stopped(
    user: User, scan: Path, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, write = threading.Event(), files.FileStorage.write
    written: list[str] = []

    def slow(self: Any, path: str, pieces: Any, *rest: Any) -> None:
        while len([name for name in written if name.endswith("unfinished")]) >= 2:
            stored.set()
            for _ in pieces():  # raises once it is to stop
                pass
        write(self, path, pieces, *rest)
        written.append(str(Path(path).parent))

    monkeypatch.setattr(files.FileStorage, "write", slow)
    dialog = send_dialog(user, scan, storage)
    QTest.mouseClick(dialog.send_button, Qt.LeftButton)
    user.wait(stored.is_set, "two partitions")
    user.wait(lambda: "of 4.4 MB" in dialog.words.text(), "how far it is")
    QTest.mouseClick(dialog.stop_button, Qt.LeftButton)
    user.wait(lambda: dialog.send_button.text() == "Go on", "that it stopped")
    monkeypatch.undo()
    QTest.mouseClick(dialog.send_button, Qt.LeftButton)
    user.wait(dialog.open_button.isVisible, "the end")
    with ltdesk.open(f"{storage}/scan") as twin:
        np.testing.assert_array_equal(twin.frame(47, 39), FRAMES[47, 39])


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def forbidden(*_: Any) -> None:
    raise PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize(
    ("fault", "words"), [(full, "No space left on device. Free some space"), (forbidden, "Permission denied. Ask")]
)
def test_what_stops_it_is_told_and_tried_again(
    user: User, scan: Path, storage: str, monkeypatch: pytest.MonkeyPatch, fault: Callable[..., None], words: str
) -> None:
    dialog = send_dialog(user, scan, storage)
    monkeypatch.setattr(files, "_write_all", fault)
    QTest.mouseClick(dialog.send_button, Qt.LeftButton)
    user.wait(lambda: words in shown_words(dialog.words), "what is wrong")
    monkeypatch.undo()
    assert dialog.send_button.text() == "Try again"
    QTest.mouseClick(dialog.send_button, Qt.LeftButton)
    user.wait(dialog.open_button.isVisible, "the end")


def test_a_name_that_is_taken_is_told(user: User, scan: Path, storage: str, tmp_path: Path) -> None:
    put(write_scan(tmp_path / "other.h5", FRAMES[:8]), f"{storage}/scan")
    dialog = send_dialog(user, scan, storage)
    QTest.mouseClick(dialog.send_button, Qt.LeftButton)
    user.wait(lambda: "holds another scan" in shown_words(dialog.words), "what is wrong")
    type_in(dialog.name, "a/b")
    assert not dialog.send_button.isEnabled()
    type_in(dialog.name, "scan2")
    QTest.mouseClick(dialog.send_button, Qt.LeftButton)
    user.wait(dialog.open_button.isVisible, "the end")


def test_sending_goes_on_while_the_dialog_is_closed(
    user: User, scan: Path, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, write = threading.Event(), files.FileStorage.write

    def slow(self: Any, *rest: Any) -> None:
        assert go_on.wait(60)
        write(self, *rest)

    dialog = send_dialog(user, scan, storage)
    monkeypatch.setattr(files.FileStorage, "write", slow)
    QTest.mouseClick(dialog.send_button, Qt.LeftButton)
    user.wait(dialog.stop_button.isVisible, "the sending")
    QTest.mouseClick(dialog.close_button, Qt.LeftButton)
    assert not dialog.isVisible()
    assert dialog_of(user, SendDialog, "send") is dialog
    dialog.close()
    go_on.set()
    user.wait(lambda: user.window.job_bar.hint.whole_text() == f"Sent to {storage}/scan", "the words")
    assert dialog_of(user, SendDialog, "send") is not dialog, "the next one begins anew"


# --- where it is computed ------------------------------------------------------------------------------------


class FakeCluster(SteppedExecutor):
    """What the window sees of a cluster, without any machine."""

    address = "tcp://far:8786"
    workers = ("tcp://far:1", "tcp://far:2", "tcp://far:3")
    lost_for: float | None = None

    def submit(self, job: Job, dataset: Any = None, on_partial: Any = None) -> JobHandle:
        handle = super().submit(job, dataset)
        handle.execution.update(executor="cluster")
        return handle


@pytest.fixture
def cluster(user: User) -> FakeCluster:
    cluster = FakeCluster()
    user.desk.connection.connect_to(cluster, "")
    return cluster


def status(user: User) -> str:
    return user.window.job_bar.executor.text()


def test_a_file_of_this_machine_is_computed_here_all_the_same(user: User, scan: Path, cluster: FakeCluster) -> None:
    assert status(user) == "Cluster tcp://far:8786 · 3 workers"
    user.open(scan)
    assert cluster.handles == []
    assert status(user).startswith("Local · ")
    assert status(user).endswith("· cluster connected")
    assert "on this machine" in user.window.job_bar.executor.toolTip()


def test_what_the_workers_cannot_read_is_computed_here(
    user: User, scan: Path, storage: str, cluster: FakeCluster
) -> None:
    put(scan, f"{storage}/twin")
    user.desk.files.open_path(f"{storage}/twin")
    user.wait(lambda: cluster.handles, "the job there")
    assert status(user) == "Cluster tcp://far:8786 · 3 workers"
    cluster.wait_for(1).stopped(OpenError("twin: the workers can't read it"))
    user.wait_exact()
    user.wait(lambda: status(user).startswith("Local"), "the status bar")
    assert "the workers can't read it" in user.window.job_bar.executor.toolTip()
    assert user.dialog() is None


def test_a_job_there_goes_on_here_after_disconnecting(
    user: User, scan: Path, storage: str, cluster: FakeCluster
) -> None:
    put(scan, f"{storage}/twin")
    user.desk.files.open_path(f"{storage}/twin")
    user.wait(lambda: cluster.handles, "the job there")
    cluster.step(cluster.wait_for(1), 2)
    user.trigger("disconnect")
    user.wait_exact()
    assert status(user).startswith("Local")
    mask = user.selected.shape.mask(FRAMES.shape[2:])
    np.testing.assert_array_equal(user.shown(), FRAMES[:, :, mask].sum(axis=2))


def test_a_lost_connection_is_counted_in_seconds(user: User, cluster: FakeCluster) -> None:
    cluster.lost_for = 4.2
    user.wait(lambda: status(user) == "Cluster tcp://far:8786 · reconnecting, 4 s", "the words")
    assert user.window.job_bar.executor.property("rank") == "warning"
    cluster.lost_for = None
    user.wait(lambda: status(user) == "Cluster tcp://far:8786 · 3 workers", "the words")


def test_shares_in_words() -> None:
    execution = {
        "executor": "cluster", "local_share": 0.9876, "partitions_on_holder": 80, "partitions_with_holder": 81,
        "bytes_mapped": 2_000_000_000, "bytes_read": 0, "bytes_network": 25_000_000,
        "nodes": {"node1": {"partitions": 81, "bytes": 2_025_000_000, "seconds": 1.0, "MB_per_s": 2025.0}},
    }  # fmt: skip
    assert share_text(execution) == "98 % local"
    assert share_detail(execution).splitlines() == [
        "80 of 81 partitions ran on a host that holds it",
        "2.0 GB mapped on the spot, 25.0 MB over the network",
        "node1: 81 partitions, 2.0 GB, 2.0 GB/s",
    ]
    assert (share_text({"executor": "local"}), share_detail({"executor": "local"})) == ("", "")
    assert QApplication.instance() is not None


# --- a storage that does not answer --------------------------------------------------------------------------


def test_a_frame_that_does_not_come_is_waited_for_without_dialogs(
    user: User, scan: Path, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(scan, f"{storage}/twin")
    user.open(Path(f"{storage}/twin".removeprefix("file://")))
    dataset = user.desk.dataset
    assert dataset is not None
    go_on, read = threading.Event(), dataset._read_frame

    def silent(y: int, x: int) -> Any:
        assert go_on.wait(60)
        raise StorageError("storage: no NameNode answers", "Check that it runs.")

    monkeypatch.setattr(dataset, "_read_frame", silent)
    user.image.double_click((5, 6))
    message = user.frame_view.plates.message
    user.wait(lambda: message.text.startswith("Waiting for the frame at (5, 6), "), "the words")
    go_on.set()
    user.wait(lambda: "no NameNode answers" in message.text, "what is wrong")
    assert user.dialog() is None
    monkeypatch.setattr(dataset, "_read_frame", read)
    user.trigger("retry")
    user.wait(lambda: user.frame_view.prepared is not None, "the frame")
    user.wait(lambda: np.array_equal(user.frame_view.prepared.picture.values, FRAMES[5, 6]), "the frame")
    assert message.text == ""
