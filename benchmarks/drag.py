"""Drags a detector in the real window, as a hand does, and times every image that is painted.

    python benchmarks/drag.py [FILE] [--seconds 4] [--json OUT.json] [--chart OUT.png]

The window is drawn by Qt's offscreen platform, in software. The hand presses on the detector, moves it along a figure
of eight at the screen's rate, rests for a moment, moves on and lets go; the mask of a centre of mass is moved in the
session, as nothing in the window can be pressed for it. Printed for each detector: images a second
(new moments painted), how long after the hand its image was painted, the longest time that the event loop stood
still, and after rest and release the time until the exact image was painted, also in passes: times of reading
the scan once, measured in the same run. The chart shows the time from each painted image to the next.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from PyQt5.QtCore import QEvent, QEventLoop, QObject, QPointF, Qt, QTimer
from PyQt5.QtGui import QMouseEvent
from PyQt5.QtWidgets import QApplication

from benchmarks.window import shown_window, work_until
from ltdesk.analysis import CenterOfMass
from ltdesk.engine.bench import read_once
from ltdesk.engine.demo import ensure_demo
from ltdesk.engine.local import default_threads
from ltdesk.geometry import AnyShape, Disk, Polygon, Ring, Sector
from ltdesk.ui.app import Desk
from ltdesk.ui.errors.watchdog import Watchdog
from ltdesk.ui.live.answers import Answer
from ltdesk.ui.live.wishes import Wish, analysis_wish, detector_wish

RATE = 60
"""Moves a second: what a common mouse and screen give."""
SPAN = 8.0
"""How far the hand goes from where it began, in camera pixels of 128."""
CHART_WIDTH, PLOT_HEIGHT = 1200, 150
COLOURS = {"preview": "#d55e00", "exact": "#0072b2"}
DERIVED = ("images_a_second", "latency", "longest_wait")
YX = tuple[float, float]


@dataclass
class Drag:
    """What one drag showed.

    images : (seconds since the press, status, seconds since the hand was where this image is from) of each painted
    moves : seconds since the press of each move of the hand
    """

    name: str
    images: list[tuple[float, str, float]] = field(default_factory=list)
    moves: list[float] = field(default_factory=list)
    moving: float = 0.0
    longest_gap: float = 0.0
    exact_after_rest: float = math.nan
    exact_after_release: float = math.nan

    @property
    def images_a_second(self) -> float:
        return len([at for at, _, _ in self.images if at <= self.moving]) / self.moving

    @property
    def longest_wait(self) -> float:
        """The longest time without a new image while the hand moved."""
        times = [0.0, *(at for at, _, _ in self.images if at <= self.moving), self.moving]
        return max(np.diff(times))

    @property
    def latency(self) -> float:
        """The median time from the hand's move to its image on the screen."""
        known = [late for at, _, late in self.images if at <= self.moving and math.isfinite(late)]
        return float(np.median(known)) if known else math.nan


