"""The house: what is installed, and that the suite's own rules in conftest.py hold."""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")


def run_suite(folder: Path, tests: str, **environment: str) -> tuple[int, str]:
    """Run `tests` as a suite of their own under our conftest: exit status and output."""
    (folder / "conftest.py").write_text(CONFTEST.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "test_it.py").write_text(tests, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = samples: x\nqt_api = pyqt5\n", encoding="utf-8")
    inherited = {k: v for k, v in os.environ.items() if k not in ("CI", "LTDESK_SAMPLES")}
    inherited["PYTHONPATH"] = str(CONFTEST.parent.parent)  # where conftest.py finds the fixtures that it names
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    done = subprocess.run(command, cwd=folder, env=inherited | environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_installed_package_has_its_command_and_resources() -> None:
    commands = importlib.metadata.entry_points(group="console_scripts", name="ltdesk")
    assert [command.value for command in commands] == ["ltdesk.cli:main"]
    assert (importlib.resources.files("ltdesk.resources") / "__init__.py").is_file()


THREAD = """
import threading
stop = threading.Event()
def test_one(): threading.Thread(target=stop.wait, name="forgotten", daemon=True).start()
"""
WIDGET = """
from PyQt5.QtWidgets import QDialog
kept = []
def test_one(qapp): kept.append(QDialog(windowTitle="forgotten"))
"""


@pytest.mark.parametrize("tests", [THREAD, WIDGET], ids=["thread", "widget"])
def test_what_a_test_leaves_behind_fails_it(tmp_path: Path, tests: str) -> None:
    tests = tests.replace("import threading\n", "import threading, conftest\nconftest.ENDING_MAY_TAKE = 0.1\n")
    status, output = run_suite(tmp_path, tests)
    assert status == 1
    assert "left behind" in output
    assert "forgotten" in output


TIDY = """
from PyQt5.QtWidgets import QDialog
import threading
def test_widget(qtbot): qtbot.addWidget(QDialog())
def test_garbage(qapp): d = QDialog(); d.me = d
def test_deleted(qapp): QDialog().deleteLater()
def test_thread(): threading.Thread(target=print).start()
"""


def test_what_is_put_away_passes(tmp_path: Path) -> None:
    status, output = run_suite(tmp_path, TIDY)
    assert status == 0, output


SKIPS = """
import pytest
def test_skipped(): pytest.skip("no Java")
@pytest.mark.samples
def test_sample(samples): pass
@pytest.mark.xfail(strict=True)
def test_known(): assert False
"""


def test_a_skip_fails_in_ci_only(tmp_path: Path) -> None:
    status, output = run_suite(tmp_path, SKIPS)
    assert (status, "2 skipped" in output) == (0, True), output
    status, output = run_suite(tmp_path, SKIPS, CI="true")
    assert status == 1
    assert "no Java" in output
    assert "1 failed, 1 skipped, 1 xfailed" in output


def test_a_skipped_module_fails_in_ci(tmp_path: Path) -> None:
    status, output = run_suite(tmp_path, "import pytest\npytest.importorskip('no_such_module')", CI="true")
    assert status != 0
    assert "no_such_module" in output


SETTINGS = """
import os
from PyQt5.QtCore import QSettings, QStandardPaths
from platformdirs import user_config_dir
seen = set()
def once():
    settings = QSettings("ltdesk", "ltdesk")
    assert not settings.contains("a")
    settings.setValue("a", 1)
    settings.sync()
    assert os.environ["XDG_CONFIG_HOME"] in settings.fileName()
    assert user_config_dir().startswith(os.environ["XDG_CONFIG_HOME"])
    assert settings.fileName() not in seen
    seen.add(settings.fileName())
def test_one(): once()
def test_two(): once()
"""


def test_each_test_has_settings_of_its_own(tmp_path: Path) -> None:
    status, output = run_suite(tmp_path, SETTINGS)
    assert status == 0, output
