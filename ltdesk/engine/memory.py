"""How much memory this machine has."""

from __future__ import annotations

import os


def memory_bytes() -> int | None:
    """All of it; None where the system doesn't say. Windows doesn't, but refuses an array that it has no room for."""
    try:
        pages = os.sysconf("SC_PHYS_PAGES")
        return pages * os.sysconf("SC_PAGE_SIZE") if pages > 0 else None
    except (AttributeError, OSError, ValueError):
        return None
