"""``ltdesk run``: compute without a window."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from ltdesk.commands.fits import Run, with_fits
from ltdesk.commands.requests import (
    open_requested,
    requested_fits,
    requested_job,
    warnings_for,
    with_suggestions,
)
from ltdesk.commands.spectra import check_spectra, requested_spectra, with_spectra
from ltdesk.engine.assembly import Results
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.executor import Executor, JobHandle
from ltdesk.engine.export import check_suffix, save
from ltdesk.engine.local import LocalExecutor
from ltdesk.errors import DamagedFileError, ExportError, UsageError, os_error_text
from ltdesk.job import Job

SEPARATORS = ("/", "\\")
"""OUT that ends so is a folder, and made where it is missing."""


def main(args: argparse.Namespace) -> int:
    """Run the requested job on each file and write what comes out."""
    job = requested_job(args)
    outputs = output_paths(args.files, args.output)
    executor = executor_for(args)
    try:
        for file, output in zip(args.files, outputs, strict=True):
            run_one(args, job, file, output, executor)
    finally:
        executor.close()
    return 0


def run_one(args: argparse.Namespace, job: Job, file: str, output: Path, executor: Executor) -> None:
    """Open, compute, write."""
    with open_requested(args, file, job.dataset.correction) as dataset:
        run: Run = lambda job: follow(executor.submit(job, dataset), f"{Path(file).name}, fitting")  # noqa: E731
        job = with_suggestions(args, job.model_copy(update={"dataset": dataset.ref}), dataset, executor)
        job, found = with_fits(job, requested_fits(args), dataset, run)
        for words in found:
            print(f"ltdesk: {dataset.ref.uri}: {words}", file=sys.stderr)
        check_spectra(spectra := requested_spectra(args), job, dataset)
        _say_what_is_odd(args, job, dataset)
        results = with_spectra(follow(executor.submit(job, dataset), Path(file).name), spectra)
        if args.output.endswith(SEPARATORS):
            _make_folder(output.parent)
        for path in save(results, output):
            print(path)


def follow(handle: JobHandle, label: str) -> Results:
    """Wait for a job with a progress bar on a terminal; an interrupt cancels it."""
    try:
        with tqdm(total=handle.dataset.nbytes, unit="B", unit_scale=True, desc=label, disable=None) as bar:
            for update in handle.updates(interval=0.05):
                bar.update(update.bytes - bar.n)
        return handle.result()
    except BaseException:
        handle.cancel()
        handle.wait()
        raise


def executor_for(args: argparse.Namespace) -> Executor:
    """Where the job runs."""
    if args.on is None:
        return LocalExecutor(args.threads)
    if args.threads is not None:
        raise UsageError("--threads is for this machine", "Leave it away: a cluster's workers have their own.")
    from ltdesk.api import connect

    return connect(args.on)


def output_paths(files: list[str], output: str) -> list[Path]:
    """Where each file's results go: OUT, in OUT where that is a folder, for several files else OUT with their names."""
    out = Path(output)
    if os.path.isdir(out) or output.endswith(SEPARATORS):
        if not os.path.isdir(out.parent):
            raise ExportError(f"{output}: there is no folder {out.parent} to make it in", "Make that one first.")
        paths = [out / f"{stem}.npz" for stem in _stems(files)]
    else:
        check_suffix(out)
        paths = [out] if len(files) == 1 else [out.with_stem(f"{out.stem}_{stem}") for stem in _stems(files)]
    for path, file in zip(paths, files, strict=True):
        if _is_same(path, file):
            raise UsageError(f"{path}: is the scan itself", "Give the result another name.")
    return paths


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        reason = os_error_text(error)
        raise ExportError(f"{folder}: cannot be made: {reason}", "Choose a folder where you may write.") from error


def _is_same(path: Path, file: str) -> bool:
    with suppress(OSError):  # one of them isn't there, or isn't to be seen
        return path.samefile(file)
    return False


def _stems(files: list[str]) -> list[str]:
    """A name for each file's results; two files of one name get a number."""
    seen: dict[str, int] = {}
    names = []
    for file in files:
        stem = Path(file).stem
        seen[stem] = seen.get(stem, 0) + 1
        names.append(stem if seen[stem] == 1 else f"{stem}-{seen[stem]}")
    return names


def _say_what_is_odd(args: argparse.Namespace, job: Job, dataset: Dataset) -> None:
    damaged = dataset.frames_good < dataset.frames_expected
    if damaged and args.strict:
        counts = f"{dataset.frames_good} of {dataset.frames_expected} frames are good"
        raise DamagedFileError(f"{dataset.ref.uri}: {counts}", "Without --strict the good ones are used.")
    if dataset.note:
        print(f"ltdesk: {dataset.ref.uri}: {dataset.note}", file=sys.stderr)
    for warning in warnings_for(job, dataset):
        print(f"ltdesk: warning: {warning}", file=sys.stderr)