class Recorder(QObject):
    """Sees each paint of the right picture and notes what is new in it.

    shape_of_answer : what the newest answer is of
    known : where the hand was last over what had an exact answer already, which is shown at once
    hand : when the hand was where
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._view = desk, desk.window.image_view
        self.shape_of_answer: AnyShape | None = None
        self.known: AnyShape | None = None
        self._painted: object = None
        self.drag = Drag("")
        self.began = 0.0
        self.hand: dict[AnyShape, float] = {}
        desk.live.answered.connect(self._answered)
        self._view.canvas.viewport().installEventFilter(self)

    def now(self) -> float:
        return time.perf_counter() - self.began

    def begin(self, name: str) -> None:
        self.drag, self.began, self.hand, self.known = Drag(name), time.perf_counter(), {}, None

    def _answered(self, answer: Answer) -> None:
        if answer.wish.owner == self._desk.model.session.selected:
            self.shape_of_answer = answer.wish.analysis.shape
        elif isinstance(answer.wish.analysis, CenterOfMass):
            self.shape_of_answer = answer.wish.analysis.mask

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        prepared = self._view.prepared
        if event.type() == QEvent.Paint and prepared is not None and prepared.picture.values is not self._painted:
            self._painted = prepared.picture.values
            moved = self.hand.get(self.shape_of_answer, math.nan)
            self.drag.images.append((self.now(), prepared.picture.status, self.now() - moved))
        return False


class Hand:
    """Moves the mouse over the diffraction frame with the left button pressed."""

    def __init__(self, desk: Desk, recorder: Recorder) -> None:
        self._desk, self._recorder = desk, recorder
        self._view = desk.window.frame_view

    def send(self, kind: QEvent.Type, at: YX, button: Qt.MouseButton, held: Qt.MouseButton) -> None:
        viewport = self._view.canvas.viewport()
        place = QPointF(self._view.screen_at(*at))
        there = QPointF(viewport.mapToGlobal(place.toPoint()))
        QApplication.sendEvent(viewport, QMouseEvent(kind, place, there, button, held, Qt.NoModifier))

    @property
    def shape(self) -> AnyShape:
        """What is dragged, as it is now."""
        return self._desk.model.session.selected_detector.shape

    @property
    def wish(self) -> Wish:
        """What is to be seen of it."""
        session = self._desk.model.session
        return detector_wish(session, session.selected)

    def press(self, at: YX) -> None:
        self.send(QEvent.MouseMove, at, Qt.NoButton, Qt.NoButton)
        self.send(QEvent.MouseButtonPress, at, Qt.LeftButton, Qt.LeftButton)

    def carry(self, at: YX) -> AnyShape:
        """Move to `at` with the button pressed; what is dragged, as it is then."""
        self.send(QEvent.MouseMove, at, Qt.NoButton, Qt.LeftButton)
        return self._desk.model.session.selected_detector.shape

    def release(self, at: YX) -> None:
        self.send(QEvent.MouseButtonRelease, at, Qt.LeftButton, Qt.NoButton)

    def move(self, path: Callable[[float], YX], seconds: float) -> YX:
        """Follow `path` (of seconds) at `RATE`; where it ended."""
        loop, began, at = QEventLoop(), time.perf_counter(), path(0.0)

        def step() -> None:
            nonlocal at
            elapsed = time.perf_counter() - began
            if elapsed >= seconds:
                loop.quit()
                return
            at = path(elapsed)
            self._recorder.drag.moves.append(self._recorder.now())
            shape = self.carry(at)
            self._recorder.hand[shape] = self._recorder.now()
            if self._desk.live.answer(self.wish) is not None:
                self._recorder.known = shape

        timer = QTimer()
        timer.setTimerType(Qt.PreciseTimer)
        timer.timeout.connect(step)
        timer.start(round(1000 / RATE))
        loop.exec_()
        timer.stop()
        return at


class MaskHand(Hand):
    """Moves the mask of a centre of mass, in the session."""

    @property
    def shape(self) -> AnyShape:
        return self._desk.model.session.analyses[0].mask

    @property
    def wish(self) -> Wish:
        session = self._desk.model.session
        return analysis_wish(session, session.analyses[0])

    def press(self, at: YX) -> None:
        self._at = at
        self._desk.model.begin_drag("mask")

    def carry(self, at: YX) -> AnyShape:
        session = self._desk.model.session
        com = session.analyses[0]
        mask = com.mask.model_copy(
            update={"cy": com.mask.cy + at[0] - self._at[0], "cx": com.mask.cx + at[1] - self._at[1]}
        )
        self._at = at
        self._desk.model.drag(session.but(analyses=(com.model_copy(update={"mask": mask}),)))
        return mask

    def release(self, at: YX) -> None:
        self._desk.model.end_drag()


def wait(condition: Callable[[], bool], seconds: float = 120.0) -> float:
    """Let the window work until `condition()`; the seconds that took, NaN where it took longer than `seconds`."""
    began = time.perf_counter()
    return time.perf_counter() - began if work_until(condition, seconds) else math.nan


def wait_quiet(desk: Desk) -> None:
    """Until every job and every cache is done."""
    wait(lambda: desk.window.image_view.status == "exact")
    work_until(lambda: desk.live.keeper.wait_idle(0.0), 120.0)


def drag(desk: Desk, recorder: Recorder, name: str, shape: AnyShape, seconds: float) -> Drag:
    """Drag the selected detector, made `shape`, for `seconds`; then rest, move on a little, let go."""
    session = desk.model.session
    masked = name.startswith("com")
    if masked:
        desk.model.edit("benchmark", session.but(analyses=(CenterOfMass(mask=shape),)))
        desk.model.look(shown="com")
    else:
        detector = session.selected_detector.model_copy(update={"shape": shape})
        desk.model.edit("benchmark", session.with_detector(detector))
    wait_quiet(desk)
    hand, span = (MaskHand if masked else Hand)(desk, recorder), SPAN * session_unit(desk)
    start = grip(shape)

    def path(t: float) -> YX:
        return start[0] + span * math.sin(2.1 * t), start[1] + span * math.sin(4.2 * t) / 2

    def exact() -> bool:
        """Of where the hand is, not of a moment before."""
        shown = recorder.shape_of_answer, recorder.known
        return desk.window.image_view.status == "exact" and hand.shape in shown

    watchdog = Watchdog()
    watchdog.start()
    recorder.begin(name)
    hand.press(start)
    at = hand.move(path, seconds)
    recorder.drag.moving = recorder.now()
    recorder.drag.exact_after_rest = wait(exact, 3.0)
    hand.move(lambda t: (at[0] + span * t, at[1]), 0.3)
    hand.release((at[0] + span * 0.3, at[1]))
    recorder.drag.exact_after_release = wait(exact)
    watchdog.stop()
    recorder.drag.longest_gap = watchdog.longest
    return recorder.drag


def session_unit(desk: Desk) -> float:
    """The frame's size, in 128 pixels."""
    return min(desk.dataset.frame_shape) / 128


