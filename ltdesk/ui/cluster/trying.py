"""What answers at an address: a dask scheduler, a storage. For threads; nothing here knows Qt."""

from __future__ import annotations

import math
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ltdesk.errors import ClusterError, LtdeskError, NotInStorage, os_error_text
from ltdesk.ui.look.figures import time_text
from ltdesk.ui.look.sizes import size_text

if TYPE_CHECKING:  # it loads dask
    from ltdesk.engine.cluster import ClusterExecutor

TIMEOUT = 5.0
"""Seconds that an address has to answer."""


@dataclass(frozen=True, eq=False)
class Tried:
    """What came of an address.

    Attributes
    ----------
    address : as it was typed
    words : what answers there, and how quickly
    error : why it is of no use; None: it is
    executor : the connection, where it is a scheduler's
    """

    address: str
    words: str = ""
    error: LtdeskError | None = None
    executor: ClusterExecutor | None = None

    def close(self) -> None:
        """Let go of the connection."""
        if self.executor is not None:
            self.executor.close()


def try_scheduler(address: str) -> Tried:
    """Connect to what computes. A lost connection is sought again for as long as the executor is not closed."""
    from ltdesk.engine.cluster import ClusterExecutor
    from ltdesk.engine.connect import connect

    try:
        if address.startswith(("tcp:", "tls:")):
            _must_listen(address)
        executor = connect(address, timeout=TIMEOUT, lost_patience=math.inf)
    except LtdeskError as error:
        return Tried(address, error=error)
    assert isinstance(executor, ClusterExecutor)
    return Tried(address, scheduler_words(executor), executor=executor)


def _must_listen(address: str) -> None:
    """Raises ClusterError where nothing listens, which dask would find out again and again until time is over."""
    from ltdesk.engine.cluster_connect import check_address

    check_address(address)
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname, parts.port), TIMEOUT).close()
    except OSError as error:
        raise ClusterError(
            f"{address}: there is no dask scheduler that answers ({os_error_text(error)})",
            "Check host and port: dask scheduler says them when it starts.",
        ) from error


def scheduler_words(executor: ClusterExecutor) -> str:
    """``answers in 3 ms · 3 workers on 3 hosts · 6 threads · dask 2026.8.0``"""
    facts = executor.facts()
    workers = plural(facts.workers, "worker")
    hosts = plural(facts.hosts, "host")
    threads = plural(facts.threads, "thread")
    versions = f"ltdesk {facts.versions['ltdesk']} · dask {facts.versions['distributed']}"
    there = f"{workers} on {hosts} · {threads}" if facts.workers else "no workers yet"
    return f"answers in {_milliseconds(facts.answer_seconds)} · {there} · {versions}"


def try_storage(uri: str) -> Tried:
    """Ask for a folder of a storage, and for how much room is there."""
    from ltdesk.engine.storage import open_storage

    try:
        storage, path = open_storage(uri)
        with storage:
            there = _is_there(storage, path)
            started = time.monotonic()
            _is_there(storage, path)
            seconds = time.monotonic() - started
            room = storage.room(path)
    except LtdeskError as error:
        return Tried(uri, error=error)
    parts = [f"answers in {_milliseconds(seconds)}"]
    if room is not None:
        nodes = f" on {plural(room.nodes, 'data node')}" if room.nodes is not None else ""
        parts.append(f"{size_text(room.free)} free of {size_text(room.total)}{nodes}")
    if not there:
        parts.append("the folder is made when a scan is sent there")
    return Tried(uri, " · ".join(parts))


def _is_there(storage, path: str) -> bool:
    try:
        storage.list(path)
    except NotInStorage:
        return False
    return True


def plural(number: int, what: str) -> str:
    """``1 worker``, ``3 workers``"""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _milliseconds(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))} ms" if seconds < 1 else time_text(seconds)
