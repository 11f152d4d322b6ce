"""Kernels are compiled before anybody waits for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from filelock import FileLock
from numba.core.ccallback import CFunc
from numba.core.dispatcher import Dispatcher

import ltdesk
from ltdesk.analysis import CenterOfMass, MeanFrame, SumSignal, VirtualDetector
from ltdesk.engine import warm_up
from ltdesk.engine.local import LocalExecutor
from ltdesk.engine.open import open_dataset
from ltdesk.engine.preview.previews import Previews
from ltdesk.geometry import Disk, PixelMask, Ring
from ltdesk.job import Job


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of kernels that are compiled, or loaded from the cache, from now on."""
    names: list[str] = []
    compile_, compile_step = Dispatcher.compile, CFunc.compile

    def watched(self: Any, signature: Any) -> Any:
        names.append(self.py_func.__qualname__)
        return compile_(self, signature)

    def watched_step(self: Any) -> Any:
        names.append(self.__wrapped__.__qualname__)
        return compile_step(self)

    monkeypatch.setattr(Dispatcher, "compile", watched)
    monkeypatch.setattr(CFunc, "compile", watched_step)
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
        weighted = VirtualDetector(PixelMask.from_array(np.linspace(-1, 1, 40 * 44).reshape(40, 44)), name="weighted")
        inside = CenterOfMass(name="inside", mask=disk.shape)
        for analyses in ((disk, MeanFrame(), CenterOfMass(), SumSignal()), (weighted, inside), (inside,)):
            previews.submit(Job(dataset=dataset.ref, analyses=analyses), dataset).result(300)
        for shape in (Disk(cy=20, cx=21, r=8), Ring(cy=20, cx=21, r_in=6, r_out=15)):
            dragged = VirtualDetector(shape, name="disk")
            assert previews.images(dataset, dragged) is not None
            executor.submit(Job(dataset=dataset.ref, analyses=(dragged,)), dataset).result(300)
        assert previews.images(dataset, CenterOfMass()) is not None
        previews.close()
    assert compiled == []


SUMS = """
import sys
import numpy as np
from numba.core import caching
from ltdesk.engine.kernels import masks, steps
from ltdesk.engine.kernels.frames import as_frames
saved = []
save = caching.Cache.save_overload
caching.Cache.save_overload = lambda self, sig, data: (saved.append(self._name), save(self, sig, data))
mask = np.arange(64).reshape(8, 8) % 7 == 0
for dtype in sys.argv[1:]:
    frames = np.ones((2, 8, 8), dtype)
    out = np.zeros(2, np.uint64 if frames.dtype.kind == "u" else np.float64)
    step = masks.masked_step(frames.dtype, masks.Masks([mask], frames.dtype), [out])
    steps.take(as_frames(frames), [step], 2)
    assert (out == mask.sum()).all(), (dtype, out)
print(len(saved))
"""


def compiled_for_sums(cache: Path, *dtypes: str, program: Path | None = None) -> int:
    """How many functions another process compiled to sum frames of these types."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    command = [sys.executable, "-c", SUMS, *dtypes]
    done = subprocess.run(
        command, cwd=program, env=environment, capture_output=True, text=True, check=False, timeout=250
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_what_one_process_compiled_the_next_one_loads(tmp_path: Path) -> None:
    """Kernels that are built of others too: they were compiled again in every process."""
    assert compiled_for_sums(tmp_path, "<u2") > 1
    assert compiled_for_sums(tmp_path, "<u2") == 0


def test_processes_that_fill_one_cache_at_once_do_not_mix_up_their_code(tmp_path: Path) -> None:
    """As when both have looked into an empty cache before either writes: the index of one, the code of both."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    assert compiled_for_sums(ours, "<u2") > 1
    assert compiled_for_sums(theirs, "<f4") > 1
    for path in theirs.glob("**/*.nbc"):
        shutil.copy(path, ours / path.relative_to(theirs))
    assert compiled_for_sums(ours, "<u2") == 0
    assert compiled_for_sums(ours, "<f4", "<u2") > 1
    assert compiled_for_sums(ours, "<u2", "<f4") == 0


CENTRES = """
import itertools, sys
import numpy as np
from numba.core.bytecode import FunctionIdentity
from ltdesk.engine.kernels.frames import as_frames
from ltdesk.engine.kernels.moments import Moments, centre_step
from ltdesk.engine.kernels.steps import take
FunctionIdentity._unique_ids = itertools.repeat(7)  # of other processes it may be any, so the same
frames = np.random.default_rng(0).integers(0, 65535, (3, 40, 50), dtype=np.uint16)  # too many to be summed in 16 bits
for name in sys.argv[1:]:
    mask = np.zeros((40, 50), np.bool_)
    mask[slice(*(0, 40) if name == "whole" else (5, 30)), slice(*(0, 50) if name == "whole" else (3, 29))] = True
    found = np.empty((3, 2))
    moments = Moments((40, 50), (0, 0), frames.dtype, None if name == "whole" else mask)
    take(as_frames(frames), [centre_step(frames.dtype, moments, found)], 8)
    y, x = np.indices(mask.shape)
    inside = frames * mask.astype(np.int64)
    expected = np.stack([(inside * y).sum((1, 2)), (inside * x).sum((1, 2))], axis=1) / inside.sum((1, 2))[:, None]
    assert np.allclose(found, expected, rtol=1e-12), (name, found, expected)
"""


@pytest.mark.parametrize("last", [("whole", "inside"), ("inside", "whole")])
def test_closures_of_one_factory_from_several_processes_keep_their_code(tmp_path: Path, last: tuple[str, str]) -> None:
    """Moments inside a mask and of whole frames differ in nothing but what they close over."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    for names in (("inside",), ("whole",), last):
        command = [sys.executable, "-c", CENTRES, *names]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=250)
        assert done.returncode == 0, done.stderr


def test_compiled_code_does_not_outlive_the_functions_compiled_into_it(tmp_path: Path) -> None:
    program = tmp_path / "program"
    shutil.copytree(Path(ltdesk.__file__).parent, program / "ltdesk", ignore=shutil.ignore_patterns("__pycache__"))
    cache = tmp_path / "cache"
    first = compiled_for_sums(cache, "<u2", program=program)
    assert first > 1
    assert compiled_for_sums(cache, "<u2", program=program) == 0
    files = len(list(cache.glob("**/*.nbc")))
    changed = program / "ltdesk" / "engine" / "kernels" / "prefetch.py"
    changed.write_text(changed.read_text() + "\n# changed\n")
    assert compiled_for_sums(cache, "<u2", program=program) == first
    assert len(list(cache.glob("**/*.nbc"))) == files, "what is of no use any more is gone"


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


def test_one_process_compiles_at_a_time(tmp_path: Path) -> None:
    """As for windows that are open together: each compiled the same, slower for the others."""
    command = [sys.executable, "-m", "ltdesk.engine.warm_up", "no-such-type"]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    with FileLock(tmp_path / "warming.lock"):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=250)
        assert (done.returncode, done.stderr) == (0, "")
    assert subprocess.run(command, env=environment, capture_output=True, check=False, timeout=250).returncode != 0


def test_a_cache_that_somebody_else_keeps_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "somewhere")
    assert warm_up.start_process() is None
