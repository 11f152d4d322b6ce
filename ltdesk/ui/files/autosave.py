"""The session is kept on disk while one works, so that a crash costs a second of it."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from PyQt5.QtCore import QElapsedTimer, QLockFile, QObject, QTimer

from ltdesk.engine.atomic import write_text
from ltdesk.errors import ExportError, SessionError
from ltdesk.session import Session, session_from_json
from ltdesk.ui.errors.report import log
from ltdesk.ui.live.latest_worker import LatestWorker
from ltdesk.ui.session_model import SessionModel

DELAY_MS = 1000
LONGEST_MS = 10_000
"""While changes never pause, it is saved this often."""
SUFFIX = ".ltdesk-autosave"


def autosave_folder() -> Path:
    """Where sessions are kept while one works: ``LTDESK_STATE_DIR``, else the platform's place for state."""
    given = os.environ.get("LTDESK_STATE_DIR")
    return Path(given) if given else Path(platformdirs.user_state_dir("ltdesk", appauthor=False))


@dataclass(frozen=True)
class LeftBehind:
    """A session that a crashed window left behind, and when it was last saved (seconds since 1970).

    Without a path: one that was closed unsaved, then.
    """

    path: Path | None
    session: Session
    saved_at: float

    def discard(self) -> None:
        """Delete it: it was taken over, or is not wanted."""
        if self.path is not None:
            _delete(self.path)


def left_behind(folder: Path | None = None) -> list[LeftBehind]:
    """Sessions whose window is no more, the newest first. What cannot be read is deleted and logged."""
    found = []
    for path in sorted((folder or autosave_folder()).glob(f"[!.]*{SUFFIX}")):
        lock = _lock(path)
        if not lock.tryLock(0):  # its window lives
            continue
        lock.unlock()
        try:
            session = session_from_json(path.read_text(encoding="utf-8"), str(path))
            found.append(LeftBehind(path, session, path.stat().st_mtime))
        except (OSError, UnicodeDecodeError, SessionError) as error:
            log.warning("an autosaved session cannot be read: %s", error)
            _delete(path)
    return sorted(found, key=lambda one: one.saved_at, reverse=True)


class Autosave(QObject):
    """Saves the model's session a second after the last change, in a thread, to a file of this process alone.

    The file is locked while the process lives, and deleted by `close`: one that is found unlocked is from a crash.
    """

    def __init__(self, model: SessionModel, folder: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._folder = folder or autosave_folder()
        self.path = self._folder / f"{os.getpid()}-{uuid.uuid4().hex[:8]}{SUFFIX}"
        self._lock: QLockFile | None = None
        self._since = QElapsedTimer()
        self._worker = LatestWorker("autosave")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self.save)
        model.changed.connect(self._changed)

    def save(self) -> None:
        """Save now, in the thread; nothing is kept of a session with nothing in it."""
        self._timer.stop()
        session = self._model.session
        if session.dataset is None and not session.detectors:
            self._worker.submit(lambda: _delete(self.path, keep_lock=True))
        else:
            self._worker.submit(lambda: self._write(session))

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until what `save` began is on disk."""
        return self._worker.wait_idle(timeout)

    def close(self) -> None:
        """The window closes as it should: nothing to offer on the next start."""
        self._timer.stop()
        with suppress(TypeError):  # closed before
            self._model.changed.disconnect(self._changed)
        self._worker.close()
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None
        _delete(self.path)

    def _changed(self, old: Session, new: Session) -> None:
        if not self._timer.isActive():
            self._since.start()
            self._timer.start()
        elif self._since.elapsed() < LONGEST_MS:
            self._timer.start()

    def _write(self, session: Session) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._claim()
            write_text(self.path, session.model_dump_json())
        except (OSError, ExportError) as error:  # a full disk must not be told again each second
            log.warning("the session cannot be autosaved: %s", error)

    def _claim(self) -> None:
        if self._lock is None:
            self._lock = _lock(self.path)
            self._lock.tryLock(0)


def _lock(path: Path) -> QLockFile:
    lock = QLockFile(f"{path}.lock")
    lock.setStaleLockTime(0)  # stale only when its process is no more, however long ago it was locked
    return lock


def _delete(path: Path, keep_lock: bool = False) -> None:
    names = [path] if keep_lock else [path, path.with_name(f"{path.name}.lock")]
    for name in names:
        with suppress(OSError):
            name.unlink(missing_ok=True)
