"""The style sheet: what a palette cannot say (rounded corners, hover, flat buttons, thin scroll bars)."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ltdesk.ui.look.style import Theme


def sheet(theme: Theme, grid: int) -> str:
    """The style sheet of a theme. Names no fonts and no text sizes: those are the system's."""
    half = grid // 2
    tick, up, down = (_picture(f"{name}-{theme.name}.png") for name in ("tick", "up", "down"))
    return f"""
QToolTip {{ color: {theme.text}; background: {theme.raised}; border: 1px solid {theme.line};
    padding: {half}px; }}
QMainWindow::separator {{ background: {theme.window}; width: {half}px; height: {half}px; }}
QSplitter::handle {{ background: {theme.window}; }}
QSplitter::handle:hover {{ background: {theme.accent}; }}
QMenuBar {{ background: {theme.window}; padding: 2px; }}
QMenuBar::item {{ padding: {half}px {grid}px; border-radius: 4px; background: transparent; }}
QMenuBar::item:selected {{ background: {theme.hover}; }}
QMenu {{ background: {theme.panel}; border: 1px solid {theme.line}; padding: {half}px; }}
QMenu::item {{ padding: {half + 1}px {grid * 3}px {half + 1}px {grid}px; border-radius: 4px; }}
QMenu::item:selected {{ background: {theme.hover}; }}
QMenu::item:disabled {{ color: {theme.faint}; }}
QMenu::separator {{ height: 1px; background: {theme.line}; margin: {half}px {grid}px; }}
QMenu::icon {{ padding-left: {half}px; }}
QToolBar {{ background: {theme.window}; border: none; spacing: 2px; padding: {half}px; }}
QToolBar::separator {{ width: 1px; background: {theme.line}; margin: {half}px {grid}px; }}
QToolButton {{ border: none; border-radius: 4px; padding: {half}px; background: transparent; }}
QToolButton:hover {{ background: {theme.hover}; }}
QToolButton:pressed {{ background: {theme.raised}; }}
QToolButton:checked {{ background: {theme.accent}; color: {theme.on_accent}; }}
QToolButton:focus {{ border: 1px solid {theme.accent}; padding: {half - 1}px; }}
QToolButton[popupMode="1"] {{ padding-right: {grid * 2}px; }}
QToolButton::menu-indicator {{ image: none; }}
QPushButton {{ border: 1px solid {theme.line}; border-radius: 4px; padding: {half + 1}px {grid * 2}px;
    background: {theme.raised}; min-width: {grid * 8}px; }}
QPushButton:hover {{ background: {theme.hover}; }}
QPushButton:pressed {{ background: {theme.window}; }}
QPushButton:focus {{ border-color: {theme.accent}; }}
QPushButton:default {{ background: {theme.accent}; color: {theme.on_accent}; border-color: {theme.accent}; }}
QPushButton:disabled {{ color: {theme.faint}; background: {theme.panel}; border-color: {theme.line}; }}
QPushButton[flat="true"] {{ border-color: transparent; background: transparent; }}
QPushButton[flat="true"]:hover {{ background: {theme.hover}; }}
QPushButton[flat="true"]:focus {{ border-color: {theme.accent}; }}
QLineEdit, QPlainTextEdit, QTextEdit {{ border: 1px solid {theme.line}; border-radius: 4px;
    padding: {half - 1}px; background: {theme.field};
    selection-background-color: {theme.accent}; selection-color: {theme.on_accent}; }}
QAbstractSpinBox, QComboBox {{ border: 1px solid {theme.line}; border-radius: 4px; padding: {half - 1}px;
    background: {theme.field}; selection-background-color: {theme.accent}; selection-color: {theme.on_accent}; }}
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QAbstractSpinBox:focus, QComboBox:focus {{
    border-color: {theme.accent}; }}
QAbstractSpinBox:disabled, QComboBox:disabled, QLineEdit:disabled {{ color: {theme.faint};
    background: {theme.panel}; }}
QAbstractSpinBox QLineEdit {{ border: none; padding: 0; background: transparent; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: none; width: {grid * 2}px; border-radius: 3px;
    background: transparent; }}
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover {{ background: {theme.hover}; }}
QAbstractSpinBox::up-arrow {{ image: url("{up}"); width: 10px; height: 10px; }}
QAbstractSpinBox::down-arrow {{ image: url("{down}"); width: 10px; height: 10px; }}
QComboBox {{ padding-left: {grid}px; background: {theme.raised}; }}
QComboBox:hover {{ background: {theme.hover}; }}
QComboBox::drop-down {{ border: none; width: {grid * 2 + 4}px; }}
QComboBox::down-arrow {{ image: url("{down}"); width: 10px; height: 10px; }}
QComboBox QAbstractItemView {{ border: 1px solid {theme.line}; padding: {half}px; background: {theme.panel}; }}
QLineEdit[wrong="true"] {{ border-color: {theme.bad}; }}
QAbstractItemView {{ border: none; background: {theme.panel}; outline: none; }}
QAbstractItemView::item:selected {{ background: {theme.hover}; color: {theme.text}; }}
QHeaderView::section {{ background: {theme.panel}; color: {theme.dim}; border: none;
    border-bottom: 1px solid {theme.line}; padding: {half}px; }}
QDockWidget::title {{ background: {theme.window}; padding: {half}px {grid}px; }}
QGroupBox {{ border: none; margin-top: {grid * 2}px; }}
QGroupBox::title {{ subcontrol-origin: margin; left: 0; color: {theme.dim}; }}
QTabWidget::pane {{ border: none; }}
QTabBar {{ qproperty-drawBase: 0; }}
QTabBar::tab {{ background: transparent; color: {theme.dim}; border: none; border-bottom: 2px solid transparent;
    padding: {half}px {grid}px; margin-right: {half}px; }}
QTabBar::tab:hover {{ color: {theme.text}; }}
QTabBar::tab:selected {{ color: {theme.text}; border-bottom-color: {theme.accent}; }}
QTabBar::tab:focus {{ color: {theme.accent}; }}
QStatusBar {{ background: {theme.window}; }}
QStatusBar::item {{ border: none; }}
QProgressBar {{ border: none; border-radius: 3px; background: {theme.raised}; min-height: 6px; }}
QProgressBar::chunk {{ border-radius: 3px; background: {theme.accent}; }}
QScrollBar:vertical {{ width: {grid + 2}px; background: transparent; margin: 0; }}
QScrollBar:horizontal {{ height: {grid + 2}px; background: transparent; margin: 0; }}
QScrollBar::handle {{ background: {theme.hover}; border-radius: 3px; margin: 2px; }}
QScrollBar::handle:vertical {{ min-height: {grid * 3}px; }}
QScrollBar::handle:horizontal {{ min-width: {grid * 3}px; }}
QScrollBar::handle:hover {{ background: {theme.faint}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QCheckBox::indicator, QAbstractItemView::indicator, QRadioButton::indicator {{ width: 14px; height: 14px;
    border: 1px solid {theme.faint}; border-radius: 3px; background: {theme.field}; }}
QRadioButton::indicator {{ border-radius: 8px; }}
QCheckBox::indicator:hover, QRadioButton::indicator:hover, QAbstractItemView::indicator:hover,
QCheckBox::indicator:focus, QRadioButton::indicator:focus {{ border-color: {theme.accent}; }}
QCheckBox::indicator:checked, QAbstractItemView::indicator:checked {{ background: {theme.accent};
    border-color: {theme.accent}; image: url("{tick}"); }}
QRadioButton::indicator:checked {{ border-color: {theme.accent};
    background: qradialgradient(cx: 0.5, cy: 0.5, radius: 0.5, fx: 0.5, fy: 0.5,
    stop: 0.45 {theme.on_accent}, stop: 0.55 {theme.accent}); }}
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled {{ border-color: {theme.line};
    background: {theme.panel}; }}
QLabel[rank="dim"] {{ color: {theme.dim}; }}
QLabel[rank="good"] {{ color: {theme.good}; }}
QLabel[rank="warning"] {{ color: {theme.warning}; }}
QLabel[rank="bad"] {{ color: {theme.bad}; }}
QFrame[surface="panel"], QWidget[surface="panel"] {{ background: {theme.panel}; }}
"""


def _picture(name: str) -> str:
    """A picture's path as style sheets write it; Qt finds its larger copies (``@2x``) itself."""
    return (files("ltdesk.resources") / "icons" / name).as_posix()
