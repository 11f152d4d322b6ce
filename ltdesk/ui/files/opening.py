"""Opening a scan, a session or a result: in a thread, so that the window lives on; a first view comes with it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PyQt5.QtCore import QObject, pyqtSignal

from ltdesk.engine.bright_field import find_direct_beam, middle_disk
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.file_uris import as_text
from ltdesk.engine.first_look import Sample, sample_mean
from ltdesk.engine.formats.format import DatasetEntry
from ltdesk.errors import LtdeskError, ShapeNeeded
from ltdesk.geometry import Disk
from ltdesk.job import DatasetRef
from ltdesk.session import OKABE_ITO, Detector, Session
from ltdesk.ui.files.session_file import is_session, load_session, session_from_result
from ltdesk.ui.live.mailbox import Mailbox


@dataclass(frozen=True, eq=False)
class Opened:
    """What opening gave: the scan, what to show of it, and a first mean frame.

    `path` is what the user named: the scan, a session or a result; `beam` is where the direct beam was
    found, if it was.
    """

    path: str
    dataset: Dataset
    session: Session
    sample: Sample
    beam: Disk | None


Found = Opened | list[DatasetEntry]


class Opener(QObject):
    """Opens one thing at a time; a later request takes the place of an earlier one.

    Signals
    -------
    started : (path) reading has begun
    stage : (text) what is being read now
    opened : (Opened)
    failed : (path, LtdeskError)
    choice_needed : (DatasetRef, entries) several datasets are inside: call `open` again with one of them
    shapes_needed : (DatasetRef, ShapeNeeded) a headerless file: call `open` again with shapes
    ended : () nothing is being opened any more, whatever came of it
    """

    started = pyqtSignal(str)
    stage = pyqtSignal(str)
    opened = pyqtSignal(object)
    failed = pyqtSignal(str, object)
    choice_needed = pyqtSignal(object, object)
    shapes_needed = pyqtSignal(object, object)
    ended = pyqtSignal()

    def __init__(self, mailbox: Mailbox, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._mailbox = mailbox
        self._number = 0
        self._busy = False
        self._threads: list[threading.Thread] = []

    @property
    def busy(self) -> bool:
        return self._busy

    def open(self, what: DatasetRef | Session | str) -> None:
        """Open a path, a dataset with all that its file does not say, or a session that is not in a file."""
        if isinstance(what, Session):
            ref = what.dataset or DatasetRef(uri="")
            self._begin(ref, lambda number: self._open(ref, what, number))
        else:
            ref = what if isinstance(what, DatasetRef) else DatasetRef(uri=as_text(what))
            self._begin(ref, lambda number: self._find(ref, number))

    def open_demo(self) -> None:
        """Open the small demo scan, which is made first where it is not in the cache."""
        self._begin(DatasetRef(uri="the demo scan"), self._find_demo)

    def _begin(self, ref: DatasetRef, find: Callable[[int], Found]) -> None:
        self._number += 1
        self._busy = True
        self.started.emit(ref.uri)
        number = self._number
        thread = threading.Thread(
            target=self._work, args=(ref, find, number), name=f"ltdesk-opening-{number}", daemon=True
        )
        self._threads = [t for t in self._threads if t.is_alive()] + [thread]
        thread.start()

    def cancel(self) -> None:
        """Forget what is being opened. Its thread may go on reading; nobody waits for it."""
        self._number += 1
        if self._busy:
            self._busy = False
            self.ended.emit()

    def close(self, timeout: float = 2.0) -> None:
        """Forget it, and wait a little for the threads: one may hang on a lost share."""
        self._number += 1
        for thread in self._threads:
            thread.join(timeout)

    # in a thread

    def _work(self, ref: DatasetRef, find: Callable[[int], Found], number: int) -> None:
        try:
            found = find(number)
        except ShapeNeeded as error:
            self._end(number, lambda error=error: self.shapes_needed.emit(ref, error))
        except LtdeskError as error:
            self._end(number, lambda error=error: self.failed.emit(ref.uri, error))
        except Exception:
            self._end(number, lambda: None)
            raise  # a bug: reported by the hook for threads
        else:
            if isinstance(found, Opened):
                self._end(number, lambda: self.opened.emit(found), found.dataset)
            else:
                self._end(number, lambda: self.choice_needed.emit(ref, found))

    def _find(self, ref: DatasetRef, number: int) -> Found:
        from ltdesk.engine.open import list_datasets

        self._say(number, "Reading the header")
        if is_session(ref.uri):
            return self._open(ref, load_session(ref.uri), number)
        if ref.dataset is None:
            session = session_from_result(ref.uri)
            if session is not None:
                return self._open(ref, session, number)
            entries = list_datasets(ref.uri)
            if len(entries) > 1:
                return entries
        return self._open(ref, None, number)

    def _find_demo(self, number: int) -> Found:
        from ltdesk.engine.demo import ensure_demo

        self._say(number, "Making the demo scan")
        path = ensure_demo(
            progress=lambda done, total: self._say(number, f"Making the demo scan: {100 * done // total} %"),
            cancelled=lambda: number != self._number,
        )
        return self._open(DatasetRef(uri=str(path)), None, number)

    def _open(self, ref: DatasetRef, session: Session | None, number: int) -> Opened:
        from ltdesk.engine.open import open_ref

        named = ref if session is None or session.dataset is None else session.dataset
        self._say(number, "Reading the header")
        dataset = open_ref(named)
        _ = dataset.is_shared, dataset.plan()  # in this thread: a share may be waited for, a large plan takes its time
        self._say(number, "Taking a first look")
        sample = sample_mean(dataset, cancelled=lambda: number != self._number)
        beam = find_direct_beam(sample.mean)
        session = first_session(dataset, beam) if session is None else fitted(session, dataset)
        return Opened(ref.uri, dataset, session, sample, beam)

    def _say(self, number: int, text: str) -> None:
        self._mailbox.put("stage", lambda: self.stage.emit(text) if number == self._number else None)

    def _end(self, number: int, tell, dataset: Dataset | None = None) -> None:
        if number != self._number:
            if dataset is not None:
                dataset.close()
            return
        self._mailbox.put(("opening", number), lambda: self._give(number, tell, dataset))

    def _give(self, number: int, tell, dataset: Dataset | None) -> None:
        if number != self._number:
            if dataset is not None:
                dataset.close()
            return
        self._busy = False
        self.ended.emit()
        tell()


def first_session(dataset: Dataset, beam: Disk | None) -> Session:
    """What a scan that was never opened before shows: a bright-field disk on the direct beam, the mean frame."""
    bright_field = Detector(name="BF", colour=OKABE_ITO[0], shape=beam or middle_disk(*dataset.frame_shape))
    sy, sx = dataset.scan_shape
    return Session(dataset=dataset.ref, cursor=(sy // 2, sx // 2), detectors=(bright_field,), selected=bright_field.id)


def fitted(session: Session, dataset: Dataset) -> Session:
    """A saved session on a dataset that may have another shape by now: the cursor stays inside."""
    cursor = tuple(min(max(0, place), side - 1) for place, side in zip(session.cursor, dataset.scan_shape, strict=True))
    return session.but(dataset=dataset.ref, cursor=cursor)


def file_title(path: str) -> str:
    """The name that a window's title shows for a path or URI."""
    return Path(path.rstrip("/")).name or path
