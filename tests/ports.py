"""Ports for servers that tests start, and start again."""

from __future__ import annotations

import random
import socket

BELOW_OUTGOING = range(15000, 32000)
"""Systems give outgoing connections the ports from 32768 on: one of those could be gone when the server comes to it."""


def free_port(host: str) -> int:
    """A port that nothing listens on now, and that no outgoing connection will have."""
    for port in random.sample(BELOW_OUTGOING, 100):
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise AssertionError(f"no free port at {host}")
