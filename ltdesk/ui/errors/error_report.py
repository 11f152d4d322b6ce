"""Every exception that nobody caught, in a slot or a thread, goes to a log file and a dialog; the window lives on.

PyQt5 aborts the process on an exception in a slot unless `sys.excepthook` has been replaced.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

from PyQt5.QtCore import QObject, Qt, QtCriticalMsg, QtFatalMsg, QtWarningMsg, pyqtSignal, qInstallMessageHandler
from PyQt5.QtWidgets import QApplication, QWidget

from ltdesk.errors import LtdeskError
from ltdesk.ui.dialogs.error_dialog import ErrorDialog
from ltdesk.ui.errors.report import chain_text, ending, log, signature, start_log, stop_log

BURST_SECONDS = 5.0
"""A fault that is raised again within this time, as by each repaint, is logged but not shown again."""

IGNORED_QT = ("propagateSizeHints", "XDG_RUNTIME_DIR")
"""What Qt says on platforms without a window manager or a login session; nobody can act on it."""


class ErrorReporter(QObject):
    """Takes uncaught exceptions from any thread; shows one dialog at a time, in the GUI thread.

    Signals
    -------
    reported : (exception) after it was logged, in the GUI thread
    """

    reported = pyqtSignal(object)
    _caught = pyqtSignal(object, str)

    def __init__(
        self,
        session_json: Callable[[], str] = lambda: "",
        window: Callable[[], QWidget | None] = lambda: None,
        parent: QObject | None = None,
    ) -> None:
        """`session_json` gives the session as text for the report, `window` what the dialog stands above."""
        super().__init__(parent)
        self._session_json, self._window = session_json, window
        self._seen: dict[str, float] = {}
        self._showing = threading.local()
        self.dialog: ErrorDialog | None = None
        self.unseen = 0
        self._caught.connect(self._show, Qt.QueuedConnection)

    def report(self, exception: BaseException, context: str = "") -> None:
        """Log `exception` and show it soon. From any thread; never raises, and never reports what it causes itself."""
        if ending() or getattr(self._showing, "now", False):
            return
        self._showing.now = True
        try:
            log.error("%s\n%s", context or "uncaught", chain_text(exception))
            if isinstance(exception, Exception):
                self._caught.emit(exception, context)
        except Exception as another:  # the last stop: nothing catches what is raised in here
            _complain(another)
        finally:
            self._showing.now = False

    def _show(self, exception: BaseException, context: str) -> None:
        self._showing.now = True
        try:
            self.reported.emit(exception)
            if self._is_news(exception):
                self._open(exception, context)
        except Exception as another:
            _complain(another)
        finally:
            self._showing.now = False

    def _is_news(self, exception: BaseException) -> bool:
        kind, now = signature(exception), time.monotonic()
        again = now - self._seen.get(kind, -BURST_SECONDS) < BURST_SECONDS
        self._seen[kind] = now
        if again or self.dialog is not None:
            self.unseen += 1
            return False
        return True

    def _open(self, exception: BaseException, context: str) -> None:
        session = ""
        if not isinstance(exception, LtdeskError):
            with suppress(Exception):  # the session itself may be what is broken
                session = self._session_json()
        self.dialog = ErrorDialog.show_error(self._window(), exception, context, session)
        self.dialog.destroyed.connect(lambda: self._closed())
        self.dialog.finished.connect(self._closed)

    def _closed(self, *_: object) -> None:
        self.dialog = None


class _Hooks:
    """The hooks as they were, to put back."""

    def __init__(self) -> None:
        self.excepthook, self.thread, self.unraisable = sys.excepthook, threading.excepthook, sys.unraisablehook
        self.qt: Any = None


_before: _Hooks | None = None


def install(
    session_json: Callable[[], str] = lambda: "", window: Callable[[], QWidget | None] = lambda: None
) -> ErrorReporter:
    """Take over all hooks, start the log, and return what shows the dialogs. `uninstall` puts the hooks back."""
    global _before
    uninstall()
    start_log()
    reporter = ErrorReporter(session_json, window, QApplication.instance())
    _before = _Hooks()
    sys.excepthook = lambda kind, error, trace: _uncaught(reporter, error, trace)
    threading.excepthook = lambda args: _in_thread(reporter, args)
    sys.unraisablehook = lambda args: _unraisable(reporter, args)
    _before.qt = qInstallMessageHandler(_qt_message)
    return reporter


def uninstall() -> None:
    """Put the hooks back and close the log. Without `install` before, nothing."""
    global _before
    if _before is None:
        return
    sys.excepthook, threading.excepthook, sys.unraisablehook = (
        _before.excepthook,
        _before.thread,
        _before.unraisable,
    )
    qInstallMessageHandler(_before.qt)
    _before = None
    stop_log()


def _uncaught(reporter: ErrorReporter, error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, KeyboardInterrupt | SystemExit):
        app = QApplication.instance()
        if app is not None:  # Ctrl+C in the terminal
            app.quit()
        return
    reporter.report(error.with_traceback(trace))


def _in_thread(reporter: ErrorReporter, args: Any) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        name = args.thread.name if args.thread is not None else "a thread"
        reporter.report(args.exc_value.with_traceback(args.exc_traceback), f"in the thread '{name}'")


def _unraisable(reporter: ErrorReporter, args: Any) -> None:
    if args.exc_value is not None:
        context = args.err_msg or f"in {getattr(args.object, '__qualname__', args.object)!r}"
        reporter.report(args.exc_value.with_traceback(args.exc_traceback), context)


def _qt_message(kind: int, context: object, message: str) -> None:
    if any(text in message for text in IGNORED_QT):
        return
    levels = {QtWarningMsg: 30, QtCriticalMsg: 40, QtFatalMsg: 50}
    log.log(levels.get(kind, 10), "Qt: %s", message)


def _complain(error: BaseException) -> None:
    """Where nothing else works: standard error, which a frozen program on Windows does not even have."""
    with suppress(Exception):
        sys.__stderr__.write(chain_text(error) + "\n")