def grip(shape: AnyShape) -> YX:
    """A place of the shape that the hand can drag all of it by."""
    if isinstance(shape, Disk):
        return shape.cy, shape.cx
    if isinstance(shape, Polygon):
        ys, xs = zip(*shape.points, strict=True)
        return sum(ys) / len(ys), sum(xs) / len(xs)
    middle = (shape.r_in + shape.r_out) / 2
    angle = math.radians((shape.deg0 + shape.deg1) / 2) if isinstance(shape, Sector) else 0.7
    return shape.cy + middle * math.sin(angle), shape.cx + middle * math.cos(angle)


def shapes(desk: Desk) -> dict[str, AnyShape]:
    """What is dragged: small, usual and large, about the frame's middle."""
    ky, kx = desk.dataset.frame_shape
    cy, cx, unit = (ky - 1) / 2, (kx - 1) / 2, session_unit(desk)
    corners = ((-40, -25), (-30, 35), (10, 45), (45, 5), (20, -40))
    return {
        "disk r=3": Disk(cy=cy, cx=cx, r=3 * unit),
        "disk r=12": Disk(cy=cy, cx=cx, r=12 * unit),
        "ring 15-35": Ring(cy=cy, cx=cx, r_in=15 * unit, r_out=35 * unit),
        "ring 30-60": Ring(cy=cy, cx=cx, r_in=30 * unit, r_out=60 * unit),
        "sector 15-50": Sector(cy=cy, cx=cx, r_in=15 * unit, r_out=50 * unit, deg0=-60, deg1=60),
        "polygon": Polygon(points=tuple((cy + y * unit, cx + x * unit) for y, x in corners)),
        "com, mask r=30": Disk(cy=cy, cx=cx, r=30 * unit),
    }


