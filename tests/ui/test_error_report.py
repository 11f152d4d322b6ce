"""Whatever nobody caught, wherever: a dialog, a log, and the program goes on."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from pathlib import Path
from typing import NoReturn

import pytest
from PyQt5.QtCore import QTimer, qWarning
from PyQt5.QtWidgets import QApplication, QPushButton

from ltdesk.errors import LtdeskError, OpenError
from ltdesk.ui.dialogs.error_dialog import ErrorDialog
from ltdesk.ui.errors import error_report, report
from ltdesk.ui.errors.error_report import ErrorReporter


@pytest.fixture
def log_dir(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("LTDESK_LOG_DIR", str(tmp_path / "log"))
    return tmp_path / "log"


@pytest.fixture
def reporter(qapp, log_dir: Path):
    reporter = error_report.install(lambda: '{"version":1}')
    yield reporter
    if reporter.dialog is not None:
        reporter.dialog.close()
    error_report.uninstall()
    reporter.deleteLater()


def log_text(log_dir: Path) -> str:
    return (log_dir / report.LOG_NAME).read_text(encoding="utf-8")


def fail(message: str = "it broke") -> NoReturn:
    raise RuntimeError(message)


def raised(message: str = "it broke") -> RuntimeError:
    try:
        fail(message)
    except RuntimeError as error:
        return error
    raise AssertionError


def wait_for_dialog(reporter: ErrorReporter, qtbot) -> ErrorDialog:
    qtbot.waitUntil(lambda: reporter.dialog is not None)
    assert reporter.dialog is not None
    return reporter.dialog


def test_an_exception_in_a_slot(reporter: ErrorReporter, qtbot, log_dir: Path) -> None:
    button = QPushButton("Break")
    qtbot.addWidget(button)
    button.clicked.connect(lambda: fail())
    button.click()
    dialog = wait_for_dialog(reporter, qtbot)
    assert isinstance(dialog.exception, RuntimeError)
    text = dialog.copy_text
    for part in ("it broke", "in fail", "Python 3", "PyQt5 5.15", 'Session: {"version":1}'):
        assert part in text
    assert "it broke" in log_text(log_dir)


def test_an_exception_in_a_thread(reporter: ErrorReporter, qtbot) -> None:
    thread = threading.Thread(target=fail, name="reader")
    thread.start()
    thread.join()
    assert "in the thread 'reader'" in wait_for_dialog(reporter, qtbot).copy_text


def test_an_exception_that_cannot_be_raised(reporter: ErrorReporter, qtbot) -> None:
    class Broken:
        def __del__(self) -> None:
            fail("on the way out")

    Broken()
    gc.collect()
    assert "on the way out" in wait_for_dialog(reporter, qtbot).copy_text


def test_an_error_for_users_is_shown_as_it_is(reporter: ErrorReporter, qtbot) -> None:
    error = OpenError("scan.h5: is empty (0 bytes)", "Copy the file again.")
    reporter.report(error, "Open")
    dialog = wait_for_dialog(reporter, qtbot)
    assert dialog.what.text() == "scan.h5: is empty (0 bytes)."
    assert dialog.way_out.text() == "Copy the file again."
    assert "Session" not in dialog.copy_text


def test_one_dialog_at_a_time(reporter: ErrorReporter, qtbot) -> None:
    reporter.report(raised())
    dialog = wait_for_dialog(reporter, qtbot)
    with qtbot.waitSignal(reporter.reported):
        reporter.report(ValueError("another"))
    assert reporter.dialog is dialog
    assert reporter.unseen == 1
    dialog.close()
    assert reporter.dialog is None


def test_a_burst_is_shown_once(reporter: ErrorReporter, qtbot, log_dir: Path) -> None:
    """As from a paint event that fails at every repaint."""
    reporter.report(raised())
    wait_for_dialog(reporter, qtbot).close()
    with qtbot.waitSignal(reporter.reported):
        reporter.report(raised())
    assert reporter.dialog is None
    assert log_text(log_dir).count("RuntimeError: it broke") == 2
    with qtbot.waitSignal(reporter.reported):
        reporter.report(LtdeskError("something else"))
    assert reporter.dialog is not None


def test_a_fault_in_the_report_is_not_reported_in_turn(qapp, log_dir: Path, qtbot, monkeypatch) -> None:
    said: list[Exception] = []
    monkeypatch.setattr(error_report, "_complain", said.append)
    monkeypatch.setattr(ErrorDialog, "show_error", lambda *args: fail("no dialog"))
    reporter = ErrorReporter()
    with qtbot.waitSignal(reporter.reported):
        reporter.report(raised())
    assert [str(error) for error in said] == ["no dialog"]


def test_a_session_that_cannot_be_written_does_not_hide_the_fault(qapp, log_dir: Path, qtbot) -> None:
    reporter = ErrorReporter(session_json=lambda: fail("no session"))
    reporter.report(raised())
    dialog = wait_for_dialog(reporter, qtbot)
    assert "it broke" in dialog.copy_text
    assert "no session" not in dialog.copy_text
    dialog.close()


def test_qt_messages_go_to_the_log(reporter: ErrorReporter, log_dir: Path) -> None:
    qWarning(b"something odd")
    assert "Qt: something odd" in log_text(log_dir)


def test_hooks_are_put_back(qapp, log_dir: Path) -> None:
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    error_report.install().deleteLater()
    assert sys.excepthook is not before[0]
    error_report.uninstall()
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before
    assert report.log_path() is None


def test_the_log_is_kept_small(log_dir: Path, monkeypatch) -> None:
    monkeypatch.setattr(report, "LOG_BYTES", 2000)
    assert report.start_log() == log_dir / report.LOG_NAME
    for number in range(200):
        report.log.warning("a line of some length, number %d", number)
    report.stop_log()
    assert len(list(log_dir.iterdir())) == report.LOG_FILES
    assert all(path.stat().st_size <= 2000 for path in log_dir.iterdir())


def test_no_place_for_a_log_is_no_reason_to_stop(tmp_path: Path, monkeypatch) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    monkeypatch.setenv("LTDESK_LOG_DIR", str(in_the_way / "log"))
    assert report.start_log() is None


START = """
from PyQt5.QtCore import QTimer
from PyQt5.QtWidgets import QApplication
from ltdesk.ui.errors import error_report
app = QApplication([])
reporter = error_report.install()
"""


def run_program(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", START + code], capture_output=True, text=True, timeout=250)


def test_the_process_lives_on(log_dir: Path) -> None:
    """PyQt5 aborts on an exception in a slot; with the hooks installed the event loop goes on."""
    done = run_program("""
