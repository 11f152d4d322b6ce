"""What the actions of the menu Cluster do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PyQt5.QtCore import QObject

from ltdesk.engine.dataset import Dataset
from ltdesk.errors import LtdeskError
from ltdesk.ui.cluster.connect_dialog import Chosen, ConnectDialog
from ltdesk.ui.cluster.connection import ClusterConnection
from ltdesk.ui.cluster.send_dialog import SendDialog, progress_words
from ltdesk.ui.cluster.sender import Sender
from ltdesk.ui.cluster.stored_scans_dialog import StoredScansDialog
from ltdesk.ui.live.live import LiveJobs
from ltdesk.ui.main_window import MainWindow

if TYPE_CHECKING:
    from ltdesk.engine.ingest import Ingested
    from ltdesk.engine.ingest_progress import Progress


class ClusterCommands(QObject):
    """Wires connecting, the list of stored scans, and what the status bar says of the cluster."""

    def __init__(
        self, window: MainWindow, connection: ClusterConnection, live: LiveJobs, open_path: Callable[[str], None]
    ) -> None:
        super().__init__(window)
        self._window, self._connection, self._live, self._open_path = window, connection, live, open_path
        self._scans: StoredScansDialog | None = None
        self._connecting: ConnectDialog | None = None
        self._dataset: Dataset | None = None
        self._sending: SendDialog | None = None
        self._sender = Sender(self)
        self._sender.progressed.connect(self._show_sending)
        self._sender.sent.connect(self._sent)
        self._sender.failed.connect(self._show_not_sent)
        window.actions_by_name.connect(
            connect=self.connect, disconnect=self._disconnect, stored=self.show_scans, send=self.send
        )
        window.welcome.connect_requested.connect(self._connect_or_browse)
        connection.changed.connect(self._show)
        connection.moved.connect(live.begin_anew)
        self._show()

    def connect(self) -> ConnectDialog:
        """Ask for addresses; those of the last time are tried at once."""
        if self._connecting is None:
            dialog = self._connecting = ConnectDialog(*self._connection.remembered, self._window)
            dialog.chosen.connect(self._use)
            dialog.finished.connect(self._forget_connecting)
            dialog.open()
        return self._connecting

    def set_dataset(self, dataset: Dataset | None) -> None:
        """What is open."""
        self._dataset = dataset
        self._connection.set_dataset(dataset)
        self._show()

    def send(self) -> SendDialog | None:
        """Ask where to copy the scan that is open; while one is being sent, show how far that is."""
        if self._sending is not None and not self._sending.isVisible() and not self._sender.busy:
            self._forget_sending()
        if self._sending is None and self._dataset is not None:
            dialog = self._sending = SendDialog(self._dataset, self._connection.target, self._sender, self._window)
            dialog.open_wanted.connect(self._open)
            dialog.hidden.connect(self._show_hidden)
        if self._sending is not None:
            self._sending.show()
            self._sending.activateWindow()
        return self._sending

    def show_scans(self) -> StoredScansDialog:
        """The list of what is in the storage."""
        if self._scans is None:
            dialog = self._scans = StoredScansDialog(self._connection.storage, self._window)
            dialog.open_wanted.connect(self._open)
            dialog.finished.connect(self._forget_scans)
        self._scans.show()
        self._scans.raise_()
        self._scans.activateWindow()
        return self._scans

    def close(self) -> None:
        """Stop what is being sent, and wait for threads."""
        self._sender.close()
        self._forget_sending()
        for dialog in (self._scans, self._connecting):
            if dialog is not None:
                dialog.close()

    def _use(self, chosen: Chosen) -> None:
        cluster = None if chosen.scheduler is None else chosen.scheduler.executor
        storage = "" if chosen.storage is None else chosen.storage.address
        if self._scans is not None:
            self._scans.close()
        self._connection.connect_to(cluster, storage)
        where = " and ".join(part for part in (self._connection.scheduler, storage) if part)
        self._window.job_bar.tell(f"Connected to {where}")
        if storage and self._window.page is self._window.welcome:
            self.show_scans()

    def _disconnect(self) -> None:
        if self._scans is not None:
            self._scans.close()
        self._connection.disconnect_all()
        self._window.job_bar.tell("Disconnected; all jobs run on this machine")

    def _connect_or_browse(self) -> None:
        if self._connection.storage:
            self.show_scans()
        else:
            self.connect()

    def _open(self, uri: str) -> None:
        self._open_path(uri)
        self._window.activateWindow()

    def _forget_sending(self) -> None:
        if self._sending is not None:
            self._sending.release()
            self._sending = None

    def _show_hidden(self) -> None:
        self._window.job_bar.tell("Sending goes on; Ctrl+Shift+U shows it")

    def _show_sending(self, progress: Progress) -> None:
        if self._sending is None or not self._sending.isVisible():
            self._window.job_bar.tell(f"Sending: {progress_words(progress)}")

    def _sent(self, done: Ingested) -> None:
        self._connection.target = done.uri.rpartition("/")[0]
        self._window.job_bar.tell(f"Sent to {done.uri}")
        if self._scans is not None:
            self._scans.look()

    def _show_not_sent(self, error: LtdeskError) -> None:
        self._window.job_bar.tell(f"Not sent: {error}")

    def _forget_connecting(self) -> None:
        self._connecting = None

    def _forget_scans(self) -> None:
        self._scans = None

    def _show(self) -> None:
        where = self._connection.where()
        self._window.job_bar.show_executor(where.text, where.detail, where.lost)
        actions = self._window.actions_by_name
        actions["disconnect"].setEnabled(self._connection.connected)
        actions["stored"].setEnabled(bool(self._connection.storage))
        self._window.welcome.show_connected(self._connection.storage)
