"""The plug-in that CONTRIBUTING.md tells to copy does what is said of it."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

PLUG_IN = Path(__file__).resolve().parent.parent / "docs" / "plug-in"
SCAN, FRAME = (5, 7), (6, 4)


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(3).integers(3, 999, (*SCAN, *FRAME)).astype("<u2")


@pytest.fixture
def scan(tmp_path: Path, frames: np.ndarray) -> Path:
    path = tmp_path / "scan.exmp"
    path.write_bytes(b"EXMP" + np.array([*SCAN, *FRAME], "<u2").tobytes() + frames.tobytes())
    return path


@pytest.fixture
def installed(tmp_path: Path) -> str:
    """A folder that, on Python's path, installs the plug-in by the entry points that it states."""
    project = tomllib.loads((PLUG_IN / "pyproject.toml").read_text())["project"]
    info = tmp_path / "site" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"].items()
    lines = [f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in of.items()) for group, of in groups]
    (info / "entry_points.txt").write_text("\n".join(lines))
    return os.pathsep.join([str(info.parent), str(PLUG_IN)])


def ltdesk(path: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ltdesk", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250, check=False)


def test_its_analysis_runs_on_its_format(tmp_path: Path, scan: Path, frames: np.ndarray, installed: str) -> None:
    done = ltdesk(installed, "run", scan, "-o", tmp_path / "o.npz", "--analysis", "peak:floor=2")
    assert (done.returncode, done.stderr) == (0, "")
    above = frames.astype(np.float64) - 2
    with np.load(tmp_path / "o.npz") as results:
        np.testing.assert_allclose(results["peak"], above.max(axis=(2, 3)) / above.mean(axis=(2, 3)))
        assert results["valid"].all()


def test_a_cut_file_keeps_its_good_frames(tmp_path: Path, scan: Path, installed: str) -> None:
    """Frames are described, not read, so that damage needs no code."""
    scan.write_bytes(scan.read_bytes()[:-100])
    done = ltdesk(installed, "run", scan, "-o", tmp_path / "o.npz", "--analysis", "peak")
    assert done.returncode == 0, done.stderr
    assert "32 of 35 frames" in done.stderr
    with np.load(tmp_path / "o.npz") as results:
        assert results["valid"].sum() == 32
        assert np.isnan(results["peak"]).sum() == 3


def test_a_number_that_makes_no_sense_is_refused_by_its_spec(tmp_path: Path, scan: Path, installed: str) -> None:
    done = ltdesk(installed, "run", scan, "-o", tmp_path / "o.npz", "--analysis", "peak:floor=-1")
    assert done.returncode == 2
    assert "floor" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_header_that_is_cut_short_is_said(scan: Path, installed: str) -> None:
    scan.write_bytes(b"EXMP\x05")
    done = ltdesk(installed, "info", scan)
    assert done.returncode == 1
    assert done.stderr.startswith(f"ltdesk: {scan}: its header is cut short")