def run(file: str, seconds: float) -> dict:
    """Open `file`, drag every shape; the figures."""
    with shown_window() as desk:
        desk.files.open_path(file)
        wait(lambda: desk.window.page is desk.window.work and not desk.opener.busy)
        wait_quiet(desk)
        recorder = Recorder(desk)
        passes, drags = [], []
        for name, shape in shapes(desk).items():
            passes.append(read_once(desk.dataset, default_threads()))
            drags.append(drag(desk, recorder, name, shape, seconds))
        return {
            "shape": list(desk.dataset.shape),
            "dtype": desk.dataset.dtype.str,
            "threads": default_threads(),
            "pass": float(np.median(passes)),
            "drags": [
                {
                    **asdict(d),
                    "images_a_second": d.images_a_second,
                    "latency": d.latency,
                    "longest_wait": d.longest_wait,
                }
                for d in drags
            ],
        }


def as_table(figures: dict) -> str:
    """The figures as a Markdown table."""
    lines = [
        f"{'x'.join(map(str, figures['shape']))} {figures['dtype']}, {figures['threads']} threads; "
        f"a pass is {figures['pass'] * 1e3:.0f} ms",
        "",
        "| dragged | images/s | hand to image, ms | longest without one, ms | longest gap of the event loop, ms "
        "| exact after rest, ms (passes) | after release |",
        "|---|---|---|---|---|---|---|",
    ]
    for d in figures["drags"]:
        rest, release = d["exact_after_rest"], d["exact_after_release"]
        lines.append(
            f"| {d['name']} | {d['images_a_second']:.0f} | {d['latency'] * 1e3:.0f} | {d['longest_wait'] * 1e3:.0f} "
            f"| {d['longest_gap'] * 1e3:.0f} | {rest * 1e3:.0f} ({rest / figures['pass']:.1f}) "
            f"| {release * 1e3:.0f} ({release / figures['pass']:.1f}) |"
        )
    return "\n".join(lines)


def draw_chart(figures: dict, path: Path) -> None:
    """The time from each painted image to the next, while the hand moves."""
    import pyqtgraph as pg
    from pyqtgraph.exporters import ImageExporter

    pg.setConfigOptions(background="w", foreground="#333333", antialias=True)
    size = CHART_WIDTH, PLOT_HEIGHT * ((len(figures["drags"]) + 2) // 2) + 40
    widget = pg.GraphicsLayoutWidget(size=size)
    title = (
        f"Milliseconds from one image to the next while a detector is dragged, {'x'.join(map(str, figures['shape']))}"
    )
    widget.addLabel(title, colspan=2, size="12pt")
    for number, d in enumerate(figures["drags"]):
        if number % 2 == 0:
            widget.nextRow()
        _plot(widget.addPlot(title=f"{d['name']}: {d['images_a_second']:.0f} images/s"), d)
    if len(figures["drags"]) % 2 == 0:
        widget.nextRow()
    words = (f"<span style='color:{colour}'>●</span> {name}" for name, colour in COLOURS.items())
    widget.addLabel("<br>".join((*words, "- - - 30 images a second")), size="11pt")
    widget.ci.setGeometry(0, 0, *size)  # the window is never shown: nobody else gives it its size
    exporter = ImageExporter(widget.scene())
    exporter.parameters()["width"] = 2 * CHART_WIDTH
    exporter.export(str(path))


def _plot(plot: Any, d: dict) -> None:
    plot.setYRange(0, 70)
    plot.setMouseEnabled(False, False)
    images = [(at, status) for at, status, _ in d["images"] if at <= d["moving"]]
    for name, colour in COLOURS.items():
        points = [
            (at, (at - before) * 1e3)
            for (before, _), (at, status) in itertools.pairwise(images)
            if (status == "preview") == (name == "preview")
        ]
        plot.plot(np.reshape(points, (-1, 2)), pen=None, symbol="o", symbolSize=4, symbolPen=None, symbolBrush=colour)
    plot.addLine(y=1e3 / 30, pen={"color": "#333333", "style": Qt.DashLine})


def main() -> None:
    """Parse, drag, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", help="a scan; without one the medium demo")
    parser.add_argument("--seconds", type=float, default=4.0, help="of movement for each shape")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--chart", type=Path, help="a PNG to draw")
    args = parser.parse_args()
    figures = run(args.file or str(ensure_demo("medium")), args.seconds)
    print(as_table(figures))
    if args.chart:
        draw_chart(figures, args.chart)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
