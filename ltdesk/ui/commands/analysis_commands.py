"""What the actions of the menu Analysis do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt5.QtCore import QObject
from PyQt5.QtWidgets import QFileDialog

from ltdesk.engine.dataset import Dataset
from ltdesk.job import Job
from ltdesk.session import Session
from ltdesk.ui.analyses.profile_file import Saved, save_profile
from ltdesk.ui.analyses.profile_pane import ProfilePane, plotted
from ltdesk.ui.analyses.results import frame_transform, over_frequencies
from ltdesk.ui.live.latest_answer import LatestAnswer
from ltdesk.ui.main_window import MainWindow
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.settings import Settings
from ltdesk.ui.shapes.drawing_tools import DrawingTools, Tool


class AnalysisCommands(QObject):
    """Wires the panel of analyses and the actions about them."""

    def __init__(
        self,
        window: MainWindow,
        model: SessionModel,
        tools: DrawingTools,
        profiles: ProfilePane,
        settings: Settings,
        show_error: Callable[[BaseException, str], None],
    ) -> None:
        super().__init__(window)
        self._window, self._model, self._profiles, self._settings = window, model, profiles, settings
        self._tools = tools
        self._dataset: Dataset | None = None
        self._writer = LatestAnswer(self, "ltdesk-export-profile")
        self._writer.answered.connect(lambda path: window.job_bar.tell(f"Written: {path}"))
        self._writer.failed.connect(lambda error: show_error(error, "Export"))
        tools.tool_changed.connect(self._leave_spectrum)
        profiles.appeared.connect(lambda: window.actions_by_name["profile_plot"].setChecked(True))
        window.profile.export_wanted.connect(self._choose_file)
        self._wire(window)
        model.changed.connect(self._follow)
        self._follow(Session(), model.session)

    def _wire(self, window: MainWindow) -> None:
        panel, actions = window.analyses, window.actions_by_name
        actions.connect(
            analyses=self.show_panel,
            add_analysis=self._choose,
            remove_analysis=panel.remove,
            next_analysis=lambda: panel.step(1),
            previous_analysis=lambda: panel.step(-1),
            spectrum=lambda: self._toggle_spectrum("plain"),
            spectrum_window=lambda: self._toggle_spectrum("window"),
            frame_spectrum=lambda: self._toggle_frame_spectrum("plain"),
            frame_spectrum_window=lambda: self._toggle_frame_spectrum("window"),
            export_profile=self._choose_file,
        )
        actions["profile_plot"].toggled.connect(window.profile.setVisible)

    def set_dataset(self, dataset: Dataset | None) -> None:
        """What the analyses are of."""
        self._dataset = dataset

    def export_profile(self, path: Path) -> None:
        """Write the curves that are plotted, in a thread; ``.npz``, else CSV."""
        session, bins, dataset = self._model.session, self._profiles.bins, self._dataset
        analysis = plotted(session)
        if bins is None or dataset is None or analysis is None:
            self._window.job_bar.tell("There is no profile to export: add one first.")
            return
        curves = dict(self._window.profile.curves)
        job = Job(dataset=dataset.ref, analyses=(analysis,), region=None)
        saved = Saved(bins, curves, analysis.name, session.cursor, session.region, job)
        self._settings.last_folder = path.parent
        self._writer.ask(lambda: save_profile(path, saved))

    def close(self) -> None:
        """Finish what is being written."""
        self._writer.close()

    def _choose_file(self) -> None:
        analysis = plotted(self._model.session)
        if analysis is None:
            self._window.job_bar.tell("There is no profile to export: add one first.")
            return
        dialog = QFileDialog(self._window, "Export the profile", str(self._settings.last_folder))
        dialog.setAcceptMode(QFileDialog.AcceptSave)
        dialog.setNameFilters(["Table (*.csv)", "NumPy (*.npz)"])
        dialog.setDefaultSuffix("csv")
        dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix("npz" if "npz" in chosen else "csv"))
        dialog.selectFile(f"{analysis.name}.csv")
        dialog.fileSelected.connect(lambda path: self.export_profile(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def show_panel(self) -> None:
        """The panel in front, with the keyboard on its list."""
        window = self._window
        window.actions_by_name["panel"].setChecked(True)
        window.tabs.setCurrentWidget(window.analyses)
        window.analyses.list.setFocus()

    def _toggle_spectrum(self, kind: str) -> None:
        self._model.look(spectrum="" if self._model.session.spectrum == kind else kind)

    def _toggle_frame_spectrum(self, kind: str) -> None:
        """No tool stays in hand: what it drew would lie on frequencies."""
        on = self._model.session.frame_spectrum != kind
        if on:
            self._tools.choose(Tool.SELECT)
        self._model.look(frame_spectrum=kind if on else "")

    def _leave_spectrum(self, tool: Tool) -> None:
        """Detectors are drawn on frames."""
        session = self._model.session
        if tool is Tool.SELECT or not over_frequencies(session):
            return
        source = session.frame_source if frame_transform(session) else "mean"
        self._model.look(frame_spectrum="", frame_source=source)

    def _follow(self, old: Session, new: Session) -> None:
        actions = self._window.actions_by_name
        actions.check("spectrum", new.spectrum == "plain")
        actions.check("spectrum_window", new.spectrum == "window")
        actions.check("frame_spectrum", new.frame_spectrum == "plain")
        actions.check("frame_spectrum_window", new.frame_spectrum == "window")
        shown = "An FFT is shown already." if over_frequencies(new) and frame_transform(new) == "" else ""
        actions.refuse(shown, "frame_spectrum", "frame_spectrum_window")
        none = "" if new.analyses else "Add an analysis first."
        unselected = "" if new.analysis(new.selected_analysis) is not None else "Select an analysis first."
        actions.refuse(none, "next_analysis", "previous_analysis")
        actions.refuse(none or unselected, "remove_analysis")

    def _choose(self) -> None:
        self.show_panel()
        self._window.analyses.pop_up_add_menu()
