"""A peer of ltdesk: a process with a virtual environment of its own, asked by a line, answering by a line.

The peers are found in a folder that ``benchmarks/peers/set_up.py`` makes: its ``peers.json`` has a command for each.
What is asked and answered is written down in ``benchmarks/peers/protocol.py``.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ltdesk.errors import LtdeskError, UsageError

LISTED_IN = "peers.json"
ANSWERS_WITHIN = 600.0
"""Seconds: some import and compile for minutes on a busy machine."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class PeerError(LtdeskError):
    """A peer has nothing for a case, can't do it, or is gone."""


def peer_commands(folder: Path, names: str) -> dict[str, list[str]]:
    """The commands of peers by their names, joined by commas, or of all. Raises UsageError for one that isn't there."""
    try:
        listed: dict[str, list[str]] = json.loads((folder / LISTED_IN).read_text())
    except FileNotFoundError as error:
        way_out = "Make their environments with: python benchmarks/peers/set_up.py."
        raise UsageError(f"{folder}: no peers are set up there", way_out) from error
    wanted = list(listed) if names == "all" else names.split(",")
    for name in wanted:
        if name not in listed:
            raise UsageError(f"--peers {name}: there is no such peer", f"Peers are {', '.join(listed)}.")
    return {name: listed[name] for name in wanted}


class Peer:
    """A process that is running, until it is closed; its libraries take this many threads."""

    def __init__(self, name: str, command: list[str], threads: int = 1, timeout: float = ANSWERS_WITHIN) -> None:
        self.name = name
        self._timeout = timeout
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (as long as the process)
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._errors}
        environment = {**os.environ, **dict.fromkeys(_THREADS, str(threads))}
        try:
            self._process = subprocess.Popen(command, **pipes, env=environment, text=True, encoding="utf-8")
        except OSError as error:
            self._errors.close()
            raise PeerError(f"{name}: cannot be started: {error}") from error
        self._answers: queue.Queue[str] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, name=f"peer {name}", daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def ask(self, do: str, **more: Any) -> dict[str, Any]:
        """One request and its answer. Raises PeerError with the reason where there is none."""
        if self._process.poll() is not None:
            raise PeerError(self._how_it_ended())
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
            self._process.stdin.flush()
            line = self._answers.get(timeout=self._timeout)
        except OSError:
            line = ""
        except queue.Empty:
            self._process.kill()
            self._process.wait()
            raise PeerError(f"{self.name}: no answer within {self._timeout:g} s") from None
        if not line:
            self._process.wait()
            raise PeerError(self._how_it_ended())
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError:
            raise PeerError(f"{self.name}: is no peer: it said {line.strip()!r}") from None
        if not answer["ok"]:
            raise PeerError(answer["reason"])
        return answer

    def close(self) -> None:
        """End it, and wait until it has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):  # it may be gone already
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join()
        self._process.stdout.close()
        self._errors.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")

    def _how_it_ended(self) -> str:
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip().splitlines()
        return f"{self.name}: its process ended with {self._process.returncode}: {said[-1] if said else 'no word'}"
