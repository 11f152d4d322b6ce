"""Export, copy to the clipboard, copy as Python."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt5.QtCore import QObject
from PyQt5.QtWidgets import QApplication

from ltdesk.analysis import ResultSpec
from ltdesk.engine.dataset import Dataset
from ltdesk.errors import LtdeskError, UsageError
from ltdesk.ui.commands import exporting
from ltdesk.ui.dialogs.export_dialog import ExportDialog
from ltdesk.ui.files.opening import file_title
from ltdesk.ui.live.latest_answer import LatestAnswer
from ltdesk.ui.live.live import LiveJobs
from ltdesk.ui.live.wishes import shown_analysis
from ltdesk.ui.main_window import MainWindow
from ltdesk.ui.pictures.picture_view import PictureView
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.settings import Settings


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
            export=self._choose,
            copy_image=lambda: self._copy(window.image_view, "image"),
            copy_frame=lambda: self._copy(window.frame_view, "diffraction pattern"),
            copy_python=self._copy_python,
        )

    def set_dataset(self, dataset: Dataset | None) -> None:
        """What the images are of."""
        self._dataset = dataset

    def export(self, names: Sequence[str], path: Path) -> None:
        """Write the results `names`, in the format that the suffix of `path` says; the image shown as it is seen."""
        session, dataset = self._model.session, self._dataset
        if dataset is None:
            return
        shown = exporting.shown_name(session, dataset)
        parts = tuple(spec.name for spec in exporting.specs_of(exporting.scripted(session), dataset))
        view = self._window.image_view
        seen = None
        if shown in names and view.prepared is not None:
            made_of = parts if exporting.as_seen(session) else (shown,)
            seen = exporting.Seen(shown, made_of, view.to_image())
        names = [part for name in names for part in (parts if name == exporting.as_seen(session) else (name,))]
        offered = exporting.offered(session, dataset, self._live.answer)
        wishes = exporting.chosen_wishes(offered, names, dataset)
        try:
            job = exporting.job_of(session, wishes)
        except LtdeskError as error:
            self._show_error(error, "Export")
            return
        self._settings.last_folder = path.parent

        def write() -> list[Path]:
            results = exporting.results_of(wishes, names, self._live.answer, job, dataset)
            return exporting.save_results(results, path, seen)

        self._writer.ask(write)

    def close(self) -> None:
        """Finish what is being written."""
        self._writer.close()

    def _choose(self) -> None:
        session, dataset = self._model.session, self._dataset
        if dataset is None:
            return
        specs = list(exporting.specs_of(exporting.offered(session, dataset, self._live.answer), dataset))
        if seen := exporting.as_seen(session):
            specs.insert(0, ResultSpec(name=seen, kind="scan", dtype="colours", unit="as it is seen"))
        if not specs:
            self._show_error(UsageError("There is no image to export", "Draw a detector first."), "Export")
            return
        stem = os.path.splitext(file_title(dataset.ref.uri))[0]
        shown = exporting.shown_name(session, dataset)
        dialog = ExportDialog(specs, self._settings.last_folder, stem, shown, self._window)
        dialog.chosen.connect(lambda choice: self.export(choice.names, choice.path))
        dialog.open()

    def _script_name(self) -> str | None:
        """The array that a script prints: of a composite or a vector the first one."""
        name = exporting.shown_name(self._model.session, self._dataset)
        return None if name == exporting.as_seen(self._model.session) else name

    def _written(self, paths: list[Path]) -> None:
        self._window.job_bar.tell(f"Written: {', '.join(str(path) for path in paths)}")

    def _copy(self, view: PictureView, what: str) -> None:
        done = view.copy()
        self._window.job_bar.tell(f"The {what} is on the clipboard." if done else f"There is no {what} to copy.")

    def _copy_python(self) -> None:
        from ltdesk.engine.export.script import job_script

        session, dataset = self._model.session, self._dataset
        if dataset is None:
            return
        wishes = exporting.scripted(session)
        try:
            job = exporting.job_of(session, wishes)
        except LtdeskError as error:
            self._show_error(error, "Copy as Python")
            return
        analysis = shown_analysis(session)
        several = analysis is not None and any(s.extra for s in exporting.specs_of(wishes, dataset))
        index = session.shown_slice if several else None
        QApplication.clipboard().setText(job_script(job, self._script_name(), index))
        self._window.job_bar.tell("A script that computes this image is on the clipboard.")