reporter.reported.connect(lambda error: QTimer.singleShot(0, lambda: (print("alive after", error), app.exit(7))))
QTimer.singleShot(0, lambda: 1 / 0)
raise SystemExit(app.exec())
""")
    assert done.stdout.strip() == "alive after division by zero"
    assert done.returncode == 7


def test_ctrl_c_ends_the_program_and_is_no_fault(log_dir: Path) -> None:
    done = run_program("""
def interrupt():
    raise KeyboardInterrupt
reporter.reported.connect(print)
QTimer.singleShot(0, interrupt)
raise SystemExit(app.exec())
""")
    assert (done.returncode, done.stdout) == (0, "")


def test_details_are_folded_and_can_be_copied(qapp, qtbot) -> None:
    dialog = ErrorDialog.show_error(None, OpenError("a.h5: no", "Do."), "Open")
    qtbot.addWidget(dialog)
    assert dialog.details.isHidden()
    low = dialog.height()
    dialog.fold.click()
    assert dialog.details.isVisible()
    assert dialog.height() > low
    dialog.copy_button.click()
    assert QApplication.clipboard().text() == dialog.copy_text
    dialog.fold.click()
    assert dialog.details.isHidden()
    dialog.close()


def test_a_long_message_is_shown_whole(qapp, qtbot) -> None:
    what = "/a/folder/with/a/name" * 20 + ": " + "words " * 40
    dialog = ErrorDialog.show_error(None, OpenError(what, "Do."))
    qtbot.addWidget(dialog)
    label = dialog.what
    assert label.height() >= label.heightForWidth(label.width())
    assert dialog.width() <= 800
    assert what.strip() in dialog.copy_text
    dialog.close()


def test_show_error_returns_at_once_and_is_not_in_the_way_of_tests(qapp, qtbot) -> None:
    dialog = ErrorDialog.show_error(None, RuntimeError("x"), "Export")
    qtbot.addWidget(dialog)
    closed = []
    QTimer.singleShot(0, lambda: closed.append(dialog.close()))
    qtbot.waitUntil(lambda: closed == [True])
