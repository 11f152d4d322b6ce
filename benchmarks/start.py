"""Times the start: from a new process to a window that one can use, against an empty PyQt5 + pyqtgraph window.

    python benchmarks/start.py [--rounds 7] [--json OUT.json]

Both are processes of this Python, started in turn A B A B, warm, their bytecode compiled as pip leaves it. The empty
window holds one pyqtgraph plot. A window can be used once it is shown, has painted its page and its event loop has
handled all that waited; `ltdesk`'s is its start page, as after the command ``ltdesk``. It is complete when all that
works behind it is there: what the user asks for before waits until then. Drawn by Qt's offscreen platform unless
QT_QPA_PLATFORM says otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EMPTY = """
import sys
from PyQt5.QtCore import QEvent, QObject, QTimer
from PyQt5.QtWidgets import QApplication
import pyqtgraph
app = QApplication(sys.argv[:1])
window = pyqtgraph.PlotWidget()
window.resize(1280, 720)
"""
LTDESK = """
import sys
from PyQt5.QtCore import QEvent, QObject, QTimer
import ltdesk.ui.start as program
"""
USABLE = """
class Watch(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Paint:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, usable)
        return False
def usable():
    print("usable", flush=True)
watch = Watch()
"""
SHOW_EMPTY = """
QTimer.singleShot(1000, window.close)
window.viewport().installEventFilter(watch)
window.show()
app.exec_()
"""
SHOW_LTDESK = """
show = program.Start.show
def watched_show(start):
    start.window.welcome.installEventFilter(watch)
    start.ready.connect(lambda: (print("complete", flush=True), start.window.close()))
    show(start)
program.Start.show = watched_show
from ltdesk.cli import main
main([])
"""
PROGRAMS = {"empty window": EMPTY + USABLE + SHOW_EMPTY, "ltdesk": LTDESK + USABLE + SHOW_LTDESK}


def start(program: str, bytecode: str) -> dict[str, float]:
    """Seconds until a process that runs `program` says that its window can be used, and that all of it is there."""
    environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ, "PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began, seconds = time.perf_counter(), {}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True
    ) as process:
        for line in process.stdout:
            seconds[line.strip()] = time.perf_counter() - began
    if "usable" not in seconds:
        raise SystemExit(f"no window: the process ended with {process.returncode}")
    return seconds


def run(rounds: int) -> dict[str, list[dict[str, float]]]:
    """Seconds of each start, by program; the first of each only warms up and is left out."""
    seconds: dict[str, list[dict[str, float]]] = {name: [] for name in PROGRAMS}
    with tempfile.TemporaryDirectory() as bytecode:
        for _ in range(rounds + 1):
            for name, program in PROGRAMS.items():
                seconds[name].append(start(program, bytecode))
    return {name: found[1:] for name, found in seconds.items()}


def main() -> None:
    """Parse, start, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    seconds = run(args.rounds)
    empty = [found["usable"] for found in seconds["empty window"]]
    print("| window | ms, median | fastest | times the empty one |\n|---|---|---|---|")
    for name, moment in (("empty window", "usable"), ("ltdesk", "usable"), ("ltdesk", "complete")):
        found = [one[moment] for one in seconds[name]]
        ratio = statistics.median(ours / theirs for ours, theirs in zip(found, empty, strict=True))
        print(f"| {name}, {moment} | {statistics.median(found) * 1e3:.0f} | {min(found) * 1e3:.0f} | {ratio:.2f} |")
    if args.json:
        args.json.write_text(json.dumps(seconds, indent=1) + "\n")


if __name__ == "__main__":
    main()
