"""Writing the demo's file: header and truth by h5py, then the frames piece by piece straight into their
place.

The frames go past HDF5 on purpose: when a disk fills up, a plain write fails cleanly, while an HDF5 file with
unwritten data can't even be closed.
"""

from __future__ import annotations

import errno
import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.demo.camera import SEMIANGLE_MRAD, DemoSize
from ltdesk.engine.demo.counts import count
from ltdesk.engine.demo.pattern import Patterns
from ltdesk.engine.demo.specimen import FIELD_NM
from ltdesk.engine.demo.truth import DemoTruth
from ltdesk.errors import JobCancelled

STRIP_BYTES = 8 << 20  # frames made at a time by a thread: about 0.2 s of work, the time a cancel may take
PAGE_BYTES = 4096


def write_header(part: Path, size: DemoSize, truth: DemoTruth, about: dict[str, int | str]) -> int:
    """Writes all but the frames, `about` as attributes of ``/truth``. Returns where the frames start in the
    file. Raises OSError where the disk or a limit is in the way."""
    try:
        with h5py.File(part, "w", alignment_threshold=STRIP_BYTES, alignment_interval=PAGE_BYTES) as file:
            group = file.create_group("truth")
            group.attrs.update(about)
            truth.save(group)
            data = h5py.Dataset(_reserve(file, size))
            _calibrate(data, size)
            return int(data.id.get_offset())
    except RuntimeError as error:  # what h5py makes of a write that fails on closing
        found = re.search(r"errno = (\d+)", str(error))
        code = int(found[1]) if found else errno.EIO
        raise OSError(code, os.strerror(code)) from error


def write_frames(
    part: Path, offset: int, size: DemoSize, patterns: Patterns, *, seed: int, threads: int,
    progress: Callable[[int, int], None], cancelled: Callable[[], bool],
) -> None:  # fmt: skip
    """Makes the frames in `threads` threads and writes them in order. Memory: a strip a thread, and one
    waiting.

    Raises JobCancelled, and OSError where the disk is full.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="demo")
    try:
        with part.open("r+b") as file:
            file.seek(offset)
            done = 0
            for strip in _in_order(pool, threads, size, patterns, seed):
                if cancelled():
                    raise JobCancelled(f"demo scan: cancelled after {done} of {size.frames} frames")
                file.write(strip.data)
                done += len(strip)
                progress(done, size.frames)
    finally:
        pool.shutdown(cancel_futures=True)


def _calibrate(data: h5py.Dataset, size: DemoSize) -> None:
    """The attributes that real scans in this format carry."""
    data.attrs["axes"] = ["scan_y", "scan_x", "k_y", "k_x"]
    data.attrs["electrons_per_frame"] = size.camera.electrons
    data.attrs["energy_keV"] = 200.0
    data.attrs["frame_pixel_mrad"] = size.camera.mrad
    data.attrs["scan_step_nm"] = FIELD_NM / size.scan_shape[0]
    data.attrs["semiangle_mrad"] = SEMIANGLE_MRAD


def _in_order(
    pool: ThreadPoolExecutor, threads: int, size: DemoSize, patterns: Patterns, seed: int
) -> Iterator[NDArray[np.uint16]]:
    """The strips of frames ``(n, ky, kx)``, first to last, made a little ahead of their use."""
    frames = max(1, STRIP_BYTES // size.frame_bytes)
    pending: deque[Future[NDArray[np.uint16]]] = deque()
    for first in range(0, size.frames, frames):
        pending.append(pool.submit(_strip, size, patterns, seed, first, min(frames, size.frames - first)))
        if len(pending) > threads:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


def _strip(size: DemoSize, patterns: Patterns, seed: int, first: int, frames: int) -> NDArray[np.uint16]:
    """Counted frames from scan position `first` on, row by row. Its own random stream: any thread may make
    it."""
    rng = np.random.default_rng([seed, 3, first])
    ky, kx = size.camera.frame_shape
    speckle_at = rng.integers(0, (ky, kx), (frames, 2))
    expected = np.empty((ky, kx))
    strip = np.empty((frames, ky, kx), "<u2")
    for n in range(frames):
        y, x = divmod(first + n, size.scan_shape[1])
        patterns.expected(y, x, (int(speckle_at[n, 0]), int(speckle_at[n, 1])), expected)
        count(expected, rng, strip[n])
    return strip


def _reserve(file: h5py.File, size: DemoSize) -> h5py.h5d.DatasetID:
    """A contiguous dataset with its place in the file given at once, so that the frames can be written
    there."""
    how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    how.set_layout(h5py.h5d.CONTIGUOUS)
    how.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    how.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    how.set_obj_track_times(False)  # the same bytes today and tomorrow
    space = h5py.h5s.create_simple(size.shape)
    return h5py.h5d.create(file.id, b"data", h5py.h5t.STD_U16LE, space, how)
