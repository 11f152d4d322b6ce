"""The demo scan: a simulated 4D-STEM scan with its ground truth beside it, in one HDF5 file.

``/data`` is the scan ``(sy, sx, ky, kx)`` u16, contiguous and page-aligned, so that it can be mapped, with
the attributes that real scans in this format carry; ``/truth`` is the ground truth (`DemoTruth`). The same
size and seed give the same file whatever the number of threads.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import h5py
import platformdirs

from ltdesk.engine.atomic import atomic_path
from ltdesk.engine.demo.camera import SIZES, DemoSize
from ltdesk.engine.demo.truth import DemoTruth, read_truth, truth_of
from ltdesk.errors import ExportError, UsageError, os_error_text

__all__ = ["DEMO_SEED", "SIZES", "DemoTruth", "demo_path", "ensure_demo", "make_demo", "read_truth"]

Size = Literal["small", "medium", "large"]
DEMO_SEED = 2026
VERSION = 3  # of what is simulated: a demo of another version in the cache is made again
ROOM_BYTES = 64 << 20  # for the truth and the file system's own needs
ABANDONED_SECONDS = 3600.0  # a demo being made writes several times a second


def demo_path(size: Size = "small") -> Path:
    """Where the demo of a size is kept: in the user's cache folder, or in ``LTDESK_CACHE_DIR``."""
    _size(size)
    base = os.environ.get("LTDESK_CACHE_DIR") or platformdirs.user_cache_dir("ltdesk", appauthor=False)
    return Path(base) / f"demo-{size}.h5"


def ensure_demo(
    size: Size = "small",
    *,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """The demo in the cache: made on first use, reused while it is whole. Raises as `make_demo` does."""
    path = demo_path(size)
    if not _is_whole(path, size):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            way_out = "Set LTDESK_CACHE_DIR to a folder that you can write to."
            raise ExportError(f"{path.parent}: {os_error_text(error)}", way_out) from error
        _remove_abandoned(path)
        make_demo(path, size, progress=progress, cancelled=cancelled)
    return path


def make_demo(
    path: Path | str,
    size: Size = "small",
    *,
    seed: int = DEMO_SEED,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    threads: int | None = None,
) -> DemoTruth:
    """Makes a demo scan at `path` (replaced when it is there) and returns its truth.

    Parameters
    ----------
    size : small 64x64x96x96 (76 MB), medium 256x256x128x128 (2.1 GB), large 512x512x256x256 (34 GB)
    seed : not negative; of the film's texture and the counts, the particles are always the same
    progress : called with frames done and frames in all
    cancelled : asked several times a second
    threads : all cores unless given

    Memory stays below 8 MiB a thread and some 100 MB, whatever the size.

    Raises UsageError for a size that there isn't or a negative seed, ExportError where the file can't be
    written (no permission, no space), JobCancelled. In each case nothing is left behind and a file at
    `path` stays as it was.
    """
    what, path = _size(size), Path(path)
    if seed < 0:
        raise UsageError(f"seed {seed}: is negative", "Give 0 or more.")
    return _make(path, what, seed, progress, cancelled, threads or _cores())


def _make(
    path: Path, size: DemoSize, seed: int, progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None, threads: int,
) -> DemoTruth:  # fmt: skip
    # Imported here: they bring the compiler, and who asks for demo_path needs none.
    from ltdesk.engine.demo.pattern import Patterns
    from ltdesk.engine.demo.specimen import specimen
    from ltdesk.engine.demo.writing import write_frames, write_header

    with atomic_path(path) as part:
        _check_room(path, size)
        patterns = Patterns(specimen(size.scan_shape, seed), size.camera, seed)
        truth = truth_of(patterns)
        offset = write_header(part, size, truth, {"version": VERSION, "seed": seed})
        write_frames(
            part, offset, size, patterns, seed=seed, threads=threads,
            progress=progress or (lambda done, total: None), cancelled=cancelled or (lambda: False),
        )  # fmt: skip
    return truth


def _size(name: str) -> DemoSize:
    if name not in SIZES:
        raise UsageError(f"size {name}: there is no such demo", f"Choose one of {', '.join(SIZES)}.")
    return SIZES[name]


def _is_whole(path: Path, name: Size) -> bool:
    """Whether a demo of this version is there. Renamed only when whole, so its length needs no look into
    the frames."""
    size = SIZES[name]
    try:
        with h5py.File(path, "r") as file:
            data, about = file["data"], file["truth"].attrs
            same = (data.shape, int(about["version"]), int(about["seed"])) == (size.shape, VERSION, DEMO_SEED)
            ends = data.id.get_offset() + size.frames * size.frame_bytes
        return same and path.stat().st_size >= ends
    except (OSError, KeyError):
        return False


def _remove_abandoned(path: Path) -> None:
    """What a killed process left half made: it may be large, and nothing else would ever remove it."""
    for part in path.parent.glob(f".{path.stem}-*{path.suffix}"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > ABANDONED_SECONDS:
                part.unlink()


def _check_room(path: Path, size: DemoSize) -> None:
    needed = size.frames * size.frame_bytes + ROOM_BYTES
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise ExportError(
            f"{path}: the demo needs {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free there",
            "Free some space, or choose a smaller size or another disk.",
        )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
