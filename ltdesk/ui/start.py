"""The start of the window program: the window is there at once, all that works behind it is loaded after.

Loading pyqtgraph, numpy and the models takes three times as long as showing the start page. What the user asks for in
that moment is done as soon as it can be.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, pyqtSignal
from PyQt5.QtWidgets import QApplication

from ltdesk.ui.collector import Collector
from ltdesk.ui.errors import error_report
from ltdesk.ui.look import style
from ltdesk.ui.main_window import MainWindow
from ltdesk.ui.settings import Settings

if TYPE_CHECKING:
    from ltdesk.ui.app import Desk

PAINTED_MS = 20
"""By then the window has been painted; loading would only hold it up."""
AHEAD_MS = 1000
"""After so long the first looks are over, and what was not needed yet is made: a plot, compiled kernels."""
SWITCH_SECONDS = 0.001
"""A thread that has Python's lock gives it up after so long. With Python's own 5 ms a preview that is made in four
steps comes 20 ms late while the window paints."""


class Start(QObject):
    """Shows the window, loads the rest, and does what the user wanted meanwhile.

    Attributes
    ----------
    desk : all that works behind the window; None until it is loaded

    Signals
    -------
    ready : () all of it is there
    """

    ready = pyqtSignal()
    _loaded = pyqtSignal()

    def __init__(self, settings: Settings, path: str = "") -> None:
        super().__init__()
        self.desk: Desk | None = None
        self.window = MainWindow(settings)
        self._settings, self._path = settings, path
        self._wanted: partial[None] | None = None
        self._closed = False
        self._remembering: list[tuple[Any, Any]] = []
        self._thread = threading.Thread(target=self._load, name="ltdesk-loading", daemon=True)
        self._loaded.connect(self._begin, Qt.QueuedConnection)

    def show(self) -> None:
        """Show the window, and load the rest once it is painted."""
        self._remember()
        self.window.appear(self._settings)
        if self._path:
            self.window.opening.show_file(self._path)
            self.window.show_opening()
        QTimer.singleShot(PAINTED_MS, self._begin_loading)

    def close(self) -> None:
        """End all of it."""
        self._closed = True
        if self._thread.is_alive():
            self._thread.join()
        if self.desk is not None:
            for _ in self.desk.building:  # closed before it was there
                pass
            self.desk.close()

    def session_json(self) -> str:
        """The session for a report, empty while there is none."""
        model = getattr(self.desk, "model", None)
        return "" if model is None else str(model.session.model_dump_json())

    def _begin_loading(self) -> None:
        """Qt's own modules first, and here: one that is half known to PyQt while this thread handles an event ends the
        program. pyqtgraph wants these two."""
        import PyQt5.QtSvg
        import PyQt5.QtTest  # noqa: F401

        self._thread.start()

    def _load(self) -> None:
        """In a thread: modules, which is most of it."""
        import ltdesk.ui.app
        import ltdesk.ui.panels.detector_panel
        import ltdesk.ui.panels.shape_editor
        import ltdesk.ui.pictures.picture_view  # noqa: F401

        self._loaded.emit()

    def _begin(self) -> None:
        from ltdesk.ui import app

        self.desk = app.Desk(settings=self._settings, window=self.window, in_steps=True)
        self._step()

    def _step(self) -> None:
        """A piece of the window, then whatever the user does, then the next one."""
        for _ in self.desk.building:
            QTimer.singleShot(0, self._step)
            return
        self._finish()

    def _finish(self) -> None:
        for known, slot in self._remembering:
            with suppress(TypeError):
                known.disconnect(slot)
        self.desk.show()
        if self._path:
            self.desk.files.open_path(self._path)
        if self._wanted is not None:
            self._wanted()
        QTimer.singleShot(AHEAD_MS, self._work_ahead)
        self.ready.emit()

    def _work_ahead(self) -> None:
        """What a click would have to wait for."""
        if self._closed:  # the timer outlives the window for a moment
            return
        _ = self.window.profile.plot  # made when it is first asked for
        QTimer.singleShot(0, self._compile_ahead)

    def _compile_ahead(self) -> None:
        from ltdesk.ui.live.local_later import LocalExecutor

        if isinstance(self.desk.executor.here, LocalExecutor):
            self.desk.executor.here.compile_ahead()

    def _remember(self) -> None:
        """Keep the last thing that the user asks for before anybody is there to do it."""
        window, page = self.window, self.window.welcome
        signals = [
            page.open_requested,
            page.demo_requested,
            page.connect_requested,
            page.recent_chosen,
            page.files_dropped,
        ]
        signals += [window.files_dropped, *(action.triggered for action in window.actions_by_name)]
        for known in signals:
            slot = partial(self._want, known)
            known.connect(slot)
            self._remembering.append((known, slot))

    def _want(self, known: Any, *values: Any) -> None:
        self._wanted = partial(known.emit, *values)


def set_attributes() -> None:
    """What has to be set before there is a QApplication: sharp pictures on any screen, at any factor."""
    QCoreApplication.setAttribute(Qt.AA_EnableHighDpiScaling)
    QCoreApplication.setAttribute(Qt.AA_UseHighDpiPixmaps)
    QApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    QCoreApplication.setApplicationName("ltdesk")
    sys.setswitchinterval(SWITCH_SECONDS)


def _hang_ups() -> list[signal.Signals]:
    """What a terminal sends that closes, unless it is ignored, as under nohup; nothing on Windows."""
    known = [signal.SIGHUP] if hasattr(signal, "SIGHUP") else []
    return [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]


def main(paths: Sequence[str] | str | None = None) -> int:
    """Open the window on the first of `paths` (a scan, a session, a result), if any; the exit status."""
    names = [paths] if isinstance(paths, str) else list(paths or ())
    set_attributes()
    app = QApplication.instance() or QApplication(sys.argv[:1])
    settings = Settings()
    style.apply(app, settings.theme)
    start = Start(settings, names[0] if names else "")
    error_report.install(start.session_json, lambda: start.window)
    for number in (signal.SIGINT, signal.SIGTERM, *_hang_ups()):
        signal.signal(number, lambda *_: start.window.close())
    # Closed before the event loop runs, the last window's own request to quit would find nobody.
    start.window.closing.connect(lambda: QTimer.singleShot(0, app.quit))
    heartbeat = QTimer(start)  # Python sees a signal only when it runs
    heartbeat.start(250)
    collector = Collector(start)
    start.show()
    try:
        return int(app.exec_())
    finally:
        collector.close()
        start.close()
        start.window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)
        error_report.uninstall()
