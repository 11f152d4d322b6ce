"""Arrays that were freed are used again, unless the user says otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ltdesk.engine.freed_memory import ASKED_FOR

FAULTS = """
import resource
import numpy as np
from ltdesk.engine.local import LocalExecutor

def pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    images = [np.full(65536, 1.0) for _ in range(16)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

LocalExecutor(1)
pages()
print(pages())
"""
PAGES = 16 * 65536 * 8 // 4096


@pytest.mark.skipif(
    sys.platform != "linux" or "gnu" not in sys.implementation._multiarch, reason="glibc only, which Linux has"
)
def test_freed_arrays_are_used_again() -> None:
    assert _faults() < PAGES / 10


@pytest.mark.skipif(
    sys.platform != "linux" or "gnu" not in sys.implementation._multiarch, reason="glibc only, which Linux has"
)
def test_what_the_environment_says_goes_first() -> None:
    assert _faults(MALLOC_TRIM_THRESHOLD_="65536") > PAGES / 2


def _faults(**said: str) -> int:
    """Pages that sixteen images cost the second time."""
    environment = {name: value for name, value in os.environ.items() if name not in ASKED_FOR} | said
    done = subprocess.run([sys.executable, "-c", FAULTS], env=environment, capture_output=True, text=True, check=True)
    return int(done.stdout)
