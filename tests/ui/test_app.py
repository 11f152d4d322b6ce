"""The program as it is started: a process of its own, from the window's opening to its close."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.ui.fakes import counts
from tests.ui.user import write_scan

DRIVER = """
import sys
from PyQt5.QtCore import QTimer
from PyQt5.QtWidgets import QApplication
from ltdesk.ui import start

def look():
    window = next(w for w in QApplication.topLevelWidgets() if type(w).__name__ == "MainWindow")
    {look}

class Watched(start.Start):
    def show(self):
        super().show()
        self.timer = QTimer(self)
        self.timer.timeout.connect(look)
        self.ready.connect(lambda: self.timer.start(20))
        window = self.window
        {early}

start.Start = Watched
sys.exit(start.main(sys.argv[1:]))
"""


def run(look: str, *paths: Path | str, early: str = "pass") -> subprocess.CompletedProcess[str]:
    """Start the program on `paths`; `look` runs every 20 ms and closes the window in the end, `early` as soon as the
    window is there."""
    return subprocess.run(
        [sys.executable, "-c", DRIVER.replace("{look}", look).replace("{early}", early), *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def test_it_opens_the_file_it_is_given_and_ends_well(tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "scan.h5", counts((6, 5), (20, 20)))
    done = run("window.image_view.status == 'exact' and (print(window.windowTitle()), window.close())", scan)
    assert done.returncode == 0, done.stderr
    assert "scan.h5 — ltdesk" in done.stdout
    assert "Traceback" not in done.stderr


def test_closed_before_the_event_loop_runs_it_ends() -> None:
    """As an interrupt does that comes in the first moment."""
    done = run("pass", early="window.close()")
    assert done.returncode == 0, done.stderr


def test_without_a_file_it_shows_the_start_page(tmp_path: Path) -> None:
    done = run("print(window.page is window.welcome); window.close()")
    assert done.returncode == 0, done.stderr
    assert "True" in done.stdout


def test_the_window_is_there_before_what_works_behind_it(tmp_path: Path) -> None:
    early = """
        QApplication.processEvents()
        slow = [name for name in ("numpy", "pydantic", "pyqtgraph", "numba", "h5py") if name in sys.modules]
        print("painted", window.isVisible(), window.page is window.welcome, slow)
    """
    done = run("window.close()", early=early)
    assert done.returncode == 0, done.stderr
    assert "painted True True []" in done.stdout


def test_what_is_asked_for_before_that_is_done_then(tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "scan.h5", counts((6, 5), (20, 20)))
    look = "window.image_view.status == 'exact' and (print(window.windowTitle()), window.close())"
    done = run(look, early=f"window.welcome.recent_chosen.emit({str(scan)!r})")
    assert done.returncode == 0, done.stderr
    assert "scan.h5 — ltdesk" in done.stdout


def test_closed_at_once_it_ends_well(tmp_path: Path) -> None:
    done = run("pass", early="QTimer.singleShot(0, window.close)")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there_is_a_dialog(tmp_path: Path) -> None:
    look = (
        "dialogs = [w for w in QApplication.topLevelWidgets() if w.isModal() and w.isVisible()]; "
        "dialogs and (print(dialogs[0].copy_text), dialogs[0].close(), window.close())"
    )
    done = run(look, tmp_path / "gone.h5")
    assert done.returncode == 0, done.stderr
    assert "gone.h5: does not exist" in done.stdout


def test_a_fault_in_a_slot_is_a_dialog_and_the_window_lives_on(tmp_path: Path) -> None:
    look = """
    dialogs = [w for w in QApplication.topLevelWidgets() if w.isModal() and w.isVisible()]
    if dialogs:
        print(dialogs[0].copy_text)
        dialogs[0].close()
        window.actions_by_name["about"].triggered.disconnect()
        print("alive", window.isVisible())
        window.close()
    elif not hasattr(look, "done"):
        look.done = True
        window.actions_by_name["about"].triggered.connect(lambda: 1 / 0)
        window.actions_by_name["about"].trigger()
        for box in [w for w in QApplication.topLevelWidgets() if type(w).__name__ == "QMessageBox"]:
            box.close()
"""
    done = run(look)
    assert done.returncode == 0, done.stderr
    assert "ZeroDivisionError" in done.stdout
    assert "alive True" in done.stdout


@pytest.mark.parametrize("stop", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_ctrl_c_in_the_terminal_closes_the_window_and_so_does_its_end(tmp_path: Path, stop: str) -> None:
    if sys.platform == "win32":
        pytest.skip("signals to another process are of another kind there")
    done = run(f"import os, signal; os.kill(os.getpid(), signal.{stop}); look.__code__ = (lambda: None).__code__")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
