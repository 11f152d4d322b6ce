"""How many files a scan may keep mapped: as the system has it, not a number of ours."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

SCANS = 4
"""Scans that a process has open beside one another, as a worker does."""
FILES_WANTED = 1 << 16
FEWEST = 8


@cache
def most_maps() -> int:
    """Files of one scan that may stay mapped: a quarter of the areas of memory that can be watched and mapped, and of
    half the files that may be open, since each map holds two. With 64 MiB to a file that is 64 GiB."""
    from ltdesk.engine.fault_guard import SLOTS

    return max(FEWEST, min(SLOTS, _areas() // 2, _open_files() // 4) // SCANS)


def _areas() -> int:
    with suppress(OSError, ValueError):
        return int(Path("/proc/sys/vm/max_map_count").read_text())
    return 1 << 16


def _open_files() -> int:
    """Files that this process may have open: it may have as many as the system grants, the usual 1024 are for programs
    that call ``select``."""
    if sys.platform == "win32":
        return FILES_WANTED
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return FILES_WANTED if soft == resource.RLIM_INFINITY else soft
