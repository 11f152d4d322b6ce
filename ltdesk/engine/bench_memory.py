"""Memory of this process beside the page cache, looked at while work goes on."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Self

STATUS = Path("/proc/self/status")
EVERY = 0.01
"""Seconds from one look to the next."""


def private_memory() -> int:
    """Bytes of memory that no file stands for; 0 where the system does not say."""
    try:
        lines = STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))


class PeakMemory:
    """The most `private_memory` between entering and leaving."""

    def __init__(self) -> None:
        self.nbytes = 0
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="ltdesk-memory", daemon=True)

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watcher.join()

    def _watch(self) -> None:
        while True:
            self.nbytes = max(self.nbytes, private_memory())
            if self._over.wait(EVERY):
                return
