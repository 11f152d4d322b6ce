"""Does in the real window what a user does, and tells how long the GUI thread was busy at a stretch at each action.

    python benchmarks/gui_gaps.py [FILE] [--only WORDS] [--rounds 3] [--profile] [--scheduler URL] [--json OUT]

The window is started as the command does it, drawn by Qt's offscreen platform in software, with settings and caches of
its own; kernels are compiled first. For each action the longest gap between two beats of the event loop is printed, of
the best and of the worst round: without the time in which other programs had the processors, the processor time that
the GUI thread itself used in it, and the rest, in which it waited, for Python's lock as a rule. The aim is 50 ms.
``--profile`` tells which functions the GUI thread was in, and slows it. The storage is a folder; without a scheduler an
address is tried at which nobody answers, which loads dask all the same.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import json
import os
import pstats
import re
import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication

from benchmarks.window import use_own_settings, work_for, work_until
from ltdesk.ui.collector import Collector
from ltdesk.ui.errors.watchdog import Gap, Watchdog
from ltdesk.ui.look import style
from ltdesk.ui.settings import Settings
from ltdesk.ui.start import Start, set_attributes

AIM = 0.050
WATCHED = 0.4
"""Seconds after an action in which what it sets off is watched."""
PATIENCE = 30.0
LONG = 32 << 30
"""Bytes of a scan whose passes nobody waits for."""
Action = Callable[[], object]


@dataclass
class Round:
    """What one action gave, in milliseconds: see `Gap`."""

    gap: float
    own: float
    waited: float
    functions: str = ""


class Bench:
    """The window, and a hand and a clock."""

    def __init__(self, rounds: int, only: str, profile: bool) -> None:
        self.rounds, self._only = rounds, only
        self.found: dict[str, list[Round]] = {}
        self.watchdog = Watchdog()
        self._profile = profile
        self.start: Start | None = None

    @property
    def window(self):
        return self.start.window

    @property
    def desk(self):
        return self.start.desk

    def measure(self, name: str, action: Action, until: Callable[[], bool] = lambda: True) -> None:
        """Do it, watch until `until()` holds and for `WATCHED` more, close what it has opened."""
        profile = cProfile.Profile() if self._profile else nullcontext()
        self.watchdog.start()
        with profile:
            action()
            pump(WATCHED, until)
        self.watchdog.stop()
        self._note(name, self.watchdog.worst, profile)
        self.close_dialogs()

    def repeat(self, name: str, action: Action, *before: Action, until: Callable[[], bool] = lambda: True) -> None:
        """`measure` in each round; `before` is done first, unwatched."""
        if self._only and not re.search(self._only, name):
            return
        for _ in range(self.rounds):
            for one in before:
                one()
                pump(0.05)
            self.idle()
            self.measure(name, action, until)

    def _note(self, name: str, worst: Gap, profile: cProfile.Profile | None) -> None:
        waited = max(0.0, worst.held - worst.own)
        functions = as_text(profile) if self._profile else ""
        self.found.setdefault(name, []).append(Round(worst.held * 1e3, worst.own * 1e3, waited * 1e3, functions))
        print(f"{name}: {worst.held * 1e3:.0f} ms, own {worst.own * 1e3:.0f}", functions, file=sys.stderr, flush=True)

    def idle(self) -> None:
        """Until no job runs."""
        if self.desk.dataset is not None:
            if self.desk.dataset.nbytes > LONG:
                self.desk.live.cancel()
            work_until(lambda: self.desk.live.keeper.wait_idle(0.0), PATIENCE)
        pump(0.05)

    def close_dialogs(self) -> None:
        for widget in QApplication.topLevelWidgets():
            if widget.isVisible() and widget is not self.window and widget.isWindow():
                widget.close()
        QTest.mouseMove(self.window, QPoint(3, 3))
        pump(0.02)

    def press(self, name: str) -> None:
        """Press the shortcut of an action."""
        QApplication.setActiveWindow(self.window)
        combination = self.window.actions_by_name[name].shortcut()[0]
        keys = Qt.KeyboardModifiers(combination & Qt.KeyboardModifierMask)
        QTest.keyClick(self.window, Qt.Key(combination & ~Qt.KeyboardModifierMask), keys)

    def press_again(self, name: str, times: int = 10) -> None:
        for _ in range(times):
            self.press(name)
            pump(0.01)

    def toggle(self, name: str) -> None:
        """Off and on."""
        self.press(name)
        pump(0.1)
        self.press(name)

    def press_in(self, view, name: str) -> None:
        view.canvas.setFocus()
        self.press(name)

    def key(self, widget, key, keys=Qt.NoModifier, times: int = 1) -> None:
        widget.setFocus()
        for _ in range(times):
            QTest.keyClick(widget, key, keys)
            pump(0.016)

    def drag(self, view, path: list[tuple[float, float]], keys=Qt.NoModifier) -> None:
        """A drag through data positions (y, x) of a picture, a move each 16 ms."""
        from PyQt5.QtCore import QEvent, QPointF
        from PyQt5.QtGui import QMouseEvent

        viewport = view.canvas.viewport()

        def send(kind, at, button, held) -> None:
            place = QPointF(view.screen_at(*at))
            there = QPointF(viewport.mapToGlobal(place.toPoint()))
            QApplication.sendEvent(viewport, QMouseEvent(kind, place, there, button, held, keys))

        send(QEvent.MouseMove, path[0], Qt.NoButton, Qt.NoButton)
        send(QEvent.MouseButtonPress, path[0], Qt.LeftButton, Qt.LeftButton)
        for at in path[1:]:
            pump(0.016)
            send(QEvent.MouseMove, at, Qt.NoButton, Qt.LeftButton)
        send(QEvent.MouseButtonRelease, path[-1], Qt.LeftButton, Qt.NoButton)

    def open(self, path: Path) -> None:
        self.desk.files.open_path(str(path))
        pump(0.0, self.is_open)
        if self.desk.dataset.nbytes <= LONG:
            pump(0.0, lambda: self.window.image_view.status == "exact")

    def is_open(self) -> bool:
        return self.desk.dataset is not None and not self.desk.opener.busy and self.window.page is self.window.work


def as_text(profile: cProfile.Profile) -> str:
    """The functions that took longest, with all that they called."""
    text = io.StringIO()
    pstats.Stats(profile, stream=text).strip_dirs().sort_stats("cumulative").print_stats(28)
    return "\n".join(
        line for line in text.getvalue().splitlines() if line.strip() and "built-in method builtins" not in line
    )


def pump(seconds: float, until: Callable[[], bool] = lambda: True) -> None:
    """Let the window work until `until()` holds, and for some seconds more."""
    work_until(until, PATIENCE)
    work_for(seconds)


def line(start: tuple[float, float], stop: tuple[float, float], steps: int = 20) -> list[tuple[float, float]]:
    return [tuple(one) for one in np.linspace(start, stop, steps)]


def starting(bench: Bench) -> None:
    """From the window's first moment until all of it is there, and what is loaded after."""
    bench.start = Start(Settings())
    ready = []
    bench.start.ready.connect(lambda: ready.append(True))
    bench.measure("the start", bench.start.show, lambda: bool(ready))
    bench.measure("three seconds after it", lambda: pump(3.0))


