"""The session that the window shows, with undo. Views follow it; they never write to one another."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtWidgets import QUndoCommand, QUndoStack

from ltdesk.session import Session
from ltdesk.ui.live.wishes import SHOWN_FROM, image_names

UNDOABLE = ("dataset", "region", "detectors", "analyses", "follows", "frame_display", "image_display", "displays")
"""What undo brings back; of the dataset that is how its frames are corrected. Where one looks (cursor, what is shown,
which detector is selected) stays as it is, unless it is at something that is there no more."""


class SessionModel(QObject):
    """Holds one `Session` and tells when it changed; setting an equal one is a no-op.

    Signals
    -------
    changed : (old, new) after every change, previews of a drag included
    opened : (session) after another session took the place of this one
    dragging_changed : (bool) a drag began or ended
    """

    changed = pyqtSignal(object, object)
    opened = pyqtSignal(object)
    dragging_changed = pyqtSignal(bool)

    def __init__(self, session: Session | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session or Session()
        self._drag: tuple[str, Session] | None = None
        self.undo_stack = QUndoStack(self)

    @property
    def session(self) -> Session:
        return self._session

    @property
    def dragging(self) -> bool:
        return self._drag is not None

    def open(self, session: Session) -> None:
        """Take another session; undo starts afresh."""
        dragging, self._drag = self.dragging, None
        self.undo_stack.clear()
        self._apply(session)
        if dragging:
            self.dragging_changed.emit(False)
        self.opened.emit(session)

    def look(self, **changes: Any) -> None:
        """Change where one looks (`cursor`, `frame_source`, `shown`, `selected`): no undo step."""
        self._apply(self._session.but(**changes))

    def edit(self, text: str, session: Session, merge: str = "") -> None:
        """One undo step named `text`. Steps with the same non-empty `merge` in a row become one (nudges by key)."""
        if session != self._session:
            self.undo_stack.push(_Edit(self, text, self._session, session, merge))

    def begin_drag(self, text: str) -> None:
        """From here to `end_drag` or `abandon_drag`, `drag` shows changes that become one undo step."""
        if self._drag is None:
            self._drag = (text, self._session)
            self.dragging_changed.emit(True)

    def drag(self, session: Session) -> None:
        """Show a moment of a drag. Without `begin_drag` it is an edit of its own."""
        if self._drag is None:
            self.edit("Edit", session)
        else:
            self._apply(session)

    def end_drag(self) -> None:
        """The hand let go: the whole drag is one step; no step if nothing changed."""
        if self._drag is None:
            return
        text, before = self._drag
        self._drag = None
        if self._session != before:
            self.undo_stack.push(_Edit(self, text, before, self._session, ""))
        self.dragging_changed.emit(False)

    def abandon_drag(self) -> None:
        """Esc: back to where the drag began, without a step."""
        if self._drag is not None:
            _, before = self._drag
            self._drag = None
            self._apply(before)
            self.dragging_changed.emit(False)

    def _restore(self, state: Session) -> None:
        restored = _without_lost(self._session.but(**{name: getattr(state, name) for name in UNDOABLE}), state)
        if restored.detector(restored.selected) is None:
            ids = [detector.id for detector in restored.detectors]
            selected = state.selected if state.selected in ids else (ids[-1] if ids else None)
            restored = restored.but(selected=selected)
        self._apply(restored)

    def _apply(self, session: Session) -> None:
        old = self._session
        if session != old:
            self._session = session
            self.changed.emit(old, session)


def _without_lost(session: Session, before: Session) -> Session:
    """What is looked at as it was `before` where it names an analysis, or a region, that is there no more."""
    names = {analysis.name for analysis in session.analyses}
    images = {name for analysis in session.analyses for name in image_names(analysis)}
    region = {"region"} if session.region is not None else set()
    there: dict[str, set[str | None]] = {
        "shown": {"detector", "composite", *SHOWN_FROM, *images},
        "frame_source": {"mean", "cursor", *region, *names},
        "selected_analysis": {None, *names},
    }
    lost = [field for field, known in there.items() if getattr(session, field) not in known]
    return session.but(**{field: getattr(before, field) for field in lost})


class _Edit(QUndoCommand):
    def __init__(self, model: SessionModel, text: str, before: Session, after: Session, merge: str) -> None:
        super().__init__(text)
        self._model, self._before, self._after, self._merge = model, before, after, merge
        self._done_once = False

    def id(self) -> int:
        return hash(self._merge) & 0x7FFFFFFF if self._merge else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        with suppress(AttributeError):
            if other._merge == self._merge:
                self._after = other._after
                return True
        return False

    def redo(self) -> None:
        if self._done_once:
            self._model._restore(self._after)
        else:
            self._done_once = True
            self._model._apply(self._after)

    def undo(self) -> None:
        self._model._restore(self._before)
