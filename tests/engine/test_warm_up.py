"""Kernels are compiled before anybody waits for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from ltdesk.analysis import CenterOfMass, MeanFrame, SumSignal, VirtualDetector
from ltdesk.engine import warm_up
from ltdesk.engine.local import LocalExecutor
from ltdesk.engine.open import open_dataset
from ltdesk.engine.preview.previews import Previews
from ltdesk.geometry import Disk, Ring
from ltdesk.job import Job


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of kernels that are compiled, or loaded from the cache, from now on."""
    names: list[str] = []
    compile_ = Dispatcher.compile

    def watched(self: Any, signature: Any) -> Any:
        names.append(self.py_func.__qualname__)
        return compile_(self, signature)

    monkeypatch.setattr(Dispatcher, "compile", watched)
    return names


def test_after_it_neither_the_first_job_nor_the_first_drag_compiles_anything(
    tmp_path: Path, compiled: list[str]
) -> None:
    warm_up.warm_up(["<u2"])
    compiled.clear()
    np.save(tmp_path / "scan.npy", np.random.default_rng(0).poisson(3.0, (9, 8, 40, 44)).astype(np.uint16))
    disk = VirtualDetector(Disk(cy=19, cx=21, r=8), name="disk")
    with open_dataset(str(tmp_path / "scan.npy")) as dataset, LocalExecutor(2) as executor:
        previews = Previews(executor, smallest=0)
        previews.open(dataset)
        first = Job(dataset=dataset.ref, analyses=(disk, MeanFrame(), CenterOfMass(), SumSignal()))
        previews.submit(first, dataset).result(300)
        for shape in (Disk(cy=20, cx=21, r=8), Ring(cy=20, cx=21, r_in=6, r_out=15)):
            dragged = VirtualDetector(shape, name="disk")
            assert previews.images(dataset, dragged) is not None
            executor.submit(Job(dataset=dataset.ref, analyses=(dragged,)), dataset).result(300)
        assert previews.images(dataset, CenterOfMass()) is not None
        previews.close()
    assert compiled == []


def test_what_one_process_compiled_the_next_one_loads(tmp_path: Path) -> None:
    """Kernels that are built of others too: they were compiled again in every process."""
    program = """
import numpy as np
from numba.core import caching
from ltdesk.engine.kernels import masks
saved = []
save = caching.Cache.save_overload
caching.Cache.save_overload = lambda self, sig, data: (saved.append(self._name), save(self, sig, data))
mask = np.arange(64).reshape(8, 8) % 7 == 0
frames = np.ones(128, np.uint16)
frames.flags.writeable = False
out = np.zeros((2, 1), np.uint64)
masks.masked_sums(frames, 64, masks.Masks([mask], np.dtype(np.uint16)), out)
assert (out == mask.sum()).all()
print(len(saved))
"""
    counts = []
    for _ in range(2):
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        counts.append(int(done.stdout))
    assert counts[0] > 1
    assert counts[1] == 0


def test_what_is_done_is_known_until_a_kernel_or_the_compiler_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not warm_up.is_done(tmp_path)
    warm_up.mark_done(tmp_path)
    assert warm_up.is_done(tmp_path)
    monkeypatch.setattr(numba, "__version__", "another")
    assert not warm_up.is_done(tmp_path)
    warm_up.mark_done(tmp_path)
    assert len(os.listdir(tmp_path)) == 1  # the mark of before is gone


def test_it_runs_as_a_process(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ltdesk.engine.warm_up", "no-such-type"], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "no-such-type" in done.stderr


def test_a_cache_that_somebody_else_keeps_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "somewhere")
    assert warm_up.start_process() is None
