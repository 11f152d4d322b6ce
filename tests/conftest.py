"""What every test gets: no display, own settings and caches, nothing left behind, in CI no silent skip."""

from __future__ import annotations

import atexit
import functools
import gc
import hashlib
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.cluster.fixtures"]

ROOT = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
ENDING_MAY_TAKE = 30.0  # seconds that a thread which was told to end has for it
COMING_MAY_TAKE = 60_000  # milliseconds for what a window is waited for to do
LIVE_ON = ("QTipLabel",)  # Qt keeps its one tool tip for the next time
PASSED = pytest.StashKey[bool]()


def pytest_configure() -> None:
    """Set the environment before anything imports Qt, numba or ltdesk; subprocesses inherit it."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    if "XDG_RUNTIME_DIR" not in os.environ:  # Qt warns where a login session has none, and warnings are errors
        os.environ["XDG_RUNTIME_DIR"] = runtime = tempfile.mkdtemp(prefix="ltdesk-runtime-")
        atexit.register(shutil.rmtree, runtime, ignore_errors=True)
    os.environ["QT_API"] = os.environ["PYTEST_QT_API"] = "pyqt5"
    os.environ["PYQTGRAPH_QT_LIB"] = "PyQt5"
    os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".cache" / "numba" / sources_hash()))


# How long an example takes says more of what else the machine does than of what is tested.
settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")


def sources_hash() -> str:
    """Compiled kernels stay from run to run, since compiling takes longer than the tests, but not past a change: numba
    looks only at the file of the kernel itself, not at those of the functions compiled into it."""
    sources = (path.read_bytes() for path in sorted((ROOT / "ltdesk").glob("**/*.py")))
    return hashlib.sha256(b"".join(source for source in sources if b"numba" in source)).hexdigest()[:16]


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of this test's own for settings, caches, state: what one test saves, another doesn't find."""
    with tempfile.TemporaryDirectory(prefix="ltdesk-home-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        for place in (
            "CONFIG",
            "CACHE",
            "DATA",
            "STATE",
        ):  # Qt and platformdirs go by these, on Windows by the next
            monkeypatch.setenv(f"XDG_{place}_HOME", str(home / place.lower()))
        for variable in ("APPDATA", "LOCALAPPDATA"):
            monkeypatch.setenv(variable, str(home / variable.lower()))
        for variable in ("LTDESK_CACHE_DIR", "LTDESK_TOKEN"):
            monkeypatch.delenv(variable, raising=False)
        (home / "runtime").mkdir(mode=0o700)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "runtime"))
        move_settings(home / "config")
        yield home


@pytest.fixture
def qtbot(qtbot: Any) -> Any:
    """pytest-qt's; by itself it waits for 5 s, which says more of what else the machine does than of the window."""
    for name in ("waitUntil", "waitSignal", "waitSignals", "waitCallback"):
        setattr(qtbot, name, functools.partial(getattr(qtbot, name), timeout=COMING_MAY_TAKE))
    return qtbot


def move_settings(folder: Path) -> None:
    """Tell a Qt that is already loaded: it read the environment once."""
    if core := sys.modules.get("PyQt5.QtCore"):
        for form in (core.QSettings.NativeFormat, core.QSettings.IniFormat):
            core.QSettings.setPath(form, core.QSettings.UserScope, str(folder))


@pytest.fixture
def samples(request: pytest.FixtureRequest) -> Path:
    """The folder of real sample files; for tests marked `samples`."""
    assert request.node.get_closest_marker("samples"), "mark this test with pytest.mark.samples"
    folder = os.environ.get("LTDESK_SAMPLES")
    if not folder:
        pytest.skip("LTDESK_SAMPLES is not set: no real sample files here")
    return Path(folder)


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest, own_home: Path) -> Iterator[None]:
    """Fails a test that passed but left a running thread or a top-level widget behind."""
    threads, widgets = set(threading.enumerate()), top_level_widgets()
    yield
    if not request.node.stash.get(PASSED, False):
        return  # the traceback of a failure keeps what it shows alive
    left = [str(thread) for thread in still_running(threads)] + left_widgets(widgets)
    if left:
        pytest.fail(f"left behind: {', '.join(left)}", pytrace=False)


def still_running(before: set[threading.Thread]) -> list[threading.Thread]:
    """Threads started since that don't end; those not started by Python, as Qt's, are not looked at."""
    new = [t for t in threading.enumerate() if t not in before and not isinstance(t, threading._DummyThread)]
    new = [t for t in new if not t.name.startswith("Dask-Offload")]  # dask keeps it for large messages to come
    deadline = time.monotonic() + ENDING_MAY_TAKE
    for thread in new:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread for thread in new if thread.is_alive()]


def top_level_widgets() -> list[Any]:
    qt = sys.modules.get("PyQt5.QtWidgets")
    return list(qt.QApplication.topLevelWidgets()) if qt and qt.QApplication.instance() else []


def left_widgets(before: list[Any]) -> list[str]:
    """Top-level widgets made since, once those that are garbage or to be deleted later have gone."""
    if not top_level_widgets():
        return []
    core = sys.modules["PyQt5.QtCore"]
    core.QCoreApplication.sendPostedEvents(None, core.QEvent.DeferredDelete)
    if len(top_level_widgets()) > len(before):
        gc.collect()  # views and their menus hold one another
        core.QCoreApplication.sendPostedEvents(None, core.QEvent.DeferredDelete)
    new = [widget for widget in top_level_widgets() if widget not in before]
    named = [(widget.metaObject().className(), widget.windowTitle()) for widget in new]
    return [f"{name} {title!r}" for name, title in named if name not in LIVE_ON]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "call":
        item.stash[PASSED] = report.passed
    if report.skipped and not hasattr(report, "wasxfail") and not may_skip(item):
        refuse_skip(report, item.nodeid)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and IN_CI:
        refuse_skip(report, collector.nodeid)
    return report


def may_skip(item: pytest.Item) -> bool:
    """In CI everything runs, but for the real samples, which are not in the repository."""
    no_samples = item.get_closest_marker("samples") and not os.environ.get("LTDESK_SAMPLES")
    return not IN_CI or bool(no_samples)


def refuse_skip(report: pytest.TestReport | pytest.CollectReport, node: str) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"{node}: skipped, but in CI everything has to run: {reason}"