def opening(bench: Bench, small: Path, medium: Path, large: Path) -> None:
    desk = bench.desk
    for path, name in ((small, "a small scan"), (large, "103 GB"), (medium, "2 GB")):
        bench.repeat(
            f"open {name}", lambda path=path: desk.files.open_path(str(path)), desk.close_scan, until=bench.is_open
        )
    for path, other in ((small, medium), (large, medium)):
        bench.repeat(
            f"from {path.stem} to {other.stem}",
            lambda other=other: desk.files.open_path(str(other)),
            lambda path=path: bench.open(path) if desk.dataset.ref.uri != str(path) else None,
            until=bench.is_open,
        )
    bench.repeat("close the scan", lambda: bench.press("close"), lambda: bench.open(medium))


def editing(bench: Bench) -> None:
    window, model = bench.window, bench.desk.model
    ky, kx = bench.desk.dataset.frame_shape
    middle, edge = (ky / 2, kx / 2), (ky * 0.8, kx * 0.8)
    drag = partial(bench.drag, window.frame_view, line(middle, edge))
    press = bench.press
    for tool in ("disk", "ring", "sector", "rect", "ellipse", "freehand"):
        bench.repeat(f"draw a {tool}", drag, partial(press, "tool_select"), partial(press, f"tool_{tool}"))
    press("tool_select")
    bench.repeat("select the next detector", partial(press, "next_detector"))
    bench.repeat("nudge it, 20 keys", partial(bench.key, window.frame_view.canvas, Qt.Key_Right, times=20))
    bench.repeat("drag it", drag)
    bench.repeat("duplicate", partial(press, "duplicate"))
    bench.repeat("undo", partial(press, "undo"), partial(press, "grow"))
    bench.repeat("redo", partial(press, "redo"), partial(press, "grow"), partial(press, "undo"))
    bench.repeat("undo, 10 in a row", partial(bench.press_again, "undo"))
    bench.repeat("redo, 10 in a row", partial(bench.press_again, "redo"))
    bench.repeat("hide it", partial(press, "visible"))
    bench.repeat("delete", partial(press, "delete"), partial(press, "duplicate"))
    while len(model.session.detectors) > 3:
        press("delete")
        pump(0.02)


