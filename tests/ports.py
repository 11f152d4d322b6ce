"""Ports for servers that tests start, and start again."""

from __future__ import annotations

import os
import random
import socket

BELOW_OUTGOING = range(15000, 32000)
"""Systems give outgoing connections the ports from 32768 on: one of those could be gone when the server comes to it."""
_given: set[int] = set()


def free_port() -> int:
    """A port that nothing listens on now at any address, that no outgoing connection will have, and nobody else who
    asks here, in any of pytest's processes: the server may come to it much later, and may listen at all addresses."""
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    left = [port for port in BELOW_OUTGOING[process::processes] if port not in _given]
    for port in random.sample(left, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
            _given.add(port)
            return port
    raise AssertionError("no free port")
