"""All numbers of the selected detector, edited live: one undo step an edit."""

from __future__ import annotations

from itertools import pairwise

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from ltdesk.geometry import AnyShape, Size2D
from ltdesk.session import Detector, Session
from ltdesk.ui.live.latest_answer import LatestAnswer
from ltdesk.ui.look import style
from ltdesk.ui.panels.calm import Calm
from ltdesk.ui.panels.number_box import NumberBox
from ltdesk.ui.panels.shape_section import ShapeSection
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.shapes import detector_edits, shape_leaves
from ltdesk.ui.shapes.pixel_count import PixelCount, count_pixels
from ltdesk.ui.shapes.shape_leaves import Leaf
from ltdesk.ui.shapes.shape_words import KIND_NAMES

Form = tuple[str, bool, bool]
"""What decides which widgets a leaf needs: its kind, whether it joins others, whether it has an operator."""
NOTHING = "Select a detector to see its numbers."


class ShapeEditor(QWidget):
    """Spin boxes for each number of the selected detector's shapes and for its weight, how many pixels it has, and a
    warning where it is empty or partly outside the frame.
    """

    def __init__(self, model: SessionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._frame_shape: Size2D | None = None
        self._structure: object = None
        self._edit_number = 0
        self.sections: list[ShapeSection] = []
        self._forms: list[Form] = []
        self._kept: dict[Form, list[ShapeSection]] = {}
        self.counter = LatestAnswer(self, "pixel count")
        self.counter.answered.connect(self._show_count)
        self._make_widgets()
        self._lay_out()
        self._calm = Calm(model, lambda: self._show(model.session.selected_detector), self)
        model.changed.connect(self._follow)
        self._show(model.session.selected_detector)

    def set_frame_shape(self, frame_shape: Size2D | None) -> None:
        """The frame's ``(ky, kx)``, on which pixels are counted; None: nothing is open."""
        self._frame_shape = frame_shape
        self._count(self._model.session.selected_detector)

    def _make_widgets(self) -> None:
        self.heading = QLabel(self)
        self.heading.setFont(style.heading_font(self.font()))
        self.heading.setTextFormat(Qt.PlainText)
        self.pixels = QLabel(self)
        self.pixels.setFont(style.figures_font(self.font()))
        self.pixels.setAccessibleName("Pixels inside")
        self.pixels.setToolTip("Pixels of the frame that are inside")
        self.warning = QLabel(self)
        self.warning.setProperty("rank", "warning")
        self.warning.setWordWrap(True)
        self.weight = NumberBox("Weight", parent=self)
        self.weight.setDecimals(4)
        self.weight.setPrefix("×")
        self.weight.setToolTip("What the detector's sum is multiplied by")
        self.weight.edited.connect(self._take_weight)
        self.weight.left.connect(self._finish)

    def _lay_out(self) -> None:
        top, self._weight_row = QHBoxLayout(), QWidget(self)
        top.addWidget(self.heading, 1)
        top.addWidget(self.pixels)
        row = QHBoxLayout(self._weight_row)
        row.setContentsMargins(0, 0, 0, 0)
        label = QLabel("weight", self._weight_row)
        label.setBuddy(self.weight)
        row.addWidget(label)
        row.addWidget(self.weight)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(style.GRID, style.GRID // 2, style.GRID, style.GRID // 2)
        column.setSpacing(style.GRID // 2)
        column.addLayout(top)
        column.addWidget(self._scroll_area(), 1)
        column.addWidget(self.warning)

    def _scroll_area(self) -> QScrollArea:
        inside = QWidget(self)
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(style.GRID)
        self._column.addWidget(self._weight_row)
        self._column.addStretch(1)
        area = QScrollArea(self)
        area.setFrameShape(QFrame.NoFrame)
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.NoFocus)  # it follows the number that has the keyboard
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        area.setWidget(inside)
        area.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        return area

    def _follow(self, old: Session, new: Session) -> None:
        if new.selected_detector != old.selected_detector:
            self._calm.ask()

    def _show(self, detector: Detector | None) -> None:
        self.heading.setText(detector.name if detector else "")
        self._weight_row.setVisible(detector is not None)
        leaves = shape_leaves.leaves(detector.shape) if detector else ()
        structure = (detector.id if detector else None, [(leaf.path, leaf.op, leaf.shape.kind) for leaf in leaves])
        if structure != self._structure:
            self._structure = structure
            self._edit_number += 1
            self._take_sections(leaves)
        for section, leaf in zip(self.sections, leaves, strict=True):
            section.show_leaf(leaf)
        if detector:
            self.weight.show_value(detector.weight)
        self._count(detector)

    def _take_sections(self, leaves: tuple[Leaf, ...]) -> None:
        """Widgets for these leaves. Those that are not needed now are kept for the next detector: to make one takes
        ten times as long as to fill it."""
        forms = [_form(leaf, len(leaves) > 1) for leaf in leaves]
        if forms == self._forms:
            return
        for form, section in zip(self._forms, self.sections, strict=True):
            section.hide()
            self._column.removeWidget(section)
            self._kept.setdefault(form, []).append(section)
        self._forms, self.sections = forms, []
        for place, (form, leaf) in enumerate(zip(forms, leaves, strict=True)):
            kept = self._kept.get(form)
            section = kept.pop() if kept else self._make_section(leaf, len(leaves) > 1)
            self._column.insertWidget(place, section)
            section.show()
            self.sections.append(section)
        stops = [stop for section in self.sections for stop in _stops(section)]
        for stop, following in pairwise([*stops, self.weight]):  # in the order that they are seen, not made, in
            QWidget.setTabOrder(stop, following)

    def _make_section(self, leaf: Leaf, joined: bool) -> ShapeSection:
        section = ShapeSection(leaf, KIND_NAMES[leaf.shape.kind], joined, self._column.parentWidget())
        self._connect(section)
        return section

    def _connect(self, section: ShapeSection) -> None:
        section.edited.connect(lambda shape, words: self._take_leaf(section.path, shape, words))
        section.rejected.connect(self._warn)
        section.left.connect(self._finish)
        section.operator_edited.connect(
            lambda op: self._change("Change operator", lambda s: shape_leaves.with_operator(s, section.path, op))
        )
        section.removal_wanted.connect(
            lambda: self._change("Remove shape", lambda s: shape_leaves.without_leaf(s, section.path))
        )

    def _take_leaf(self, path: shape_leaves.Path, leaf: AnyShape, words: str) -> None:
        detector = self._model.session.selected_detector
        if detector is not None:
            changed = detector.model_copy(update={"shape": shape_leaves.with_leaf(detector.shape, path, leaf)})
            self._edit(f"Set {words} of {detector.name}", changed, f"{path} {words}")

    def _take_weight(self, weight: float) -> None:
        detector = self._model.session.selected_detector
        if detector is not None:
            changed = detector.model_copy(update={"weight": weight})
            self._edit(f"Weight of {detector.name}", changed, "weight")

    def _edit(self, text: str, detector: Detector, what: str) -> None:
        """Keystrokes and steps in one box, until it is left, are one undo step."""
        merge = f"{detector.id} {what} {self._edit_number}"
        self._model.edit(text, self._model.session.with_detector(detector), merge)

    def _change(self, text: str, change) -> None:
        """An edit of the whole shape, a step of its own; the section that asked for it may go, so not at once."""
        detector = self._model.session.selected_detector
        if detector is not None:
            session = self._model.session
            self._model.edit(text, detector_edits.changed(session, detector.id, shape=change(detector.shape)))

    def _finish(self) -> None:
        self._edit_number += 1
        detector = self._model.session.selected_detector
        if detector:
            self.weight.show_value(detector.weight)
        self._count(detector)

    def _count(self, detector: Detector | None) -> None:
        if detector is None or self._frame_shape is None:
            self.counter.forget()
            self.pixels.clear()
            self._warn("" if detector else NOTHING, "dim")
            return
        shape, size = detector.shape, self._frame_shape
        self.counter.ask(lambda: count_pixels(shape, size))

    def _show_count(self, count: PixelCount) -> None:
        self.pixels.setText(count.text)
        self._warn(count.problem)

    def _warn(self, problem: str, rank: str = "warning") -> None:
        self.warning.setText(problem)
        if self.warning.property("rank") != rank:
            self.warning.setProperty("rank", rank)
            self.warning.style().polish(self.warning)


def _stops(section: ShapeSection) -> list[QWidget]:
    """Where Tab stops in a section; what a number's or a choice's own parts are is theirs, even in its own window."""
    parts = [part for part in section.findChildren(QWidget) if part.window() is section.window()]
    return [
        part
        for part in parts
        if part.focusPolicy() & Qt.TabFocus and not isinstance(part.parent(), QAbstractSpinBox | QComboBox)
    ]


def _form(leaf: Leaf, joined: bool) -> Form:
    return leaf.shape.kind, joined, bool(joined and leaf.path[-1])
