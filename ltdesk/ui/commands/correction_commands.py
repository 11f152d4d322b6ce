"""File > Correct Frames: the dialog edits the session, and the scan that is open follows the session, undo included."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import QObject, pyqtSignal

from ltdesk.correction import Correction
from ltdesk.engine.corrected import corrected
from ltdesk.engine.dataset import Dataset
from ltdesk.session import Session
from ltdesk.ui.dialogs.correction_dialog import CorrectionDialog
from ltdesk.ui.live.latest_answer import LatestAnswer
from ltdesk.ui.main_window import MainWindow
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.settings import Settings


class CorrectionCommands(QObject):
    """Keeps the open scan corrected as the session says.

    Signals
    -------
    corrected : (Dataset) the same scan as the session wants it from now on; it shares the file with the one before
    """

    corrected = pyqtSignal(object)

    def __init__(
        self, window: MainWindow, model: SessionModel, settings: Settings, show_error: Callable[..., None]
    ) -> None:
        super().__init__(window)
        self._window, self._model, self._settings = window, model, settings
        self._dataset: Dataset | None = None
        self._maker = LatestAnswer(self, "ltdesk-correction")
        self._maker.answered.connect(self.corrected)
        self._maker.failed.connect(lambda error: show_error(error, "Correcting frames"))
        model.changed.connect(self._follow)
        window.actions_by_name.connect(correct=self._ask)

    def set_dataset(self, dataset: Dataset | None) -> None:
        """What is open."""
        self._dataset = dataset
        self._maker.forget()

    def close(self) -> None:
        """End the thread."""
        self._maker.close()

    def _ask(self) -> None:
        if self._dataset is None:
            return
        folder = str(self._settings.last_folder)
        dialog = CorrectionDialog(self._dataset, self._model.session.cursor, folder, self._window)
        dialog.chosen.connect(self._edit)
        dialog.open()

    def _edit(self, correction: Correction | None) -> None:
        session = self._model.session
        if session.dataset is not None:
            ref = session.dataset.model_copy(update={"correction": correction})
            self._model.edit("Correct Frames", session.but(dataset=ref))

    def _follow(self, old: Session, new: Session) -> None:
        dataset = self._dataset
        if dataset is None or new.dataset is None or new.dataset is old.dataset:
            return
        wanted = new.dataset.correction
        if wanted != dataset.ref.correction:
            self._maker.ask(lambda: corrected(dataset, wanted))
        else:
            self._maker.forget()
