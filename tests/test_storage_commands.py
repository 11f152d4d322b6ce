"""``ltdesk ingest`` and ``ltdesk storage`` as a user runs them: subprocesses, their status, words and files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ltdesk.engine.sidecar import BEGUN, PARTITIONS
from tests.engine.formats.helpers import scan

SHAPE = (24, 30, 64, 60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "scan.npy", scan(SHAPE))
    return tmp_path


def ltdesk(*words: str, cwd: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ltdesk", *words]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert not status or len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done


def image(folder: Path, file: str) -> bytes:
    ltdesk("run", file, "--detector", "bf=disk:32,30,9", "--analysis", "com", "-o", "out.npz", cwd=folder)
    with np.load(folder / "out.npz") as found:
        return b"".join(found[name].tobytes() for name in ("bf", "com_y", "com_x", "valid"))


def test_ingest_list_run_verify_remove(folder: Path) -> None:
    uri = (folder / "store" / "twin").as_uri()
    assert ltdesk("ingest", "scan.npy", uri, cwd=folder).stdout.strip() == uri
    again = ltdesk("ingest", "scan.npy", uri, cwd=folder)
    assert "is there already, nothing was sent" in again.stderr
    (line,) = ltdesk("storage", "ls", str(folder / "store"), cwd=folder).stdout.splitlines()
    assert line.split() == ["whole", "0.006", "GB", "24", "x", "30", "of", "64", "x", "60", "<u2", "twin"]
    facts = json.loads(ltdesk("storage", "ls", "--json", uri, cwd=folder).stdout)
    assert (facts["uri"], facts["scan_shape"], facts["source"]) == (uri, [24, 30], str(folder / "scan.npy"))
    info = json.loads(ltdesk("info", uri, "--json", cwd=folder).stdout)
    assert (info["format"], info["bytes"]) == ("npy, ingested", np.prod(SHAPE) * 2)
    assert image(folder, uri) == image(folder, "scan.npy")
    assert "every partition has its checksum" in ltdesk("storage", "verify", uri, cwd=folder).stdout
    ltdesk("storage", "rm", uri, cwd=folder)
    assert ltdesk("storage", "ls", str(folder / "store"), cwd=folder).stdout == ""


def test_damage_is_said_and_put_right(folder: Path) -> None:
    ltdesk("ingest", "scan.npy", "twin", cwd=folder)
    damaged = min((folder / "twin" / PARTITIONS).iterdir())
    data = bytearray(damaged.read_bytes())
    data[1000] ^= 1
    damaged.write_bytes(data)
    found = ltdesk("storage", "verify", "twin", cwd=folder, status=1)
    assert found.stdout.splitlines() == [f"{PARTITIONS}/{damaged.name}: is damaged"]
    assert "ltdesk ingest --check" in found.stderr
    ltdesk("ingest", "--check", "scan.npy", "twin", cwd=folder)
    ltdesk("storage", "verify", "twin", cwd=folder)


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (("ingest", "scan.npy"), 2, "URI"),
        (("ingest", "nothing.npy", "twin"), 1, "does not exist"),
        (("ingest", "scan.npy", "ftp://host/twin"), 2, "is no storage"),
        (("ingest", "scan.npy", "scan.npy"), 1, "Choose another path"),
        (("ingest", "scan.npy", "."), 1, "a folder with other things in it"),
        (("storage",), 2, "action"),
        (("storage", "ls", "nothing"), 1, "is not there"),
        (("storage", "rm", "."), 1, "is not an ingested scan"),
        (("storage", "rm", "nothing"), 1, "is not there"),
        (("storage", "verify", "."), 1, "there is no ingested scan"),
        (("storage", "verify", "scan.npy"), 1, "is not an ingested scan"),
        (("info", "."), 1, "is a folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_makes_no_sense(folder: Path, words: tuple[str, ...], status: int, reason: str) -> None:
    assert reason in ltdesk(*words, cwd=folder, status=status).stderr
    assert [path.name for path in folder.iterdir()] == ["scan.npy"]


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text here")
def test_a_name_that_cannot_be_written_down(folder: Path) -> None:
    name = "caf\udce9.npy"
    (folder / "scan.npy").rename(folder / name)
    assert r"caf\xe9.npy: its name is not UTF-8" in ltdesk("ingest", name, "twin", cwd=folder, status=2).stderr
    assert not (folder / "twin").exists()


KILLED = """
import os, sys
from ltdesk.engine.ingest import ingest
from ltdesk.engine.open import open_dataset
ingest(open_dataset("scan.npy"), "twin", in_flight=1, cancelled=lambda: os.kill(os.getpid(), int(sys.argv[1])))
"""


def test_a_killed_ingest_goes_on(folder: Path) -> None:
    """By SIGKILL, in the middle: no code of ours runs any more."""
    kill = getattr(signal, "SIGKILL", signal.SIGTERM)
    script = KILLED.replace("lambda: ", "lambda: len(os.listdir('twin/partitions')) >= 2 and ")
    done = subprocess.run([sys.executable, "-c", script, str(int(kill))], cwd=folder, check=False, timeout=250)
    assert done.returncode != 0
    assert (folder / "twin" / BEGUN).exists()
    before = {path: path.stat().st_mtime_ns for path in (folder / "twin" / PARTITIONS).iterdir()}
    assert len(before) >= 2
    ltdesk("ingest", "scan.npy", "twin", cwd=folder)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert sorted(path.name for path in (folder / "twin").iterdir()) == ["dataset.json", PARTITIONS]
    assert image(folder, "twin") == image(folder, "scan.npy")


INTERRUPTED = """
import os, signal, sys
from ltdesk.cli import main
from ltdesk.engine.ingest_progress import Tally
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
interrupts = iter([signal.SIGINT])
Tally.stored = lambda *_: [os.kill(os.getpid(), number) for number in interrupts]
sys.exit(main(["ingest", "scan.npy", "twin"]))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_keeps_what_was_stored(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], cwd=folder, capture_output=True, text=True, timeout=250)
    assert done.returncode == 1
    assert done.stderr == "ltdesk: stopped; twin keeps what was stored. The same command goes on from there.\n"
    ltdesk("ingest", "scan.npy", "twin", cwd=folder)
