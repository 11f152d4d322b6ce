"""The command line where nobody takes what it prints, where its terminal closes, and its one line on standard error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.test_cli import files, ltdesk

posix = pytest.mark.skipif(sys.platform == "win32", reason="streams and signals of POSIX")
PRINTING = {
    "info": ("info", "scan.npy"),
    "run": ("run", "scan.npy", "-o", "out.npz", "--analysis", "sum_signal"),
    "version": ("--version",),
    "analyses": ("run", "--analysis", "help"),
    "help": ("run", "--help"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "scan.npy", np.ones((4, 5, 6, 7), np.uint8))
    return tmp_path


def printing_to(stdout: int, words: tuple[str, ...], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ltdesk", *words]
    inherited = {**os.environ, "PYTHONUNBUFFERED": "", **environment}
    return subprocess.run(
        command, cwd=cwd, env=inherited, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=250
    )


@posix
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("name", ["info", "run", "version"])
def test_a_reader_that_has_gone_ends_a_command_quietly(folder: Path, name: str, unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = printing_to(writer, PRINTING[name], folder, PYTHONUNBUFFERED=unbuffered)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("name", ["info", "version", "analyses"])
def test_an_output_without_space_is_said(folder: Path, name: str, unbuffered: str) -> None:
    with open("/dev/full", "w") as full:
        done = printing_to(full.fileno(), PRINTING[name], folder, PYTHONUNBUFFERED=unbuffered)
    said = "ltdesk: standard output: cannot be written: No space left on device. Choose another place for it.\n"
    assert (done.returncode, done.stderr) == (1, said)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")
def test_help_without_space_is_said(folder: Path) -> None:
    """argparse prints it, and leaves it in the buffer."""
    with open("/dev/full", "w") as full:
        done = printing_to(full.fileno(), PRINTING["help"], folder)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr


def test_a_name_that_the_output_cannot_say_is_printed_with_escapes(folder: Path) -> None:
    (folder / "scan.npy").rename(folder / "Ω.npy")
    words = ("run", "Ω.npy", "-o", "Ω.npz", "--analysis", "sum_signal")
    done = printing_to(subprocess.PIPE, words, folder, PYTHONIOENCODING="cp1252")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "\\u03a9.npz", "")
    assert "Ω.npz" in files(folder)


def test_a_wrong_word_of_several_lines_is_said_in_one(folder: Path) -> None:
    ltdesk(*PRINTING["run"], "--threads", "1\n2", cwd=folder, status=2)


@posix
def test_a_terminal_that_closes_leaves_no_half_file(folder: Path) -> None:
    command = [sys.executable, "-m", "ltdesk", "demo", "--size", "medium", "--out", "demo.h5"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    while files(folder) == {"scan.npy"}:
        assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGHUP)
    _, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (1, "ltdesk: stopped; nothing was written\n")
    assert files(folder) == {"scan.npy"}


PROGRAM = """
import os, signal, sys
from ltdesk import cli
from ltdesk.commands import info
if {ignored}:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
def main(args):
    try:
        os.kill(os.getpid(), signal.SIGHUP)
    finally:
        os.kill(os.getpid(), signal.SIGHUP)
        print("cleaned up", flush=True)
    return 0
info.main = main
sys.exit(cli.main(["info", "scan.npy"]))
"""


@posix
@pytest.mark.parametrize("ignored", [True, False])
def test_what_cleans_up_is_not_stopped_again_and_nohup_holds(folder: Path, ignored: bool) -> None:
    command = [sys.executable, "-c", PROGRAM.format(ignored=ignored)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=250)
    assert (done.returncode, done.stdout) == (0 if ignored else 1, "cleaned up\n"), done.stderr
