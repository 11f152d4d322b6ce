"""``ltdesk run``: compute without a window."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from ltdesk.commands.fits import Run, with_fits
from ltdesk.commands.outputs import SEPARATORS, check_outputs, output_paths, without_picture
from ltdesk.commands.requests import (
    open_requested,
    requested_fits,
    requested_job,
    warnings_for,
    with_suggestions,
)
from ltdesk.commands.say import say
from ltdesk.commands.spectra import Spectra, check_spectra, requested_spectra, spectrum_name, with_spectra
from ltdesk.engine.assembly import Results
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.executor import Executor, JobHandle
from ltdesk.engine.export import save
from ltdesk.engine.local import LocalExecutor
from ltdesk.errors import DamagedFileError, ExportError, UsageError, os_error_text
from ltdesk.job import Job


def main(args: argparse.Namespace) -> int:
    """Run the requested job on each file and write what comes out."""
    job, spectra = requested_job(args), requested_spectra(args)
    outputs = output_paths(args.files, args.output)
    names = [name for spec in job.analyses for name in spec.result_names()]
    check_outputs(args, outputs, [*names, *map(spectrum_name, spectra)])
    executor = executor_for(args)
    try:
        for file, output in zip(args.files, outputs, strict=True):
            run_one(args, job, spectra, file, output, executor)
    finally:
        executor.close()
    return 0


def run_one(args: argparse.Namespace, job: Job, spectra: Spectra, file: str, output: Path, executor: Executor) -> None:
    """Open, compute, write."""
    with open_requested(args, file, job.dataset) as dataset:
        check_spectra(spectra, job, dataset)
        if others := without_picture(output, job, dataset):
            print(f"ltdesk: {output}: {', '.join(others)} can't be a picture; .npz and .h5 hold all", file=sys.stderr)
        run: Run = lambda job: follow(executor.submit(job, dataset), f"{Path(file).name}, fitting")  # noqa: E731
        job = with_suggestions(args, job.model_copy(update={"dataset": dataset.ref}), dataset, executor)
        job, found = with_fits(job, requested_fits(args), dataset, run)
        for words in found:
            print(f"ltdesk: {dataset.ref.uri}: {words}", file=sys.stderr)
        _say_what_is_odd(args, job, dataset)
        results = with_spectra(follow(executor.submit(job, dataset), Path(file).name), spectra)
        if args.output.endswith(SEPARATORS):
            _make_folder(output.parent)
        for path in save(results, output):
            say(str(path))


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


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        reason = os_error_text(error)
        raise ExportError(f"{folder}: cannot be made: {reason}", "Choose a folder where you may write.") from error


def _say_what_is_odd(args: argparse.Namespace, job: Job, dataset: Dataset) -> None:
    damaged = dataset.frames_good < dataset.frames_expected
    if damaged and args.strict:
        counts = f"{dataset.frames_good} of {dataset.frames_expected} frames are good"
        raise DamagedFileError(f"{dataset.ref.uri}: {counts}", "Without --strict the good ones are used.")
    if dataset.note:
        print(f"ltdesk: {dataset.ref.uri}: {dataset.note}", file=sys.stderr)
    for warning in warnings_for(job, dataset, args.region):
        print(f"ltdesk: warning: {warning}", file=sys.stderr)