def looking(bench: Bench) -> None:
    window = bench.window
    sy, sx = bench.desk.dataset.scan_shape
    centre, corner = (sy // 2, sx // 2), (sy * 0.9, sx * 0.9)

    def resize() -> None:
        for step in range(20):
            window.resize(1280 + 20 * step, 720 + 10 * step)
            pump(0.016)

    bench.repeat("resize the window", resize, lambda: window.resize(1280, 720))
    bench.repeat("maximise", window.showMaximized, window.showNormal)
    window.showNormal()
    window.resize(1280, 720)
    for name in ("composite", "com", "com_x", "sum_signal", "detector"):
        bench.repeat(f"show {name}", partial(bench.press, f"show_{name}"), partial(bench.press, "show_com_y"))
    bench.repeat("FFT of the image", partial(bench.press, "spectrum"), partial(bench.press, "show_detector"))
    if bench.desk.model.session.spectrum:
        bench.press("spectrum")
    for name in ("cursor", "mean"):
        bench.repeat(f"frame: {name}", partial(bench.press, f"frame_{name}"))
    cross, region = line(centre, corner), line((sy / 4, sx / 4), corner)
    to_centre = partial(bench.desk.model.look, cursor=centre)
    bench.repeat("drag the cross", partial(bench.drag, window.image_view, cross), to_centre)
    bench.repeat("20 positions by keys", partial(bench.key, window.image_view.canvas, Qt.Key_Left, times=20))
    bench.repeat("drag a region", partial(bench.drag, window.image_view, region, Qt.ControlModifier))
    bench.repeat("drop the region", partial(bench.press, "region_all"))
    for view, side in ((window.frame_view, "frame"), (window.image_view, "image")):
        for colours in ("viridis", "inferno", "gray"):
            bench.repeat(f"{side}: colour map {colours}", partial(view.header.colour_map_chosen.emit, colours))
        for name in ("next_scale", "auto", "zoom_in", "zoom_out", "fit"):
            bench.repeat(f"{side}: {name}", partial(bench.press_in, view, name))
    bench.repeat("overlays off and on", partial(bench.toggle, "overlays"))
    bench.repeat("side panel off and on", partial(bench.toggle, "panel"))
    bench.repeat("theme: light", partial(bench.press, "theme_light"), partial(bench.press, "theme_dark"))
    bench.repeat("theme: dark", partial(bench.press, "theme_dark"), partial(bench.press, "theme_light"))


def analysing(bench: Bench) -> None:
    window = bench.window
    bench.repeat("analyses panel", lambda: bench.press("analyses"), lambda: window.tabs.setCurrentIndex(0))
    bench.repeat("detectors panel", lambda: window.tabs.setCurrentIndex(0), lambda: bench.press("analyses"))
    bench.repeat("choose an analysis", lambda: bench.press("add_analysis"))
    for action in window.analyses.add_menu.actions():
        if action.objectName():
            bench.repeat(f"add {action.objectName()[4:]}", action.trigger, bench.desk.model.undo_stack.undo)
    bench.repeat("next analysis", lambda: bench.press("next_analysis"))
    bench.repeat("profile plot off and on", partial(bench.toggle, "profile_plot"))
    bench.repeat("remove an analysis", lambda: bench.press("remove_analysis"), lambda: bench.press("next_analysis"))
    window.tabs.setCurrentIndex(0)


def asking(bench: Bench) -> None:
    for name in (
        "shortcuts", "palette", "about", "open", "open_raw", "save_as", "export", "correct", "suggest", "add_mask",
        "weight", "copy_image", "copy_frame", "copy_python", "rename",
    ):  # fmt: skip
        bench.repeat(f"dialog: {name}", lambda name=name: bench.press(name))


def sending(bench: Bench, scheduler: str, storage: Path, scan: Path) -> None:
    desk = bench.desk
    address = scheduler or "tcp://127.0.0.1:1"

    def type_addresses() -> None:
        dialog = desk.cluster.connect()
        dialog.scheduler.set_address(address)
        dialog.storage.set_address(storage.as_uri())
        pump(0.0, lambda: dialog.scheduler.trial.result is not None and dialog.storage.trial.result is not None)

    bench.repeat("connect", type_addresses)
    desk.connection.connect_to(None, storage.as_uri())
    bench.open(scan)
    bench.repeat("send to the cluster", lambda: bench.press("send"))
    if not bench._only or re.search(bench._only, "send scans"):
        from ltdesk.engine.ingest import ingest

        ingest(desk.dataset, storage.as_uri() + "/one")
        for number in range(2, 40):
            copy_tree(storage / "one", storage / f"scan{number}")
    bench.repeat("scans in the storage", lambda: bench.press("stored"))


def copy_tree(source: Path, target: Path) -> None:
    target.mkdir()
    for file in source.iterdir():
        os.link(file, target / file.name) if file.is_file() else copy_tree(file, target / file.name)


def run(arguments: argparse.Namespace, folder: Path) -> dict[str, list[Round]]:
    """Everything, in one window; `folder` is for what has to be written."""
    from benchmarks.first_picture import make_scan
    from ltdesk.engine import warm_up
    from ltdesk.engine.demo import ensure_demo

    if not warm_up.is_done():
        print("compiling the kernels first", file=sys.stderr)
        warm_up.start_process().wait()
    use_own_settings(folder)
    small, medium = ensure_demo("small"), arguments.file or ensure_demo("medium")
    large = make_scan(folder)
    storage = folder / "storage"
    storage.mkdir()
    set_attributes()
    application = QApplication.instance() or QApplication(sys.argv[:1])
    style.apply(application, "dark")
    bench = Bench(arguments.rounds, arguments.only, arguments.profile)
    collector = Collector()
    starting(bench)
    steps: list[Action] = [
        lambda: opening(bench, small, medium, large),
        lambda: editing(bench),
        lambda: looking(bench),
        lambda: analysing(bench),
        lambda: asking(bench),
        lambda: sending(bench, arguments.scheduler, storage, small),
    ]
    bench.open(medium)
    bench.window.resize(1280, 720)
    for step in steps:
        step()
        if bench.desk.dataset is None:
            bench.open(medium)
        bench.idle()
    bench.start.close()
    collector.close()
    bench.window.deleteLater()
    return bench.found


def as_table(found: dict[str, list[Round]]) -> str:
    """The longest gaps first."""
    lines = [
        "| action | longest gap, ms, best round | worst | own CPU of the worst | waited |",
        "|---|---|---|---|---|",
    ]
    ordered = sorted(found.items(), key=lambda one: -max(r.gap for r in one[1]))
    for name, rounds in ordered:
        worst = max(rounds, key=lambda r: r.gap)
        lines.append(
            f"| {name} | {min(r.gap for r in rounds):.0f} | {worst.gap:.0f} | {worst.own:.0f} | {worst.waited:.0f} |"
        )
    over = sum(max(r.gap for r in rounds) > AIM * 1e3 for rounds in found.values())
    over_best = sum(min(r.gap for r in rounds) > AIM * 1e3 for rounds in found.values())
    lines.append(f"\n{len(found)} actions; over 50 ms in the worst round {over}, in the best one {over_best}")
    return "\n".join(lines)


def main() -> None:
    """Parse, do, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, help="the scan that is worked on; without one the medium demo")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="actions whose name this pattern is in")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--scheduler", default="")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ltdesk-gaps-", ignore_cleanup_errors=True) as folder:
        found = run(arguments, Path(folder))
    print(as_table(found))
    if arguments.json:
        arguments.json.write_text(json.dumps({k: [asdict(r) for r in v] for k, v in found.items()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
