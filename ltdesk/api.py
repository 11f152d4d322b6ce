"""The Python API's functions: open, run, submit, save, connect."""

from __future__ import annotations

import atexit
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from numpy.typing import DTypeLike, NDArray

from ltdesk.analysis import Analysis
from ltdesk.correction import Correction
from ltdesk.engine.assembly import Results
from ltdesk.engine.correction_files import Given
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.executor import Executor, JobHandle
from ltdesk.geometry import AnyShape, Size2D
from ltdesk.job import job_for


def open(
    path: str | os.PathLike[str],
    dataset: str | None = None,
    scan_shape: Size2D | None = None,
    frame_shape: Size2D | None = None,
    dtype: DTypeLike | None = None,
    offset: int = 0,
    sync_offset: int = 0,
    dark: Given = None,
    gain: Given = None,
    dead_pixels: Given = None,
    correction: Correction | None = None,
) -> Dataset:
    """Open a scan; nothing but its header is read.

    Parameters
    ----------
    path : a file or URI
    dataset : path inside an HDF5 file; by default the first 4D one
    scan_shape, frame_shape, dtype, offset : (sy, sx), (ky, kx), pixel type and bytes before the first frame, for a
        headerless file; `scan_shape` also for a stack ``(n, ky, kx)``
    sync_offset : frames to skip (> 0) or missing (< 0) before the first scan position
    dark, gain : frames are corrected to ``(frame - dark) * gain``: a file (``.npy``, TIFF, HDF5, a scan), or an array
        ``(ky, kx)``; a dark of several frames counts as their mean; ``gain="file"`` is the flat field in the scan's
        own file
    dead_pixels : each takes the mean of the good pixels beside it: a file or an array that is not 0 there, a shape, or
        ``"file"`` for the pixel mask in the scan's own file
    correction : in place of these three, or beside them, what another dataset's ``ref.correction`` says

    Raises OpenError naming the file and the way out.
    """
    from ltdesk.engine.open import open_dataset

    return open_dataset(
        os.fspath(path),
        dataset=dataset,
        scan_shape=scan_shape,
        frame_shape=frame_shape,
        dtype=None if dtype is None else _dtype_text(dtype),
        offset=offset,
        sync_offset=sync_offset,
        dark=dark,
        gain=gain,
        dead_pixels=dead_pixels,
        correction=correction,
    )


def submit(
    dataset: Dataset,
    analyses: Sequence[Analysis] | Analysis,
    region: AnyShape | NDArray[Any] | None = None,
    threads: int | None = None,
    executor: Executor | None = None,
) -> JobHandle:
    """Start a job and return at once; follow it by ``job.updates()``, stop it by ``job.cancel()``.

    `region`: a shape on the scan, or an array ``(sy, sx)`` of bools; only positions inside take part. Raises UsageError
    if the request makes no sense.
    """
    job = job_for(dataset.ref, analyses, region)
    return (executor or _shared_executor(threads)).submit(job, dataset)


def run(
    dataset: Dataset,
    analyses: Sequence[Analysis] | Analysis,
    region: AnyShape | NDArray[Any] | None = None,
    threads: int | None = None,
    executor: Executor | None = None,
) -> Results:
    """Run a job to its end: ``results["name"]`` is an array, ``results.valid`` says which positions took part.

    Raises UsageError, JobFailed. An interrupt (Ctrl-C) cancels the job.
    """
    handle = submit(dataset, analyses, region, threads, executor)
    try:
        return handle.result()
    except BaseException:
        handle.cancel()
        raise


def connect(address: str, token: str | None = None, timeout: float = 5.0) -> Executor:
    """An executor that runs jobs elsewhere: on the workers of the dask scheduler at ``tcp://host:8786``.

    Give it to `run` and `submit` as `executor`, and close it, or use it in a ``with``. The workers must be able to
    open what the jobs name: a path that they share, or a scan in the cluster's storage. `token` is for servers.

    Raises ClusterError where nothing answers within `timeout` seconds, or versions differ; UsageError.
    """
    from ltdesk.engine.connect import connect as connect_to

    return connect_to(address, token, timeout)


def save(results: Results, path: str | os.PathLike[str]) -> list[Path]:
    """Write results as ``.npz``, ``.h5``, ``.tif`` or ``.png``, with their recipe inside. Raises ExportError."""
    from ltdesk.engine.export import save as save_results

    return save_results(results, path)


def _dtype_text(dtype: Any) -> str:
    import numpy as np

    return dtype if isinstance(dtype, str) else np.dtype(dtype).str


@cache
def _shared_executor(threads: int | None) -> Executor:
    from ltdesk.engine.local import LocalExecutor  # loads numba, which opening a file does not need

    executor = LocalExecutor(threads)
    atexit.register(executor.close)
    return executor
