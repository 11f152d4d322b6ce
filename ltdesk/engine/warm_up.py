"""Compile what the first jobs need before anybody waits for it: ``python -m ltdesk.engine.warm_up [DTYPE...]``.

Compiling holds Python's lock nearly all the time, so the window lets a process of low priority do it, once for each
version of the kernels; from then on compiled code comes from numba's cache (`ltdesk.engine.kernels`).
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from ltdesk.analysis import Analysis, CenterOfMass, MeanFrame, VirtualDetector
from ltdesk.engine.atomic import write_text
from ltdesk.engine.dataset import Dataset, Identity, Tile
from ltdesk.engine.kernels import sources_state
from ltdesk.engine.partition import prepare, run_partition
from ltdesk.engine.preview.binned import BinnedFrames
from ltdesk.engine.preview.bins import Bins
from ltdesk.engine.preview.cube import PreviewCube
from ltdesk.engine.preview.images import can_preview, preview
from ltdesk.geometry import Disk, PixelMask, Rectangle, Size2D
from ltdesk.job import DatasetRef, Job, Partition
from ltdesk.plugins import BUILT_IN

DTYPES = ("<u2", "u1", "<u4", "<f4", "<i2", "<i4")
"""What cameras write, the usual ones first."""
FRAME = (40, 40)
FACTORS = ((2, 2), (4, 4))
NICE = 19


def warm_up(dtypes: Iterable[str] = DTYPES) -> None:
    """Run every analysis on a few frames of each type, alone and together, and a preview of what has one."""
    for dtype in dtypes:
        scan = _Blank(np.dtype(dtype))
        built_in: list[Analysis] = [_typical(spec) for spec in BUILT_IN]
        for analyses in ([*_usual()], built_in):
            for one in (*([spec] for spec in analyses), analyses):
                _run(scan, one)
        for factor in FACTORS:
            _preview(scan, factor)


def load(dtype: str = DTYPES[0]) -> None:
    """Have this process load what the first looks at a scan of such pixels need: half a second of processor time.

    Does nothing where it is not compiled yet: that is for a process of its own.
    """
    if is_done():
        usual: list[Analysis] = [next(_usual()), MeanFrame(), BinnedFrames(factor=FACTORS[0])]
        for analyses in (usual[:1], usual):
            _run(_Blank(np.dtype(dtype)), analyses)


def is_done(folder: Path | None = None) -> bool:
    """Are the kernels of this version compiled already?"""
    return _marker(folder).is_file()


def mark_done(folder: Path | None = None) -> None:
    """From now on they are, until the kernels or their compiler change."""
    marker = _marker(folder)
    for old in marker.parent.glob("warm-*"):
        old.unlink(missing_ok=True)
    write_text(marker, "")


def start_process() -> subprocess.Popen[bytes] | None:
    """Let a process of low priority compile what is not compiled yet; None where there is nothing to do.

    A cache that somebody else keeps (``NUMBA_CACHE_DIR``) is left alone, and a frozen program has no Python to run.
    """
    if "NUMBA_CACHE_DIR" in os.environ or getattr(sys, "frozen", False) or is_done():
        return None
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "IDLE_PRIORITY_CLASS", 0)
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(
        [sys.executable, "-m", __name__], stdin=nowhere, stdout=nowhere, stderr=nowhere, creationflags=flags
    )


def main(dtypes: Iterable[str] = ()) -> int:
    """Compile, and remember that it is done; nothing while another process is at it, as for another window."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    with suppress(Timeout), FileLock(_folder() / "warming.lock", timeout=0):
        if dtypes or not is_done():
            warm_up(tuple(dtypes) or DTYPES)
        if not dtypes:
            mark_done()
    return 0


def _folder() -> Path:
    folder = Path(numba.config.CACHE_DIR)  # type: ignore[attr-defined]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _marker(folder: Path | None) -> Path:
    """A file whose name tells which kernels are in the cache: of what sources, by which compiler."""
    words = repr((sources_state(), numba.__version__, sys.version, DTYPES)).encode()
    return (folder or _folder()) / f"warm-{hashlib.sha256(words).hexdigest()[:16]}"


def _usual() -> Iterator[Analysis]:
    """What a window computes in its first minutes beside the analyses without parameters."""
    ky, kx = FRAME
    yield VirtualDetector(Disk(cy=ky / 2, cx=kx / 2, r=4), name="disk")
    yield VirtualDetector(PixelMask.from_array(np.linspace(0, 1, ky * kx).reshape(FRAME)), name="weighted")
    yield CenterOfMass(name="masked", mask=Disk(cy=ky / 2, cx=kx / 2, r=6))


def _typical(spec: type[Analysis]) -> Analysis:
    if spec is VirtualDetector:
        return VirtualDetector(Rectangle(y0=2, x0=2, y1=9, x1=9), name="box")
    return spec()  # type: ignore[call-arg]


def _run(scan: _Blank, analyses: list[Analysis]) -> None:
    prepared = prepare(Job(dataset=scan.ref, analyses=tuple(analyses)), scan)
    for partition in scan.plan():
        run_partition(prepared, partition)


def _preview(scan: _Blank, factor: Size2D) -> None:
    cube = PreviewCube(scan, Bins(factor, FRAME))
    prepared = prepare(Job(dataset=scan.ref, analyses=(cube.analysis,)), scan)
    for partition in scan.plan():
        cube.take(run_partition(prepared, partition))
    for spec in (*_usual(), *(_typical(spec) for spec in BUILT_IN if spec is not VirtualDetector)):
        if can_preview(spec):
            preview(cube, spec, scan)


class _Blank(Dataset):
    """A few frames of ones."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        super().__init__(DatasetRef(uri="warm-up"), (2, 3), FRAME, dtype, "warm-up")

    def _read_frame(self, y: int, x: int) -> NDArray[Any]:
        return np.ones(self.frame_shape, self.dtype)

    def tiles(self, partition: Partition) -> Iterator[Tile]:
        yield Tile(0, np.ones((partition.size, *self.frame_shape), self.dtype))

    def identity(self) -> Identity:
        return Identity(path="warm-up", size=0, mtime_ns=0, header_hash="")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
