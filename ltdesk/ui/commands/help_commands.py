"""What the actions of the menu Help do."""

from __future__ import annotations

import platform

from PyQt5.QtCore import PYQT_VERSION_STR, QObject, QUrl
from PyQt5.QtGui import QDesktopServices
from PyQt5.QtWidgets import QMessageBox

from ltdesk.engine.recipe import program_version
from ltdesk.ui.dialogs.command_palette import CommandPalette
from ltdesk.ui.dialogs.shortcuts_dialog import ShortcutsDialog
from ltdesk.ui.errors.report import log_path
from ltdesk.ui.main_window import MainWindow

ABOUT = """<h3>ltdesk {version}</h3>
<p>Virtual detectors on 4D-STEM scans, live.</p>
<p>Free software under the GNU General Public License, version 3 or later. It comes with no warranty.</p>
<p>Made with Python {python}, PyQt {pyqt}, pyqtgraph, numpy, numba, h5py and dask.</p>"""


class HelpCommands(QObject):
    """Wires the list of shortcuts, the finder of actions, the log folder, and the words about the program."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        window.actions_by_name.connect(
            palette=self._find_action, shortcuts=self._show_shortcuts, log=self._open_log, about=self._about
        )

    def _find_action(self) -> None:
        CommandPalette([*self._window.actions_by_name, *self._window.analyses.add_menu.actions()], self._window).show()

    def _show_shortcuts(self) -> None:
        ShortcutsDialog(self._window.actions_by_name, self._window).open()

    def _open_log(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_path().parent)))

    def _about(self) -> None:
        text = ABOUT.format(version=program_version(), python=platform.python_version(), pyqt=PYQT_VERSION_STR)
        box = QMessageBox(QMessageBox.NoIcon, "About ltdesk", text, QMessageBox.Close, self._window)
        box.finished.connect(box.deleteLater)
        box.open()
