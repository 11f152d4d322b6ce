"""The peer's end of the conversation with ``ltdesk bench --peers``: JSON, a line each way, over stdin and stdout.

A peer is a process that lives as long as its comparison, so that importing and loading are paid for once. It answers

    {"do": "open", "path": FILE, "dataset": PATH IN IT, "threads": N}   {"ok": true, "version": TEXT, "seconds": S}
    {"do": "prepare", "case": CASE}                                      {"ok": true, "tolerance": T}
    {"do": "run", "save": FILE.npz or null}                              {"ok": true, "seconds": S}
    {"do": "memory"}                                                     {"ok": true, "peak_mb": M}

or ``{"ok": false, "reason": TEXT}``, and ends with its input. CASE is ``{"name", "analyses": [...], "masks": FILE.npy
or null}``; an analysis has "kind" and "name", and besides

    virtual_detector   "mask": its place among the masks (n, ky, kx) float64;
                       "ring": [cy, cx, r_in, r_out], where it is a ring or disk, else null
    com                "cy", "cx": relative to what
    radial             "cy", "cx", "nbins"

Results are saved under the names that ltdesk gives them: a detector's; com_y, com_x; sum_frame; std_frame; …
`seconds` are those of the library's own call, from a loaded or opened scan to numpy arrays.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

Results = Mapping[str, np.ndarray]
Work = Callable[[], Results]
CHECKED_TO = 1e-5
"""How near results must be to numpy's, in parts of the largest value: most peers add in float32."""


class NotOffered(Exception):
    """The library has nothing for this."""


class Peer(Protocol):
    """What a library is asked for."""

    version: str

    def open(self, path: str, dataset: str, threads: int) -> None:
        """Open or load the scan, whichever lets it compute faster."""

    def prepare(self, analyses: list[dict[str, Any]], masks: np.ndarray | None) -> Work:
        """What computes all of these, in one pass over the scan where it can. Raises NotOffered."""


def serve(peer: Peer) -> None:
    """Answer until the input ends. What libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    conversation = _Conversation(peer)
    for line in sys.stdin:
        answers.write(json.dumps(conversation.answer(json.loads(line))) + "\n")
        answers.flush()
    getattr(peer, "close", lambda: None)()


class _Conversation:
    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._work: Work = dict

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"ok": True, **getattr(self, f"_{request.pop('do')}")(**request)}
        except Exception as error:  # whatever a library raises is the reason
            return {"ok": False, "reason": str(error) or type(error).__name__}

    def _open(self, path: str, dataset: str, threads: int) -> dict[str, Any]:
        started = time.perf_counter()
        self._peer.open(path, dataset, threads)
        return {"version": self._peer.version, "seconds": time.perf_counter() - started}

    def _prepare(self, case: dict[str, Any]) -> dict[str, Any]:
        masks = None if case["masks"] is None else np.load(case["masks"])
        self._work = self._peer.prepare(case["analyses"], masks)
        return {"tolerance": getattr(self._work, "tolerance", CHECKED_TO)}

    def _run(self, save: str | None) -> dict[str, Any]:
        started = time.perf_counter()
        results = self._work()
        seconds = time.perf_counter() - started
        if save is not None:
            np.savez(save, **{name: np.asarray(result) for name, result in results.items()})
        return {"seconds": seconds}

    def _memory(self) -> dict[str, Any]:
        return {"peak_mb": sum(map(_peak, [os.getpid(), *_descendants(os.getpid())]))}


def one_after_the_other(work: list[Work]) -> Work:
    """For libraries that take one thing at a time."""

    def run() -> Results:
        return {name: result for part in work for name, result in part().items()}

    run.tolerance = max(getattr(part, "tolerance", CHECKED_TO) for part in work)  # type: ignore[attr-defined]
    return run


def _descendants(pid: int) -> list[int]:
    """Linux alone tells."""
    try:
        children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [found for child in children for found in (child, *_descendants(child))]


def _peak(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)
