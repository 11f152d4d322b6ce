"""What the plot of profiles shows: follows the session and the answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PyQt5.QtCore import QObject, QTimer, pyqtSignal

from ltdesk.analysis import Analysis
from ltdesk.engine.dataset import Dataset
from ltdesk.errors import LtdeskError
from ltdesk.geometry import AnyShape, Size2D
from ltdesk.session import Session
from ltdesk.ui.analyses.kinds import kind_of_result, title_of
from ltdesk.ui.analyses.profile_plot import ProfilePlot
from ltdesk.ui.analyses.profiles import Bins, Means, bins_of, curve_at, curves_of, means_of, showing_slice, slice_shown
from ltdesk.ui.live.answers import Answer
from ltdesk.ui.live.latest_answer import LatestAnswer
from ltdesk.ui.live.latest_answers import LatestAnswers
from ltdesk.ui.live.live import LiveJobs
from ltdesk.ui.live.wishes import analysis_wish, image_names
from ltdesk.ui.session_model import SessionModel

Curves = tuple[NDArray, ...]
APART_MS = 20
"""Between two turns that make the plot: what else an edit sets off has its own."""
FOLLOWED = ("analyses", "follows", "selected_analysis", "shown", "shown_slice", "region", "cursor", "detectors")


def plotted(session: Session) -> Analysis | None:
    """The analysis whose profile is plotted: the selected one, else the one shown, else the first with a profile."""
    profiles = [analysis for analysis in session.analyses_now if kind_of_result(analysis) == "profile"]
    ranks = (
        lambda analysis: analysis.name == session.selected_analysis,
        lambda analysis: session.shown in image_names(analysis),
        lambda analysis: True,
    )
    return next((analysis for rank in ranks for analysis in profiles if rank(analysis)), None)


class ProfilePane(QObject):
    """Fills `plot`. Means over many positions are made in a thread.

    For the first profile the plot is made, filled and shown in turns of the event loop of their own: together they take
    longer than the window may be busy at a stretch.

    Signals
    -------
    appeared : () an analysis with a profile was added: the plot is of use now
    """

    appeared = pyqtSignal()

    def __init__(self, plot: ProfilePlot, model: SessionModel, live: LiveJobs) -> None:
        super().__init__(plot)
        self._plot, self._model = plot, model
        self._dataset: Dataset | None = None
        self._latest = LatestAnswers(live)
        self._bins: Bins | None = None
        self._bins_for: object = None
        self._means_for: object = None
        self._asked_of: Answer | None = None
        self._steps: list[Callable[[], object]] = []
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._step)
        self._worker = LatestAnswer(self, "ltdesk-profiles")
        self._worker.answered.connect(self._show_means)
        plot.slice_wanted.connect(self._show_slice)
        model.changed.connect(self._follow)
        live.answered.connect(self._take)

    def set_dataset(self, dataset: Dataset | None) -> None:
        """Plot profiles of this scan."""
        self._dataset = dataset
        self._latest.clear()
        self._forget()
        self._refresh()

    def close(self) -> None:
        """End the thread."""
        self._worker.close()

    @property
    def words(self) -> str:
        """What is plotted."""
        return self._plot.title.whole_text

    @property
    def bins(self) -> Bins | None:
        return self._bins

    def _forget(self) -> None:
        self._bins = self._bins_for = self._means_for = None

    def _follow(self, old: Session, new: Session) -> None:
        if self._dataset is None or all(getattr(old, name) == getattr(new, name) for name in FOLLOWED):
            return
        known = {analysis.name for analysis in old.analyses}
        new_ones = [a for a in new.analyses if a.name not in known and kind_of_result(a) == "profile"]
        show = [self._appear] if new_ones and old.dataset == new.dataset else []
        if show and not self._plot.is_made:
            self._steps = [self._plot.make, self._refresh, *show]
            self._soon.start(APART_MS)
        elif self._steps:  # what is shown then is what is wanted then
            self._steps += show
        else:
            self._refresh()
            for tell in show:
                tell()

    def _appear(self) -> None:
        if plotted(self._model.session) is not None:  # it may be undone by now
            self.appeared.emit()

    def _step(self) -> None:
        self._steps.pop(0)()
        if self._steps:
            self._soon.start(APART_MS)

    def _take(self, answer: Answer) -> None:
        analysis = plotted(self._model.session)
        owner = None if analysis is None else analysis_wish(self._model.session, analysis).owner
        if self._latest.take(answer) and self._dataset is not None and answer.wish.owner == owner:
            self._refresh()

    def _refresh(self) -> None:
        session, dataset = self._model.session, self._dataset
        analysis = plotted(session)
        if analysis is None or dataset is None:
            self._forget()
            self._plot.show_bins(None, "Add a radial profile, rings or a symmetry: its curve appears here.", None)
            return
        if self._bins_for != analysis:
            self._bins_for = analysis
            self._bins = bins_of(analysis, dataset.frame_shape, dataset.dtype, dataset.calibration)
        index = None
        if session.shown in image_names(analysis):
            index = slice_shown(analysis, session.shown, session.shown_slice)
        self._plot.show_bins(self._bins, f"{title_of(type(analysis))} · {analysis.name}", index)
        answer = self._latest.best(analysis_wish(session, analysis))
        if answer is None:
            return
        curves = curves_of(answer, analysis)
        if curves:
            self._show_cursor(session, answer, curves)
            self._ask_means(answer, analysis, session.region)

    def _show_cursor(self, session: Session, answer: Answer, curves: Curves) -> None:
        y, x = session.cursor
        known = y < answer.valid.shape[0] and x < answer.valid.shape[1] and answer.valid[y, x]
        self._plot.show_curve("cursor", curve_at(curves, y, x) if known else None, f"cursor ({y}, {x})")

    def _ask_means(self, answer: Answer, analysis: Analysis, region: AnyShape | None) -> None:
        asked = (id(answer), analysis, region)
        if asked != self._means_for:
            self._means_for = asked
            self._asked_of = answer  # so that its id stays its own
            self._worker.ask(partial(_means, curves_of(answer, analysis), answer.valid, region))

    def _show_means(self, means: Means) -> None:
        count = means.positions[1]
        self._plot.means(means, f"region, {count} position{'s' if count != 1 else ''}")

    def _show_slice(self, index: int) -> None:
        session = self._model.session
        analysis = plotted(session)
        if analysis is not None:
            self._model.look(**showing_slice(analysis, session.shown, index))


def _means(curves: Curves, valid: NDArray[np.bool_], region: AnyShape | None) -> Means:
    shape: Size2D = (valid.shape[0], valid.shape[1])
    try:
        inside = None if region is None else region.mask(shape)
    except (LtdeskError, ValueError):  # a mask for another scan
        inside = None
    return means_of(curves, valid, inside)
