"""How many files stay mapped, in processes to which the system grants few and many."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ltdesk.engine.ingest import ingest
from ltdesk.engine.open import open_dataset

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")

RUN = """
import json, os, resource, sys
soft, hard, uri = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
from ltdesk.analysis import SumFrame
from ltdesk.engine.local import LocalExecutor
from ltdesk.engine.map_limits import most_maps
from ltdesk.engine.open import open_dataset
from ltdesk.job import Job
with open_dataset(uri) as stored, LocalExecutor(2) as local:
    for _ in range(2):
        results = local.submit(Job(dataset=stored.ref, analyses=(SumFrame(),)), stored).result(120)
    maps = len(stored._files)
    print(json.dumps([int(results["sum_frame"].sum()), results.execution["bytes_mapped"], most_maps(), maps]))
"""


@pytest.mark.parametrize(("soft", "hard", "kept"), [(64, 64, 8), (64, 512, 24)])
def test_few_open_files_are_enough(tmp_path: Path, soft: int, hard: int, kept: int) -> None:
    """24 partitions of a MiB; a limit that may be raised is."""
    array = np.random.default_rng(2).integers(0, 9, (24, 64, 128, 128), dtype="u1")
    np.save(tmp_path / "scan.npy", array)
    with open_dataset(str(tmp_path / "scan.npy")) as source:
        uri = ingest(source, str(tmp_path / "twin")).uri
    words = [sys.executable, "-c", RUN, str(soft), str(hard), uri]
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    total, mapped, most, maps = json.loads(told.stdout)
    assert total == array.sum()
    assert mapped == array.nbytes, "nothing had to be read for want of a map"
    assert maps == min(most, 24) == kept
