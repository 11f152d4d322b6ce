"""Pictures of the real window for the documentation: ``screenshots.py FOLDER [--theme light] [--scale 2]``.

Opens the window offscreen on the demo scan and works in it as a user does, with mouse events.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECONDS = 200.0  # of what never comes; on a busy machine kernels take long to compile
SIZE = (1280, 800)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--scan", type=Path, help="instead of the demo scan")
    parser.add_argument("--cluster", nargs=2, metavar=("SCHEDULER", "STORAGE"), help="pictures with this cluster too")
    args = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["QT_SCALE_FACTOR"] = str(args.scale)
    os.environ["QT_FONT_DPI"] = "96"  # offscreen has 100: all sizes would be odd
    with tempfile.TemporaryDirectory(prefix="ltdesk-screenshots-", ignore_cleanup_errors=True) as home:
        os.environ.setdefault("XDG_RUNTIME_DIR", home)
        os.environ["LTDESK_CONFIG_DIR"] = os.environ["LTDESK_STATE_DIR"] = home
        args.folder.mkdir(parents=True, exist_ok=True)
        Photographer(args.folder.resolve(), args.theme).take_all(args.scan, args.cluster)
    return 0


class Photographer:
    """Works in the window and takes pictures of it."""

    def __init__(self, folder: Path, theme: str) -> None:
        from PyQt5.QtWidgets import QApplication

        from ltdesk.ui.app import Desk
        from ltdesk.ui.look import style
        from ltdesk.ui.start import set_attributes

        set_attributes()
        self.app = QApplication(sys.argv[:1])
        style.apply(self.app, theme)
        self.folder = folder
        self.desk = Desk()
        self.window = self.desk.window
        self.desk.show()
        self.window.resize(*SIZE)

    def take_all(self, scan: Path | None, cluster: tuple[str, str] | None = None) -> None:
        self.take("welcome")
        if scan is None:
            self.desk.opener.open_demo()
        else:
            self.desk.files.open_path(str(scan))
        self.until(lambda: self.window.page is self.window.work)
        self.until_exact()
        self.until(lambda: self.window.frame_view.status == "exact")
        self.take("start")
        self.drag_a_ring()
        self.draw_dark_fields()
        self.show("composite")
        self.take("composite")
        self.show("com")
        self.take("centre-of-mass")
        self.show_analyses()
        self.show("detector")
        self.show_an_error()
        if cluster is not None:
            self.work_on(*cluster)
        self.window.close()

    def drag_a_ring(self) -> None:
        """A dark-field ring, photographed with the button held while it is made larger."""
        self.tool("ring")
        self.drag(self.beam, (self.beam[0], self.beam[1] + 5 * self.radius))
        self.until_exact()
        ring = self.desk.model.session.detectors[-1].shape
        start = (ring.cy, ring.cx + ring.r_out)
        self.drag(start, (start[0], start[1] + self.radius), release=False)
        self.wait(0.3)
        self.take("dragging")
        self.window.actions_by_name["stop"].trigger()
        self.until_exact()

    def draw_dark_fields(self) -> None:
        """Disks on three Bragg spots; what was drawn before is hidden."""
        for detector in self.desk.model.session.detectors:
            self.desk.model.look(selected=detector.id)
            self.window.actions_by_name["visible"].trigger()
        for y, x in self.brightest_spots(3):
            self.tool("disk")
            self.drag((y, x), (y, x + 0.9 * self.radius))
            self.until_exact()

    def show_analyses(self) -> None:
        """The panel with a centre of mass: direction with its wheel; then a radial profile as curves."""
        from ltdesk.geometry import Rectangle

        form = self.window.analyses.form
        self.window.actions_by_name["analyses"].trigger()
        self.wait(0.2)
        self.choose(form.widget("show"), "direction")
        self.until_exact()
        self.take("analysis-direction")
        model = self.desk.model
        model.edit("Region", model.session.but(region=Rectangle(y0=8, x0=8, y1=24, x1=22)))
        self.add("radial")
        self.window.slice_bar.slider.setValue(17)
        self.wait(0.2)
        self.until_exact()
        self.until(lambda: set(self.window.profile.curves) == {"cursor", "region", "scan"})
        self.take("analysis-profile")
        self.window.actions_by_name["profile_plot"].trigger()
        self.window.actions_by_name["region_all"].trigger()
        self.window.tabs.setCurrentIndex(0)

    def add(self, kind: str) -> None:
        """Choose an analysis from the menu."""
        menu = self.window.analyses.add_menu
        next(action for action in menu.actions() if action.objectName() == f"add_{kind}").trigger()
        self.wait(0.2)

    def choose(self, box: Any, words: str) -> None:
        """Choose an entry of a combo box."""
        row = box.findText(words)
        box.setCurrentIndex(row)
        box.activated.emit(row)
        self.wait(0.2)

    @property
    def beam(self) -> tuple[float, float]:
        """Centre of the disk that was fitted to the direct beam."""
        disk = self.desk.model.session.detectors[0].shape
        return disk.cy, disk.cx

    @property
    def radius(self) -> float:
        return self.desk.model.session.detectors[0].shape.r

    def brightest_spots(self, count: int) -> list[tuple[float, float]]:
        """Where the mean frame is brightest outside the direct beam; hot pixels apart, away from one another."""
        import numpy as np

        prepared = self.window.frame_view.prepared
        assert prepared is not None
        shown = prepared.picture.values.astype(float)
        around = [np.roll(shown, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        values = np.median(around, axis=0)
        ys, xs = np.indices(values.shape)
        values[np.hypot(ys - self.beam[0], xs - self.beam[1]) < 2 * self.radius] = 0
        spots = []
        for _ in range(count):
            y, x = (int(place) for place in np.unravel_index(int(values.argmax()), values.shape))
            spots.append((float(y), float(x)))
            for side in (1, -1):  # nor the opposite spot, which is of the same grain
                away = (self.beam[0] + side * (y - self.beam[0]), self.beam[1] + side * (x - self.beam[1]))
                values[np.hypot(ys - away[0], xs - away[1]) < 3 * self.radius] = 0
        return spots

    def show_an_error(self) -> None:
        """A scan that was cut short while it was copied; the folder in its message is not this machine's."""
        from ltdesk.engine.open import open_dataset
        from ltdesk.errors import OpenError
        from ltdesk.ui.dialogs.error_dialog import ErrorDialog

        assert self.desk.dataset is not None
        cut = Path(os.environ["LTDESK_CONFIG_DIR"]) / "scan_0042.h5"
        cut.write_bytes(Path(self.desk.dataset.ref.uri).read_bytes()[:1_000_000])
        try:
            open_dataset(cut).close()
        except OpenError as error:
            what = error.what.replace(str(cut.parent), "/data/session3")
            ErrorDialog.show_error(self.window, OpenError(what, error.way_out))
        self.until(lambda: self.dialog() is not None)
        self.wait(0.2)
        dialog = self.dialog()
        self.take("error", dialog)
        dialog.close()

    def work_on(self, scheduler: str, storage: str) -> None:
        """Connect to a cluster, send the scan there, see the list of what is stored, and open the copy."""
        connecting = self.desk.cluster.connect()
        connecting.scheduler.set_address(scheduler)
        connecting.storage.set_address(storage)
        self.until(connecting.connect_button.isEnabled)
        self.take("connect", connecting)
        connecting.accept()
        self.until(lambda: self.desk.connection.connected)
        sending = self.desk.cluster.send()
        self.until(lambda: bool(sending.room.text()))
        self.take("send", sending)
        sending.send_button.click()
        self.until(sending.open_button.isVisible)
        sending.close()
        scans = self.desk.cluster.show_scans()
        self.until(lambda: scans.rows.rowCount() > 0 and scans.refresh_button.isEnabled())
        self.wait(0.5)
        self.take("stored-scans", scans)
        scans.open_selected()
        self.until(lambda: self.desk.dataset is not None and "ingested" in self.desk.dataset.format)
        scans.close()
        self.until_exact()
        self.tool("ring")
        self.drag(self.beam, (self.beam[0], self.beam[1] + 5 * self.radius))
        self.until_exact()
        self.until(lambda: not self.window.job_bar.bar.isVisible())
        self.take("cluster")

    def dialog(self) -> Any:
        return next((w for w in self.app.topLevelWidgets() if w.isModal() and w.isVisible()), None)

    # What a user does

    def tool(self, name: str) -> None:
        self.window.actions_by_name[f"tool_{name}"].trigger()

    def show(self, what: str) -> None:
        self.window.actions_by_name[f"show_{what}"].trigger()
        self.wait(0.2)
        self.until_exact()

    def drag(self, start: tuple[float, float], end: tuple[float, float], release: bool = True) -> None:
        from PyQt5.QtCore import QEvent

        self.mouse(QEvent.MouseMove, start, held=False)
        self.mouse(QEvent.MouseButtonPress, start)
        for step in range(1, 9):
            share = step / 8
            at = (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))
            self.mouse(QEvent.MouseMove, at)
            self.wait(0.01)
        if release:
            self.mouse(QEvent.MouseButtonRelease, end, held=False)

    def mouse(self, kind: int, at: tuple[float, float], held: bool = True) -> None:
        from PyQt5.QtCore import QEvent, QPointF, Qt
        from PyQt5.QtGui import QMouseEvent

        viewport = self.window.frame_view.canvas.viewport()
        place = QPointF(self.window.frame_view.screen_at(*at))
        there = QPointF(viewport.mapToGlobal(place.toPoint()))
        button = Qt.NoButton if kind == QEvent.MouseMove else Qt.LeftButton
        buttons = Qt.LeftButton if held else Qt.NoButton
        self.app.sendEvent(viewport, QMouseEvent(kind, place, there, button, buttons, Qt.NoModifier))

    # Looking and waiting

    def until_exact(self) -> None:
        self.until(lambda: self.window.image_view.status == "exact")

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + SECONDS
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the window did not come to what was to be photographed")
            self.wait(0.01)

    def wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.app.processEvents()
            time.sleep(0.002)

    def take(self, name: str, dialog: Any = None) -> None:
        """A picture of the window, with `dialog` over its middle."""
        from PyQt5.QtGui import QColor, QPainter

        self.wait(0.1)
        picture = self.window.grab()
        if dialog is not None:
            painter = QPainter(picture)
            painter.fillRect(self.window.rect(), QColor(0, 0, 0, 90))
            left, top = (self.window.width() - dialog.width()) // 2, (self.window.height() - dialog.height()) // 3
            painter.drawPixmap(left, top, dialog.grab())
            painter.end()
        path = self.folder / f"{name}.png"
        if not picture.save(str(path)):
            raise OSError(f"{path} cannot be written")
        print(path)


if __name__ == "__main__":
    sys.exit(main())
