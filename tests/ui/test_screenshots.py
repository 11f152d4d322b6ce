"""The script that makes the documentation's pictures works in the real window: it must not rot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PyQt5.QtGui import QImage

ROOT = Path(__file__).resolve().parents[2]
NAMES = {
    "welcome", "start", "dragging", "composite", "centre-of-mass", "analysis-direction", "analysis-profile", "error",
}  # fmt: skip


def test_every_picture_is_made_anew(tmp_path: Path, qapp: object) -> None:
    command = [sys.executable, str(ROOT / "packaging" / "screenshots.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    pictures = {path.stem: QImage(str(path)) for path in tmp_path.glob("*.png")}
    assert set(pictures) == NAMES
    assert {(picture.width(), picture.height()) for picture in pictures.values()} == {(1280, 800)}


def test_the_pictures_in_the_documentation_are_these() -> None:
    assert {path.stem for path in (ROOT / "docs" / "images").glob("*.png")} >= NAMES
