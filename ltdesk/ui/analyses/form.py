"""The form of one analysis: a tree of its parameters, made from its spec; every edit goes to the session."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import ValidationError
from PyQt5.QtCore import QTimer
from PyQt5.QtGui import QIcon
from PyQt5.QtWidgets import QVBoxLayout, QWidget
from pyqtgraph.parametertree import Parameter

from ltdesk.analysis import Analysis, CenterOfMass, Centred
from ltdesk.errors import LtdeskError
from ltdesk.geometry import Disk, Size2D
from ltdesk.parameters import ParameterField
from ltdesk.session import Session
from ltdesk.ui.analyses import edits, results
from ltdesk.ui.analyses.fields import fields_of
from ltdesk.ui.analyses.kinds import gives_frame
from ltdesk.ui.analyses.tree import TYPE, FieldItem, FieldTree
from ltdesk.ui.live.wishes import image_names
from ltdesk.ui.panels.swatch import swatch_icon
from ltdesk.ui.session_model import SessionModel
from ltdesk.validation import first_problem, reason_of

NAME = ParameterField(name="name", label="name", kind="text", tip="What the results are called, here and in files")
SHOW = ParameterField(name="show", label="show", kind="choice", tip="Which result the image on the right is")
REGION = ParameterField(
    name="in_region", label="in region", kind="flag", tip="Of the frames in the region alone, where there is a region"
)
CENTRE = ParameterField(
    name="centre", label="centre", kind="choice", tip="The point that distances are from: y grows downwards"
)
FRAME_CENTRE, BEAM, NUMBERS = "frame centre", "direct beam", "numbers"
TURN = 0.01
"""Seconds that making rows takes at a stretch."""
WHOLE, OWN = "whole frame", "a shape of its own"


class AnalysisForm(QWidget):
    """Shows the analysis that is selected in the session.

    Rows for another class of analysis are made a few a turn of the event loop, unseen until all are there: ten of them
    take longer than the window may be busy at a stretch.
    """

    def __init__(self, model: SessionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._beam: Disk | None = None
        self._frame_shape: Size2D | None = None
        self._built: object = None
        self._steps: Iterator[None] | None = None
        self._showing = False
        self._edit_number = 0
        self._made: dict[str, Parameter] = {}
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._go_on)
        self.tree = FieldTree(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.tree)
        model.changed.connect(self._follow)
        self._show(model.session)

    def set_scan(self, frame_shape: Size2D | None, beam: Disk | None) -> None:
        """The frame's ``(ky, kx)``, and where the direct beam was found: a centre may be put there."""
        self._frame_shape, self._beam = frame_shape, beam
        self._show(self._model.session)

    def beam_centre(self, spec: type[Analysis]) -> dict[str, float]:
        """The centre that a new analysis of this class starts with: the direct beam's, where that was found."""
        if self._beam is None or not issubclass(spec, Centred):
            return {}
        return {"cy": self._beam.cy, "cx": self._beam.cx}

    def widget(self, name: str) -> Any:
        """The widget that edits a parameter. Raises KeyError where the form has none."""
        return self._item(name).widget

    def problem(self, name: str) -> str:
        """What is said beside a parameter's value; empty: nothing."""
        return self._item(name).problem.text()

    @property
    def names(self) -> tuple[str, ...]:
        """The rows, from top to bottom."""
        return tuple(self._rows)

    @property
    def _rows(self) -> dict[str, Parameter]:
        """The rows of the analysis that is selected now."""
        self._catch_up()
        return self._made

    def _item(self, name: str) -> FieldItem:
        return self.tree.item(self._rows[name])

    @property
    def _analysis(self) -> Analysis | None:
        session = self._model.session
        return session.analysis(session.selected_analysis)

    def _follow(self, old: Session, new: Session) -> None:
        names = ("analyses", "follows", "detectors", "selected_analysis", "shown", "frame_in_region")
        if any(getattr(old, name) != getattr(new, name) for name in names):
            self._show(new)

    # Showing

    def _show(self, session: Session) -> None:
        if self._wanted != self._built:
            self._built = self._wanted
            self._steps = self._build(self._analysis)
            self._soon.start(0)
        elif self._steps is None:
            self._show_values(session, self._analysis)

    @property
    def _wanted(self) -> object:
        """What rows are made for."""
        return None if self._analysis is None else (type(self._analysis), self._model.session.dataset)

    def _go_on(self) -> None:
        """Make rows for a while."""
        end = time.perf_counter() + TURN
        while self._steps is not None and time.perf_counter() < end:
            self._step()
        if self._steps is not None:
            self._soon.start(0)

    def _catch_up(self) -> None:
        """Make the rows that are still to be made, now."""
        while self._steps is not None:
            self._step()

    def _step(self) -> None:
        try:
            next(self._steps)
        except StopIteration:
            self._steps = None
            self._soon.stop()
            self.tree.setUpdatesEnabled(True)
            self._show_values(self._model.session, self._analysis)

    def _show_values(self, session: Session, analysis: Analysis | None) -> None:
        if analysis is not None:
            self._showing = True
            try:
                self._fill(session, analysis)
            finally:
                self._showing = False

    def _build(self, analysis: Analysis | None) -> Iterator[None]:
        """Make the rows, one a step."""
        self.tree.setUpdatesEnabled(False)
        self._made = {}
        self._root = Parameter.create(name="parameters", type="group")
        self.tree.setParameters(self._root, showTop=False)
        for field in () if analysis is None else _rows_of(analysis):
            yield
            self._made[field.name] = self._make_row(field)

    def _make_row(self, field: ParameterField) -> Parameter:
        row = Parameter.create(name=field.name, title=field.label, type=TYPE, field=field, value=field.default)
        self._root.addChild(row)
        row.sigValueChanged.connect(lambda _, value: self._take(field.name, value))
        left = getattr(self.tree.item(row).widget, "left", None)
        if left is not None:
            left.connect(self._finish)
        return row

    def _fill(self, session: Session, analysis: Analysis) -> None:
        if "show" in self._rows:
            names = image_names(analysis)
            self.widget("show").set_options([(name, _result_words(analysis, name), QIcon()) for name in names])
            self._put("show", session.shown if session.shown in names else names[0])
        if "in_region" in self._rows:
            self._put("in_region", session.frame_in_region)
        if "centre" in self._rows:
            self._fill_centre(analysis)
        self._put("name", analysis.name)
        for field in fields_of(type(analysis)):
            if field.kind == "shape":
                self._fill_shape(session, analysis, field)
            elif field.name not in ("cy", "cx"):
                self._put(field.name, getattr(analysis, field.name))
        if "weight" in self._rows:
            self.widget("weight").setEnabled(session.followed(analysis.name, "mask") is None)

    def _fill_centre(self, analysis: Any) -> None:
        beam = [(BEAM, BEAM, QIcon())] if self._beam is not None else []
        self.widget("centre").set_options([(FRAME_CENTRE, FRAME_CENTRE, QIcon()), *beam, (NUMBERS, NUMBERS, QIcon())])
        at = (analysis.cy, analysis.cx)
        chosen = NUMBERS
        if at == (None, None):
            chosen = FRAME_CENTRE
        elif self._beam is not None and at == (self._beam.cy, self._beam.cx):
            chosen = BEAM
        self._put("centre", chosen)
        for name, value in zip(("cy", "cx"), self._centre_now(analysis), strict=True):
            self._put(name, value)

    def _centre_now(self, analysis: Any) -> tuple[float, float]:
        return analysis.centre(self._frame_shape) if self._frame_shape is not None else (analysis.cy, analysis.cx)

    def _fill_shape(self, session: Session, analysis: Analysis, field: ParameterField) -> None:
        options: list[tuple[Any, str, QIcon]] = [("", WHOLE, QIcon())] if field.optional else []
        options += [(d.id, d.name, _swatch(d.colour)) for d in session.detectors]
        followed = session.followed(analysis.name, field.name)
        own = followed is None and getattr(analysis, field.name) is not None
        if own:
            options.append((OWN, OWN, QIcon()))
        self.widget(field.name).set_options(options)
        self._put(field.name, OWN if own else "" if followed is None else followed.id)

    def _put(self, name: str, value: Any) -> None:
        """Show a value that counts, unless that is what is shown."""
        item = self._item(name)
        item.show_problem("")
        if item.widget.value() != value and not self._means(item, value):
            self._rows[name].setValue(value)

    @staticmethod
    def _means(item: FieldItem, value: Any) -> bool:
        """Is what is shown the value, but for its last digits?"""
        shown = item.widget.value()
        return item.field.kind == "number" and None not in (shown, value) and round(value, 4) == shown

    # Editing

    def _take(self, name: str, value: Any) -> None:
        if self._showing or self._steps is not None or self._analysis is None:
            return
        try:
            session = self._edited(name, value)
            self._check(session)
        except ValidationError as error:
            self._item(name).show_problem(_reason(error))
            return
        except LtdeskError as error:
            self._item(name).show_problem(f"{error}")
            return
        self._item(name).show_problem("")
        analysis = self._analysis
        if session.but(shown=self._model.session.shown) == self._model.session:
            self._model.look(shown=session.shown, shown_slice=0)
        elif name == "in_region":
            self._model.look(frame_in_region=bool(value))
        else:
            label = self._item(name).field.label
            self._model.edit(
                f"{label.capitalize()} of {analysis.name}", session, f"{analysis.name} {name} {self._edit_number}"
            )

    def _edited(self, name: str, value: Any) -> Session:
        session, analysis = self._model.session, self._analysis
        if name == "show":
            return session.but(shown=value)
        if name == "in_region":
            return session.but(frame_in_region=bool(value))
        if name == "centre":
            return edits.changed(session, analysis.name, **self._centre_values(value))
        if name in ("cy", "cx"):
            centre = dict(zip(("cy", "cx"), self._centre_now(analysis), strict=True))
            return edits.changed(session, analysis.name, **{**centre, name: value})
        if self._item(name).field.kind == "shape":
            return session if value == OWN else edits.following(session, analysis.name, name, value or None)
        return edits.changed(session, analysis.name, **{name: value})

    def _check(self, session: Session) -> None:
        """Raises UsageError where the analysis is changed to one that makes no sense of the scan's frames."""
        analysis = session.analysis(session.selected_analysis)
        if self._frame_shape is not None and analysis not in (None, self._analysis):
            analysis.check(self._frame_shape)

    def _centre_values(self, choice: str) -> dict[str, float | None]:
        if choice == FRAME_CENTRE:
            return {"cy": None, "cx": None}
        if choice == BEAM and self._beam is not None:
            return {"cy": self._beam.cy, "cx": self._beam.cx}
        return dict(zip(("cy", "cx"), self._centre_now(self._analysis), strict=True))

    def _finish(self) -> None:
        """The user is done with a row: what comes next is another step."""
        self._edit_number += 1


def _rows_of(analysis: Analysis) -> list[ParameterField]:
    fields = list(fields_of(type(analysis)))
    rows = [SHOW] if not gives_frame(analysis) and len(image_names(analysis)) > 1 else []
    rows += [REGION] if gives_frame(analysis) else []
    if {"cy", "cx"} <= {field.name for field in fields}:
        rows.append(CENTRE)
    return [*rows, *fields, NAME]


def _result_words(analysis: Analysis, name: str) -> str:
    if isinstance(analysis, CenterOfMass):
        return results.MAP_WORDS[results.com_map(analysis, name)]
    return name.removeprefix(analysis.name).strip("_").replace("_", " ") or name


def _reason(error: ValidationError) -> str:
    """What is wrong, in one sentence; the row says with what."""
    reason = reason_of(first_problem(error))
    return f"{reason[:1].upper()}{reason[1:]}."


@cache
def _swatch(colour: str) -> QIcon:
    return swatch_icon(colour)
