"""What finds parameters and detectors: rotation, descan, a detector between two regions, a detector's noise."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from PyQt5.QtCore import QObject
from PyQt5.QtWidgets import QHBoxLayout, QPushButton, QWidget

from ltdesk.analysis import Analysis, CenterOfMass, VirtualDetector
from ltdesk.engine.dataset import Dataset
from ltdesk.geometry import AnyShape, Ring
from ltdesk.noise import SignalToNoise
from ltdesk.polar import AboutCentre
from ltdesk.session import Session
from ltdesk.ui.analyses import edits
from ltdesk.ui.analyses.finding import Found, Suggestion, find_descan, find_ellipse, find_rotation
from ltdesk.ui.analyses.results import over_frequencies
from ltdesk.ui.dialogs.suggest_dialog import SuggestDialog
from ltdesk.ui.live.answers import Answer
from ltdesk.ui.live.latest_answer import LatestAnswer
from ltdesk.ui.live.live import LiveJobs
from ltdesk.ui.live.wishes import analysis_wish
from ltdesk.ui.main_window import MainWindow
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.shapes import detector_edits

NEEDS_COM = "Add a centre of mass first."
NEEDS_PROFILE = "Select a radial profile, rings or a symmetry first."
NEEDS_RING = "Draw a ring detector around a diffraction ring and select it first."
WAITING = "Waiting until the centre of mass is exact."


class FindingCommands(QObject):
    """Each answer is one undo step. Esc stops what is being looked for."""

    def __init__(
        self,
        window: MainWindow,
        model: SessionModel,
        live: LiveJobs,
        show_error: Callable[[BaseException, str], None],
    ) -> None:
        super().__init__(window)
        self._window, self._model, self._live, self._show_error = window, model, live, show_error
        self._dataset: Dataset | None = None
        self._suggestion: Suggestion | None = None
        self._busy = False
        self._waiting: tuple[str, Callable[[CenterOfMass, Answer], Found], CenterOfMass] | None = None
        live.answered.connect(self._try)
        self._finder = LatestAnswer(self, "ltdesk-finder")
        self._finder.answered.connect(self._take)
        self._finder.failed.connect(self._fail)
        actions = window.actions_by_name
        actions.connect(
            find_rotation=lambda: self._ask("rotation", find_rotation),
            fit_descan=lambda: self._ask("descan", partial(find_descan, region=self._region, paraboloid=False)),
            fit_descan_paraboloid=lambda: self._ask(
                "descan", partial(find_descan, region=self._region, paraboloid=True)
            ),
            fit_ellipse=self._fit_ellipse,
            suggest=self._choose_regions,
            noise=self._show_noise,
        )
        self._buttons = self._make_buttons()
        model.changed.connect(self._follow)

    def set_dataset(self, dataset: Dataset | None) -> None:
        """What is open; nothing is looked for in another one any more."""
        self.cancel()
        self._dataset = dataset

    @property
    def busy(self) -> bool:
        """Is something being looked for?"""
        return self._busy

    def cancel(self) -> None:
        """Stop looking."""
        if self._busy:
            self._busy = False
            self._waiting = None
            self._finder.forget()
            if self._suggestion is not None:
                self._suggestion.cancel()
            self._window.job_bar.tell("Stopped.")

    def close(self) -> None:
        """End the thread."""
        self.cancel()
        self._finder.close()

    def suggest(self, bright: AnyShape, dark: AnyShape | None) -> None:
        """Look for the detector that is bright in one region and dark in another; None: in the rest of the scan."""
        if self._dataset is None:
            return
        name = self._model.session.free_name("suggested")
        self._suggestion = Suggestion(self._live.keeper.executor, self._dataset, bright, dark, name)
        self._begin("Looking for the detector that tells the regions apart", self._suggestion.make)

    @property
    def _region(self) -> AnyShape | None:
        return self._model.session.region

    def _make_buttons(self) -> dict[type[Analysis], QWidget]:
        """Under the parameters of an analysis: what finds them."""
        rows: dict[type[Analysis], tuple[tuple[str, str], ...]] = {
            CenterOfMass: (("find_rotation", "Find rotation"), ("fit_descan", "Fit descan")),
            AboutCentre: (("fit_ellipse", "Fit centre and ellipse"),),
        }
        holders: dict[type[Analysis], QWidget] = {}
        for kind, buttons in rows.items():
            holder = holders[kind] = QWidget()
            row = QHBoxLayout(holder)
            row.setContentsMargins(0, 0, 0, 0)
            for name, text in buttons:
                row.addWidget(self._button(name, text), 1)
            self._window.analyses.buttons_row.addWidget(holder)
            holder.hide()
        return holders

    def _button(self, action: str, text: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(self._window.actions_by_name[action].toolTip())
        button.setAutoDefault(False)
        button.setStyleSheet("min-width: 0; padding: 5px 4px;")
        button.clicked.connect(self._window.actions_by_name[action].trigger)
        return button

    def _follow(self, old: Session, new: Session) -> None:
        selected = new.analysis(new.selected_analysis)
        for kind, buttons in self._buttons.items():
            buttons.setVisible(isinstance(selected, kind))

    def _fit_ellipse(self) -> None:
        """On the frame that is shown, between the radii of the selected ring."""
        session, prepared = self._model.session, self._window.frame_view.prepared
        analysis, detector = session.analysis(session.selected_analysis), session.selected_detector
        if not isinstance(analysis, AboutCentre):
            self._window.job_bar.tell(NEEDS_PROFILE)
        elif detector is None or not isinstance(detector.shape, Ring):
            self._window.job_bar.tell(NEEDS_RING)
        elif prepared is not None and not over_frequencies(session):
            values = prepared.picture.values
            self._begin("Looking for the ellipse", partial(find_ellipse, analysis, detector.shape, values))

    def _com(self) -> CenterOfMass | None:
        """The centre of mass that is selected, else the first."""
        session = self._model.session
        selected = session.analysis(session.selected_analysis)
        all_of_them = (selected, *session.analyses_now)
        return next((analysis for analysis in all_of_them if isinstance(analysis, CenterOfMass)), None)

    def _ask(self, what: str, find: Callable[[CenterOfMass, Answer], Found]) -> None:
        """Look for something as soon as the centre of mass is exact."""
        com = self._com()
        if com is None:
            self._window.job_bar.tell(NEEDS_COM)
            return
        self._waiting = what, find, com
        self._busy = True
        self._window.job_bar.tell(f"{WAITING} Esc stops.")
        self._try()

    def _try(self, _: Answer | None = None) -> None:
        if self._waiting is None:
            return
        what, find, com = self._waiting
        answer = self._live.answer(analysis_wish(self._model.session, com))
        if answer is not None and answer.state == "exact":
            self._waiting = None
            self._begin(f"Looking for the {what}", partial(find, com, answer))

    def _begin(self, words: str, find: Callable[[], Any]) -> None:
        self._busy = True
        self._window.job_bar.tell(f"{words}. Esc stops.")
        self._finder.ask(find)

    def _take(self, found: Found | VirtualDetector) -> None:
        if not self._busy:
            return
        self._busy = False
        session = self._model.session
        if isinstance(found, VirtualDetector):
            added = detector_edits.added(session, found.shape, "suggested")
            self._model.edit("Suggest a detector", added.but(shown="detector"))
            self._model.look(selected=added.selected, shown="detector")
            self._window.job_bar.tell("The suggested detector is added.")
            return
        self._model.edit(
            f"Find {' and '.join(found.values)} of {found.name}", edits.changed(session, found.name, **found.values)
        )
        self._window.job_bar.tell(found.words)

    def _fail(self, error: BaseException) -> None:
        if self._busy:
            self._busy = False
            self._window.job_bar.tell("")
            self._show_error(error, "Looking for parameters")

    def _choose_regions(self) -> None:
        dialog = self._window.findChild(SuggestDialog)
        if dialog is None:
            dialog = SuggestDialog(self._model, self._window)
            dialog.wanted.connect(self.suggest)
        dialog.show()
        dialog.raise_()

    def _show_noise(self) -> None:
        """σ and SNR of the selected detector; those that are there are shown, else added."""
        session = self._model.session
        detector = session.selected_detector
        if detector is None:
            self._window.job_bar.tell("Select a detector first.")
            return
        known = [a for a in session.analyses if isinstance(a, SignalToNoise)]
        own = [a for a in known if session.followed(a.name, "mask") == detector]
        if not own:
            session = edits.added(session, SignalToNoise)
            self._model.edit(f"Noise of {detector.name}", session)
        name = own[0].name if own else session.selected_analysis
        self._model.look(selected_analysis=name, shown=f"{name}_snr")
