"""Arrays that were freed are used again, unless the user says otherwise."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from ltdesk.engine.freed_memory import ASKED_FOR

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries know no such wish")

HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
PAGES = 16 * 65536 * 8 // os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
"""Of sixteen images."""

COUNT_PAGES = """
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


def test_freed_arrays_are_used_again() -> None:
    assert _pages_of_the_second_time() < PAGES / 10


@pytest.mark.skipif(
    HUGE_PAGES.is_file() and "[always]" in HUGE_PAGES.read_text(), reason="the system hands out huge pages unasked"
)
def test_what_the_environment_says_goes_first() -> None:
    assert _pages_of_the_second_time(MALLOC_TRIM_THRESHOLD_="65536") > PAGES / 2


def _pages_of_the_second_time(**said: str) -> int:
    environment = {name: value for name, value in os.environ.items() if name not in ASKED_FOR} | said
    done = subprocess.run(
        [sys.executable, "-c", COUNT_PAGES], env=environment, capture_output=True, text=True, check=True
    )
    return int(done.stdout)
