"""Opening and saving: what the actions of the menu File, drops and the start page do."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from PyQt5.QtCore import QObject, QTimer, pyqtSignal
from PyQt5.QtWidgets import QFileDialog

from ltdesk.engine.dataset import Dataset
from ltdesk.engine.formats.format import DatasetEntry
from ltdesk.engine.open import local_path
from ltdesk.errors import LtdeskError
from ltdesk.geometry import PixelMask, Size2D
from ltdesk.job import DatasetRef
from ltdesk.session import Session
from ltdesk.ui.dialogs.dataset_chooser import DatasetChooser
from ltdesk.ui.dialogs.error_dialog import ErrorDialog
from ltdesk.ui.dialogs.mask_file_dialog import MaskFileDialog
from ltdesk.ui.dialogs.raw_open_dialog import RawOpenDialog
from ltdesk.ui.files.autosave import LeftBehind
from ltdesk.ui.files.opening import Opener, file_title
from ltdesk.ui.files.session_file import SUFFIX, is_session, save_session
from ltdesk.ui.live.latest_answer import LatestAnswer
from ltdesk.ui.main_window import MainWindow
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.settings import Settings
from ltdesk.ui.shapes.detector_edits import added

SHOW_OPENING_AFTER_MS = 150
"""What opens faster than this shows no page of its own: nothing flashes."""
SCANS = "Scans, sessions, results (*)"
SESSIONS = f"Sessions (*{SUFFIX})"
MASKS = "Masks (*.npy *.tif *.tiff)"


class FileCommands(QObject):
    """Wires everything that opens or saves a file.

    Signals
    -------
    close_wanted : () back to the start page
    """

    close_wanted = pyqtSignal()

    def __init__(self, window: MainWindow, model: SessionModel, opener: Opener, settings: Settings) -> None:
        super().__init__(window)
        self._window, self._model, self._opener, self._settings = window, model, opener, settings
        self._session_path = ""
        self._frame_shape: Size2D | None = None
        self._page_before = window.page
        self._saver = LatestAnswer(self, "ltdesk-saving")
        self._saver.answered.connect(self._saved)
        self._saver.failed.connect(lambda error: self.show_error(error, "Saving"))
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(SHOW_OPENING_AFTER_MS)
        self._later.timeout.connect(self._show_opening)
        self._wire()
        self.refresh_recent()

    def set_dataset(self, dataset: Dataset | None) -> None:
        """What is open: masks from files have to fit its frames."""
        self._frame_shape = None if dataset is None else dataset.frame_shape

    def open_path(self, path: str) -> None:
        """Open a scan, a session or a result."""
        self._opener.open(path if "://" in path else os.path.abspath(path))

    def remember(self, path: str) -> None:
        """`path` was opened: it goes on top of the recent ones; a session is saved there again."""
        self._settings.add_recent(path)
        self._session_path = path if is_session(path) else ""
        self.refresh_recent()

    def refresh_recent(self) -> None:
        """Show the recent files in the menu."""
        self._window.show_recent(self._settings.recent(), self.open_path, self._clear_recent)

    def show_error(self, error: BaseException, context: str = "") -> None:
        """Show what went wrong in a dialog of the window."""
        if not isinstance(error, LtdeskError):
            raise error  # a bug: the hook reports it
        ErrorDialog.show_error(self._window, error, context)

    def close(self) -> None:
        """End the threads; a session that is being saved is finished."""
        self._later.stop()
        self._saver.close()

    def _wire(self) -> None:
        window, opener = self._window, self._opener
        window.actions_by_name.connect(
            open=self._choose_file,
            open_raw=self._choose_raw,
            demo=opener.open_demo,
            save=self._save,
            save_as=self._choose_session_file,
            close=self._close_scan,
            quit=window.close,
            add_mask=self._choose_mask,
        )
        window.welcome.open_requested.connect(self._choose_file)
        window.welcome.demo_requested.connect(opener.open_demo)
        window.welcome.recent_chosen.connect(self.open_path)
        window.welcome.files_dropped.connect(self._open_dropped)
        window.welcome.restore_chosen.connect(self._restore)
        window.welcome.restore_dismissed.connect(LeftBehind.discard)
        window.files_dropped.connect(self._open_dropped)
        window.opening.cancel_wanted.connect(opener.cancel)
        window.detectors.mask_wanted.connect(self._choose_mask)
        opener.started.connect(self._opening_began)
        opener.stage.connect(window.opening.show_stage)
        opener.ended.connect(self._opening_ended)
        opener.choice_needed.connect(self._ask_which)
        opener.shapes_needed.connect(self._ask_shapes)
        opener.failed.connect(self._opening_failed)

    def _open_dropped(self, paths: Sequence[str]) -> None:
        if paths:
            self.open_path(paths[0])
        if len(paths) > 1:
            self._window.job_bar.tell(f"One scan at a time: of {len(paths)} files the first is opened.")

    def _restore(self, left: LeftBehind) -> None:
        self._opener.open(left.session)
        left.discard()

    def _close_scan(self) -> None:
        """Nothing is asked: the start page offers what was not saved."""
        session, saved = self._model.session, self._model.undo_stack.isClean()
        self.close_wanted.emit()
        if not saved:
            self._window.welcome.offer_restore([LeftBehind(None, session, time.time())])

    def _clear_recent(self) -> None:
        self._settings.clear_recent()
        self.refresh_recent()
        self._window.welcome.refresh()

    def _opening_began(self, uri: str) -> None:
        self._window.opening.show_file(uri)
        if self._window.page is not self._window.opening:
            self._page_before = self._window.page
            self._later.start()

    def _show_opening(self) -> None:
        if self._opener.busy:
            self._window.show_opening()

    def _opening_ended(self) -> None:
        self._later.stop()
        if self._window.page is not self._window.opening:
            return
        if self._page_before is self._window.work:
            self._window.show_work()
        else:
            self._window.show_welcome()

    def _opening_failed(self, path: str, error: LtdeskError) -> None:
        self.show_error(error, f"Opening {file_title(path)}")
        self.refresh_recent()  # it may be gone
        self._window.welcome.refresh()

    # Dialogs never stop the event loop: each tells what was chosen when it was

    def _choose_file(self) -> None:
        dialog = self._dialog("Open", SCANS, QFileDialog.ExistingFile)
        dialog.fileSelected.connect(self.open_path)
        dialog.open()

    def _choose_mask(self) -> None:
        dialog = self._dialog("Mask from a file", MASKS, QFileDialog.ExistingFile)
        dialog.fileSelected.connect(self._show_mask)
        dialog.open()

    def _choose_session_file(self) -> None:
        dialog = self._dialog("Save session", SESSIONS, QFileDialog.AnyFile)
        dialog.setAcceptMode(QFileDialog.AcceptSave)
        dialog.setDefaultSuffix(SUFFIX)
        dataset = self._model.session.dataset
        stem = os.path.splitext(file_title(dataset.uri))[0] if dataset is not None else "session"
        dialog.selectFile(f"{stem}{SUFFIX}")
        dialog.fileSelected.connect(self._save_to)
        dialog.open()

    def _dialog(self, title: str, names: str, mode: QFileDialog.FileMode) -> QFileDialog:
        dialog = QFileDialog(self._window, title, str(self._settings.last_folder), names)
        dialog.setFileMode(mode)
        dialog.finished.connect(dialog.deleteLater)
        return dialog

    def _save(self) -> None:
        if self._session_path:
            self._save_to(self._session_path)
        else:
            self._choose_session_file()

    def _save_to(self, path: str) -> None:
        session = self._model.session

        def save() -> tuple[str, Session]:
            save_session(session, path)
            return path, session

        self._saver.ask(save)

    def _saved(self, saved: tuple[str, Session]) -> None:
        path, session = saved
        if session == self._model.session:
            self._model.undo_stack.setClean()
        self.remember(path)
        self._window.job_bar.tell(f"Saved {path}")

    def _show_mask(self, path: str) -> None:
        if self._frame_shape is None:
            return
        dialog = MaskFileDialog(path, self._frame_shape, self._window)
        dialog.chosen.connect(self._add_mask)
        dialog.open()

    def _add_mask(self, mask: PixelMask, name: str) -> None:
        self._model.edit(f"Mask {name}", added(self._model.session, mask, name))

    def _choose_raw(self) -> None:
        dialog = self._dialog("Open raw", "Files without a header (*)", QFileDialog.ExistingFile)
        dialog.fileSelected.connect(lambda path: self._ask_shapes(DatasetRef(uri=path), None))
        dialog.open()

    def _ask_shapes(self, ref: DatasetRef, _error: LtdeskError | None) -> None:
        """A file without a header: the user gives its shapes."""
        dialog = RawOpenDialog(local_path(ref.uri), self._window, ref if ref.frame_shape else None)
        dialog.chosen.connect(self._opener.open)
        dialog.open()

    def _ask_which(self, ref: DatasetRef, entries: Sequence[DatasetEntry]) -> None:
        """Several datasets are in the file: the user takes one."""
        dialog = DatasetChooser(entries, self._window, file_title(ref.uri))
        dialog.chosen.connect(lambda entry: self._opener.open(ref.model_copy(update={"dataset": entry.path})))
        dialog.open()
