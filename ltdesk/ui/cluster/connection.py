"""The cluster that the window is connected to: its addresses, how it is, and what that is called on the screen."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt5.QtCore import QObject, QTimer, pyqtSignal

from ltdesk.engine.dataset import Dataset
from ltdesk.ui.cluster.placed_executor import PlacedExecutor
from ltdesk.ui.cluster.trying import plural
from ltdesk.ui.settings import Settings

if TYPE_CHECKING:  # it loads dask
    from ltdesk.engine.cluster import ClusterExecutor

LOOK_MS = 250
LONGEST_ADDRESS = 40
SCHEDULER, STORAGE, SENT_TO = "cluster_scheduler", "cluster_storage", "cluster_sent_to"


@dataclass(frozen=True)
class Where:
    """Who computes, for the status bar.

    text : ``Local · 2 threads``, ``Cluster tcp://… · 3 workers``
    detail : more, for the tool tip
    lost : is the connection lost
    """

    text: str
    detail: str = ""
    lost: bool = False


class ClusterConnection(QObject):
    """Holds the connection and looks at it four times a second: all that it asks is in memory.

    Signals
    -------
    changed : () connected, disconnected, lost, back, other workers, another second of a lost connection
    moved : () jobs of what is open may run elsewhere from now on
    """

    changed = pyqtSignal()
    moved = pyqtSignal()

    def __init__(self, executor: PlacedExecutor, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._executor, self._settings = executor, settings
        self._storage = ""
        self._dataset: Dataset | None = None
        self._shown = Where("")
        self._closing: list[threading.Thread] = []
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.look)

    @property
    def scheduler(self) -> str:
        """The scheduler's address; empty where none is connected."""
        cluster = self._executor.cluster
        return "" if cluster is None else cluster.address

    @property
    def storage(self) -> str:
        """The storage's URI; empty where none was given."""
        return self._storage

    @property
    def connected(self) -> bool:
        return bool(self.scheduler or self._storage)

    @property
    def remembered(self) -> tuple[str, str]:
        """Addresses of the scheduler and the storage that were connected last."""
        return self._settings.value(SCHEDULER), self._settings.value(STORAGE)

    @property
    def target(self) -> str:
        """The folder of a storage that a scan is sent to, unless the user says another: where scans went before."""
        return self._settings.value(SENT_TO) or self._storage or self.remembered[1]

    @target.setter
    def target(self, folder: str) -> None:
        self._settings.set_value(SENT_TO, folder)

    def connect_to(self, cluster: ClusterExecutor | None, storage: str) -> None:
        """Use these from now on, and remember them."""
        self._replace(cluster, storage)
        self._settings.set_value(SCHEDULER, self.scheduler)
        self._settings.set_value(STORAGE, storage)
        self._settings.set_value(SENT_TO, storage)

    def disconnect_all(self) -> None:
        """All runs on this machine again; jobs that run there are begun anew here."""
        self._replace(None, "")

    def set_dataset(self, dataset: Dataset | None) -> None:
        """What is open."""
        self._dataset = dataset
        self.look()

    def look(self) -> None:
        """See how things are now."""
        where = self.where()
        if where != self._shown:
            back = self._shown.lost and not where.lost
            self._shown = where
            self.changed.emit()
            if back:
                self.moved.emit()

    def where(self) -> Where:
        """Who computes what is open, or would."""
        cluster, dataset = self._executor.cluster, self._dataset
        here = local_text(self._executor.here)
        if cluster is None:
            kept = f"Scans are in {self._storage}" if self._storage else "No cluster is connected (Ctrl+Shift+N)"
            return Where(here, kept)
        lost_for, workers = cluster.lost_for, plural(len(cluster.workers), "worker")
        state = workers if lost_for is None else f"reconnecting, {int(lost_for)} s"
        lines = [f"{cluster.address}: {state}", *cluster.workers]
        if self._storage:
            lines.insert(1, f"Storage: {self._storage}")
        far = dataset is None or self._executor.is_far(dataset)
        if far:
            return Where(f"Cluster {_short(cluster.address)} · {state}", "\n".join(lines), lost_for is not None)
        refusal = self._executor.refusal(dataset)
        why = f"Its workers can't read this scan ({refusal})" if refusal else "This scan is on this machine"
        lines.insert(0, f"{why}, so its jobs run here. Send it to the cluster to compute it there (Ctrl+Shift+U).")
        note = "cluster connected" if lost_for is None else f"cluster {state}"
        return Where(f"{here} · {note}", "\n".join(lines), lost_for is not None)

    def close(self, timeout: float = 5.0) -> None:
        """Let go of the connection and wait for that."""
        self._timer.stop()
        self._replace(None, "", tell=False)
        for thread in self._closing:
            thread.join(timeout)

    def _replace(self, cluster: ClusterExecutor | None, storage: str, tell: bool = True) -> None:
        before = self._executor.connect(cluster)
        self._storage = storage
        if before is not None:  # takes up to a second, while its jobs stop
            thread = threading.Thread(target=before.close, name="ltdesk-disconnect", daemon=True)
            self._closing = [*(t for t in self._closing if t.is_alive()), thread]
            thread.start()
        if tell:
            self._timer.start() if cluster is not None else self._timer.stop()
            self._shown = self.where()
            self.changed.emit()
            self.moved.emit()


def _short(address: str) -> str:
    """Cut in the middle where it would push all else out of the status bar."""
    half = LONGEST_ADDRESS // 2
    return address if len(address) <= LONGEST_ADDRESS else f"{address[:half]}…{address[-half:]}"


def local_text(executor: object) -> str:
    """``Local · 2 threads`` for the local executor."""
    threads = getattr(executor, "threads", None)
    name = type(executor).__name__.removesuffix("Executor")
    return name if threads is None else f"{name} · {plural(threads, 'thread')}"
