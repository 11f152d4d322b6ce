"""`make run`: open the window on the demo scan; without a display run the same job headless, for its picture.

.venv/bin/python packaging/first_run.py FOLDER
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LTDESK = [sys.executable, "-m", "ltdesk"]
# The demo's frames are 96 × 96: the direct beam, and the Bragg spots around it.
DETECTORS = ["--detector", "BF=disk:47.5,47.5,8", "--detector", "DF=ring:47.5,47.5,12,47"]
OPEN_DISPLAY = "from PyQt5.QtGui import QGuiApplication; QGuiApplication([])"


def main(folder: Path) -> int:
    reason = why_no_window()
    if reason is None:
        return subprocess.run([*LTDESK, "demo"], check=False).returncode
    print(f"{reason}: no window, the same job runs headless.", flush=True)
    return run_headless(folder)


def why_no_window() -> str | None:
    """Why a window can't be shown here; None where it can."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return "There is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    # Qt aborts the process that can't reach its display, so another one tries.
    tried = subprocess.run([sys.executable, "-c", OPEN_DISPLAY], capture_output=True, text=True, check=False)
    if tried.returncode == 0:
        return None
    said = tried.stderr.strip().splitlines()
    return f"Qt can't open a window ({said[0] if said else f'exit status {tried.returncode}'})"


def run_headless(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    scan, picture = folder / "demo.h5", folder / "demo.png"
    for command in (["demo", "--out", str(scan)], ["run", str(scan), *DETECTORS, "-o", str(picture)]):
        print("ltdesk", *command, flush=True)
        status = subprocess.run([*LTDESK, *command], check=False).returncode
        if status:
            return status
    for made in sorted(folder.glob("demo*.png")):
        print(f"The picture is in {made.resolve()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
