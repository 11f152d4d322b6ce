"""Times the first looks at a scan that is larger than memory, in the real window.

    python benchmarks/first_picture.py [FILE] [--json OUT.json]

Without FILE it makes a sparse ``.npy`` of 103 GB (1024x768 frames of 256x256 u16) in a temporary folder, in which the
frames that are sampled hold a bright disk, and has the system forget what it has of it in memory. Printed, in
milliseconds from the request to open it: the first frame, the first picture of the whole scan and of how many
positions it is, and the longest time that the event loop stood still.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from PyQt5.QtCore import QEvent, QObject

from benchmarks.window import shown_window, work_for, work_until
from ltdesk.engine.first_look import POSITIONS, spread_positions
from ltdesk.engine.preview.previews import SAMPLE_FRAMES
from ltdesk.geometry import Disk
from ltdesk.ui.app import Desk
from ltdesk.ui.errors.watchdog import Watchdog

SHAPE = (1024, 768, 256, 256)
GIVE_UP = 30.0


def make_scan(folder: Path) -> Path:
    """A scan of 103 GB that takes 150 MB of the disk."""
    path = folder / "large.npy"
    frame_bytes = 2 * SHAPE[2] * SHAPE[3]
    disk = Disk(cy=127.5, cx=127.5, r=30).mask(SHAPE[2:])
    random = np.random.default_rng(0)
    with path.open("wb") as file:
        header = {"descr": "<u2", "fortran_order": False, "shape": SHAPE}
        np.lib.format.write_array_header_1_0(file, header)
        start = file.tell()
        file.truncate(start + SHAPE[0] * SHAPE[1] * frame_bytes)
        for y, x in {*spread_positions(SHAPE[:2], POSITIONS), *spread_positions(SHAPE[:2], SAMPLE_FRAMES)}:
            thickness = 0.5 + 0.5 * np.sin(y / 60) * np.cos(x / 90)
            frame = random.poisson(np.where(disk, 60.0 * thickness + 2, 1.0)).astype("<u2")
            file.seek(start + (y * SHAPE[1] + x) * frame_bytes)
            file.write(frame.tobytes())
        file.flush()
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return path


class Eye(QObject):
    """Notes when something was first painted in the pictures."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._views = {"frame": desk.window.frame_view, "image": desk.window.image_view}
        self.seen: dict[str, float] = {}
        self.positions = 0
        self.began = 0.0
        for view in self._views.values():
            view.canvas.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Paint:
            for name, view in self._views.items():
                if watched is view.canvas.viewport() and name not in self.seen and self._shows(view):
                    self.seen[name] = time.perf_counter() - self.began
        return False

    def _shows(self, view: object) -> bool:
        prepared = view.prepared
        if prepared is None:
            return False
        valid = prepared.picture.valid
        if view is self._views["image"]:
            self.positions = prepared.picture.values.size if valid is None else int(valid.sum())
            return self.positions > 0
        return True


def run(path: Path) -> dict:
    """Open it; the figures."""
    with shown_window() as desk:
        eye, watchdog = Eye(desk), Watchdog()
        work_for(1.0)  # the kernels are loaded meanwhile, as while a user chooses a file
        watchdog.start()
        eye.began = time.perf_counter()
        desk.files.open_path(str(path))
        work_until(lambda: len(eye.seen) == 2, GIVE_UP)
        work_for(1.0)
        watchdog.stop()
        return {
            "bytes": desk.dataset.nbytes,
            "frame_ms": eye.seen.get("frame", float("nan")) * 1e3,
            "image_ms": eye.seen.get("image", float("nan")) * 1e3,
            "positions": eye.positions,
            "longest_gap_ms": watchdog.longest * 1e3,
        }


def main() -> None:
    """Parse, open, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = run(args.file or make_scan(Path(folder)))
    print(
        f"{figures['bytes'] / 1e9:.0f} GB: first frame {figures['frame_ms']:.0f} ms, first picture of the whole scan "
        f"{figures['image_ms']:.0f} ms (from {figures['positions']} positions); "
        f"longest gap of the event loop {figures['longest_gap_ms']:.0f} ms"
    )
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
