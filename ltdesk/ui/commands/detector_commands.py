"""What the actions of the menus Draw, Detector and Edit do to the session."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QObject, Qt
from PyQt5.QtWidgets import QMenu

from ltdesk.geometry import Disk, terms_of
from ltdesk.session import Session
from ltdesk.shape_bounds import moved, shape_centre
from ltdesk.ui.analyses.results import over_frequencies
from ltdesk.ui.commands.actions import TOOL_KEYS, Actions
from ltdesk.ui.live.latest_answer import LatestAnswer
from ltdesk.ui.main_window import MainWindow
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.shapes.detector_edits import added, changed
from ltdesk.ui.shapes.detector_layer import DetectorLayer
from ltdesk.ui.shapes.drawing_tools import DrawingTools
from ltdesk.ui.shapes.tools import HINTS, Tool

COMBINES = {"draw_new": "new", "draw_join": "+", "draw_subtract": "-", "draw_intersect": "&"}
ON_ONE = ("duplicate", "delete", "rename", "weight", "visible", "grow", "shrink")
ON_SEVERAL = ("join", "subtract", "intersect", "next_detector", "previous_detector")
"""What can be done with one detector, and with several."""
MENU = ("duplicate", "rename", "visible", "fit_beam", "split", "delete")


class DetectorCommands(QObject):
    """Wires tools, panel and actions; `layer` and `tools` are the hand on the frame."""

    def __init__(self, window: MainWindow, model: SessionModel, layer: DetectorLayer, tools: DrawingTools) -> None:
        super().__init__(window)
        self._window, self._model, self._layer, self._tools = window, model, layer, tools
        self._beam = LatestAnswer(self, "ltdesk-beam")
        self._beam.answered.connect(self._put_on_beam)
        self._wire_tools(window.actions_by_name)
        self._wire_actions(window.actions_by_name)
        layer.menu_wanted.connect(self._show_menu)
        model.opened.connect(
            lambda session: self._show_tool(tools.tool) if session.dataset else window.job_bar.tell("")
        )
        model.changed.connect(self._follow)
        self._follow(Session(), model.session)

    def close(self) -> None:
        """End the thread."""
        self._beam.close()

    def _wire_tools(self, actions: Actions) -> None:
        for tool in Tool:
            actions.connect(**{f"tool_{tool}": lambda tool=tool: self._choose(tool)})
        for name, combine in COMBINES.items():
            actions.connect(**{name: lambda combine=combine: self._tools.set_combine(combine)})
        names = {combine: name for name, combine in COMBINES.items()}
        self._tools.tool_changed.connect(self._show_tool)
        self._tools.combine_changed.connect(lambda combine: actions.check(names[combine]))
        actions.check("tool_select")
        actions.check("draw_new")

    def _wire_actions(self, actions: Actions) -> None:
        panel = self._window.detectors
        actions.connect(
            undo=self._undo,
            redo=self._redo,
            duplicate=panel.duplicate,
            delete=self._delete,
            rename=panel.rename,
            weight=panel.edit_weight,
            visible=lambda: self._change(visible=actions["visible"].isChecked()),
            next_detector=lambda: self._step(1),
            previous_detector=lambda: self._step(-1),
            join=lambda: panel.combine("+"),
            subtract=lambda: panel.combine("-"),
            intersect=lambda: panel.combine("&"),
            split=panel.split,
            grow=lambda: self._layer.grow(1.0),
            shrink=lambda: self._layer.grow(-1.0),
            fit_beam=self._fit_beam,
        )
        stack = self._model.undo_stack
        stack.canUndoChanged.connect(actions["undo"].setEnabled)
        stack.canRedoChanged.connect(actions["redo"].setEnabled)
        stack.undoTextChanged.connect(self._name_undo)
        stack.redoTextChanged.connect(self._name_redo)
        for name in ("undo", "redo"):
            actions[name].setEnabled(False)

    # Bound methods: Qt forgets them with this object, which goes before the stack does

    def _name_undo(self, text: str) -> None:
        self._window.actions_by_name["undo"].setText(f"&Undo {text}".rstrip())

    def _name_redo(self, text: str) -> None:
        self._window.actions_by_name["redo"].setText(f"&Redo {text}".rstrip())

    def _choose(self, tool: Tool) -> None:
        """A tool is for one shape; chosen again while in hand it stays until another is chosen."""
        again = tool is self._tools.tool is not Tool.SELECT
        self._tools.choose(tool, stay=again)
        if again:
            self._window.job_bar.tell(f"{TOOL_KEYS[tool][0]} stays in hand; {TOOL_KEYS[Tool.SELECT][1]} or Esc ends it")

    def _show_tool(self, tool: Tool) -> None:
        self._window.actions_by_name.check(f"tool_{tool}")
        self._window.job_bar.tell(HINTS[tool])

    def _undo(self) -> None:
        """What the hand is doing right now, else the last step."""
        if self._model.dragging:
            self._model.abandon_drag()
        else:
            self._model.undo_stack.undo()

    def _redo(self) -> None:
        """Nothing while the hand holds something: what it holds is newer than what was taken back."""
        if not self._model.dragging:
            self._model.undo_stack.redo()

    def _delete(self) -> None:
        """The vertex under the pointer or the picked part, else the chosen detectors."""
        if not self._layer.take_key(Qt.Key_Delete):
            self._window.detectors.delete()

    def _change(self, **changes: Any) -> None:
        detector = self._model.session.selected_detector
        if detector is not None:
            session = changed(self._model.session, detector.id, **changes)
            self._model.edit(f"Change {detector.name}", session)

    def _step(self, by: int) -> None:
        session = self._model.session
        ids = [detector.id for detector in session.detectors]
        if ids:
            at = ids.index(session.selected) if session.selected in ids else 0
            self._model.look(selected=ids[(at + by) % len(ids)])

    def _fit_beam(self) -> None:
        from ltdesk.engine.bright_field import find_direct_beam

        prepared = self._window.frame_view.prepared
        if prepared is not None and not over_frequencies(self._model.session):
            values = prepared.picture.values
            self._beam.ask(lambda: find_direct_beam(values))

    def _put_on_beam(self, beam: Disk | None) -> None:
        if beam is None:
            self._window.job_bar.tell("No direct beam was found: nothing stands out of the frame shown.")
            return
        session = self._model.session
        detector = session.selected_detector
        if detector is None:
            self._model.edit("Fit to the direct beam", added(session, beam, "BF"))
        elif isinstance(detector.shape, Disk):
            self._model.edit("Fit to the direct beam", changed(session, detector.id, shape=beam))
        else:
            cy, cx = shape_centre(detector.shape)
            shape = moved(detector.shape, beam.cy - cy, beam.cx - cx)
            self._model.edit("Centre on the direct beam", changed(session, detector.id, shape=shape))

    def _show_menu(self, id: str, at) -> None:
        menu = QMenu(self._window)
        menu.addActions([self._window.actions_by_name[name] for name in MENU])
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(at)

    def _follow(self, old: Session, new: Session) -> None:
        actions, detector = self._window.actions_by_name, new.selected_detector
        actions.check("visible", detector is not None and detector.visible)
        one = several = whole = "Select a detector first." if new.detectors else "Draw a detector first."
        if detector is not None:
            one = ""
            several = "" if len(new.detectors) > 1 else "There is only one detector."
            whole = "" if len(terms_of(detector.shape)) > 1 else "The selected detector is not combined."
        actions.refuse(one, *ON_ONE)
        actions.refuse(several, *ON_SEVERAL)
        actions.refuse(whole, "split")
