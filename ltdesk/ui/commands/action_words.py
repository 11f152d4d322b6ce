"""What an action is called, where it is found and which keys call it: for lists made from the actions themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import QAction, QMenu


@dataclass(frozen=True)
class ActionWords:
    """An action in words.

    section : the property ``section``, else the menu that holds it, else empty
    keys : its shortcuts, as this platform writes them
    """

    action: QAction
    text: str
    section: str
    keys: tuple[str, ...]
    tip: str


def words_of(action: QAction) -> ActionWords:
    """The words of one action."""
    keys = tuple(sequence.toString(QKeySequence.NativeText) for sequence in action.shortcuts())
    text = plain(action.text())
    tip = plain(action.toolTip())
    return ActionWords(action, text, _section(action), tuple(key for key in keys if key), "" if tip == text else tip)


def named_actions(actions: Iterable[QAction]) -> list[ActionWords]:
    """The words of all actions that do something: no separators, no submenus, none twice."""
    unique = {id(action): action for action in actions}.values()
    return [words_of(action) for action in unique if action.text() and not action.isSeparator() and not action.menu()]


def plain(text: str) -> str:
    """A text without the marks of mnemonics: ``&Open…`` is ``Open…``, ``A && B`` is ``A & B``."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")


def _section(action: QAction) -> str:
    given = action.property("section")
    if isinstance(given, str) and given:
        return given
    menus = [widget.title() for widget in action.associatedWidgets() if isinstance(widget, QMenu)]
    return plain(menus[0]) if menus else ""
