"""Export, copy to the clipboard, copy as Python."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PyQt5.QtCore import QObject
from PyQt5.QtGui import QImage
from PyQt5.QtWidgets import QApplication, QFileDialog

from ltdesk.engine.dataset import Dataset
from ltdesk.errors import LtdeskError
from ltdesk.ui import exporting
from ltdesk.ui.latest_answer import LatestAnswer
from ltdesk.ui.live import LiveJobs
from ltdesk.ui.main_window import MainWindow
from ltdesk.ui.opening import file_title
from ltdesk.ui.picture_view import PictureView
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.settings import Settings

FILTERS = (
    "The image shown, its values as TIFF (*.tif)",
    "The image as it looks, PNG (*.png)",
    "All images, numpy (*.npz)",
    "All images, HDF5/NeXus (*.h5)",
)
SUFFIXES = (".tif", ".png", ".npz", ".h5")


class ExportCommands(QObject):
    """Wires what takes images out of the window; files are written in a thread."""

    def __init__(
        self,
        window: MainWindow,
        model: SessionModel,
        live: LiveJobs,
        settings: Settings,
        show_error: Callable[[BaseException, str], None],
    ) -> None:
        super().__init__(window)
        self._window, self._model, self._live, self._settings = window, model, live, settings
        self._show_error = show_error
        self._dataset: Dataset | None = None
        self._writer = LatestAnswer(self, "ltdesk-export")
        self._writer.answered.connect(self._written)
        self._writer.failed.connect(lambda error: show_error(error, "Export"))
        window.actions_by_name.connect(
            export=self._choose_file,
            copy_image=lambda: self._copy(window.image_view, "image"),
            copy_frame=lambda: self._copy(window.frame_view, "diffraction pattern"),
            copy_python=self._copy_python,
        )

    def set_dataset(self, dataset: Dataset | None) -> None:
        """What the images are of."""
        self._dataset = dataset

    def export_to(self, path: str) -> None:
        """Write the image shown, or all images, as the suffix of `path` says."""
        session, dataset = self._model.session, self._dataset
        picture = path.lower().endswith((".tif", ".tiff", ".png"))
        try:
            wishes = exporting.shown_wishes(session) if picture else exporting.all_wishes(session)
            job = exporting.job_of(session, wishes)
            image = self._image() if path.lower().endswith(".png") else None
        except LtdeskError as error:
            self._show_error(error, "Export")
            return
        only = session.shown if exporting.is_vector(session) else ""

        def write() -> list[Path]:
            results = exporting.results_of(wishes, self._live.answer, job, dataset)
            return exporting.save_results(results, path, image, only)

        self._settings.last_folder = Path(path).parent
        self._writer.ask(write)

    def close(self) -> None:
        """Finish what is being written."""
        self._writer.close()

    def _image(self) -> QImage | None:
        view = self._window.image_view
        return None if view.prepared is None else view.to_image()

    def _choose_file(self) -> None:
        dialog = QFileDialog(self._window, "Export", str(self._settings.last_folder))
        dialog.setAcceptMode(QFileDialog.AcceptSave)
        dialog.setNameFilters(FILTERS)
        dialog.setDefaultSuffix(SUFFIXES[0])
        dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(SUFFIXES[FILTERS.index(chosen)]))
        dialog.selectFile(self._proposed_name())
        dialog.fileSelected.connect(self.export_to)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _proposed_name(self) -> str:
        session = self._model.session
        stem = os.path.splitext(file_title(session.dataset.uri))[0] if session.dataset else "image"
        detector = session.selected_detector
        shown = detector.name if session.shown == "detector" and detector is not None else session.shown
        return f"{stem}_{shown}"

    def _written(self, paths: list[Path]) -> None:
        self._window.job_bar.tell(f"Written: {', '.join(str(path) for path in paths)}")

    def _copy(self, view: PictureView, what: str) -> None:
        done = view.copy()
        self._window.job_bar.tell(f"The {what} is on the clipboard." if done else f"There is no {what} to copy.")

    def _copy_python(self) -> None:
        from ltdesk.engine.export.script import job_script

        session = self._model.session
        try:
            job = exporting.job_of(session, exporting.shown_wishes(session))
        except LtdeskError as error:
            self._show_error(error, "Copy as Python")
            return
        QApplication.clipboard().setText(job_script(job, exporting.shown_name(session, job)))
        self._window.job_bar.tell("A script that computes this image is on the clipboard.")
