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
from ltdesk.session import Session
from ltdesk.ui.commands import exporting, offers
from ltdesk.ui.commands.exporting import Seen
from ltdesk.ui.dialogs.export_dialog import ExportDialog, files_of
from ltdesk.ui.files.opening import file_title
from ltdesk.ui.live.answers import Answer
from ltdesk.ui.live.latest_answer import LatestAnswer
from ltdesk.ui.live.live import LiveJobs
from ltdesk.ui.live.wishes import Wish
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
        """Write `names`, in the format that the suffix of `path` says; as PNG, what is on the screen as it is seen."""
        session, dataset = self._model.session, self._dataset
        if dataset is None:
            return
        files = files_of(names, path)
        seen = self._seen(session, dataset, names) if path.suffix.lower() == ".png" else {}
        wanted = {*names, *(offers.parts(session, dataset) if offers.as_seen(session) in names else ())}
        chosen = [o for o in offers.offered(session, dataset, self._live.answer) if o.spec.name in wanted]
        try:
            job = exporting.job_of(session, exporting.wishes_of(chosen))
        except LtdeskError as error:
            self._show_error(error, "Export")
            return
        self._settings.last_folder = path.parent

        def known(wish: Wish) -> Answer | None:
            return offers.read_frame(wish, dataset) if wish.owner == offers.CURSOR else self._live.answer(wish)

        self._writer.ask(lambda: exporting.save_results(exporting.results_of(chosen, known, job, dataset), files, seen))

    def close(self) -> None:
        """Finish what is being written."""
        self._writer.close()

    def _choose(self) -> None:
        session, dataset = self._model.session, self._dataset
        if dataset is None:
            return
        specs = [offer.spec for offer in offers.offered(session, dataset, self._live.answer)]
        picture, parts = offers.as_seen(session), offers.parts(session, dataset)
        if parts:
            specs.insert(0, ResultSpec(name=picture, kind="scan", dtype="colours", unit="as it is seen"))
        if not specs:
            self._show_error(UsageError("There is no image to export", "Draw a detector first."), "Export")
            return
        stem = os.path.splitext(file_title(dataset.ref.uri))[0]
        image = offers.shown_image(session, dataset)
        shown = picture if image is None else image.spec.name
        dialog = ExportDialog(specs, self._settings.last_folder, stem, shown, self._window, {picture: parts})
        dialog.chosen.connect(lambda choice: self.export(choice.names, choice.path))
        dialog.open()

    def _seen(self, session: Session, dataset: Dataset, names: Sequence[str]) -> dict[str, Seen]:
        """The pictures on the screen that are among `names`, under which they are offered."""
        seen, window = {}, self._window
        image, parts = offers.shown_image(session, dataset), offers.parts(session, dataset)
        name, frame = offers.as_seen(session) if image is None else image.spec.name, offers.shown_frame_name(session)
        if name in names and window.image_view.prepared is not None:
            seen[name] = Seen(window.image_view.to_image(), parts[0] if parts else name)
        if frame in names and window.frame_view.prepared is not None:
            seen[frame] = Seen(window.frame_view.to_image(), frame)
        return seen

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
        try:
            job = exporting.job_of(session, offers.scripted(session))
        except LtdeskError as error:
            self._show_error(error, "Copy as Python")
            return
        image = offers.shown_image(session, dataset)
        shown = () if image is None else (image.result, image.bin, image.spectrum)
        QApplication.clipboard().setText(job_script(job, *shown))
        self._window.job_bar.tell("A script that computes this image is on the clipboard.")
