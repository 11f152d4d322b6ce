"""``--fft``: spectra of images and frames, beside what they are of."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ltdesk.analysis import spectrum_spec
from ltdesk.engine.assembly import Results
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.export import read_spectra
from ltdesk.errors import UsageError
from ltdesk.job import Job

Spectra = Mapping[str, bool]
"""What spectra are wanted of, by name of the result, and whether with a window."""


def requested_spectra(args: argparse.Namespace) -> Spectra:
    """What a recipe and ``--fft NAME[:window]`` ask for. Raises UsageError."""
    asked: dict[str, bool] = {}
    for text in args.fft:
        name, colon, word = text.partition(":")
        if colon and word != "window":
            raise UsageError(f"--fft '{text}': there is no '{word}'", f"Write {name} or {name}:window.")
        if asked.setdefault(name, bool(colon)) != bool(colon):
            raise UsageError(f"--fft {name} and --fft {name}:window contradict", "Leave one away.")
    return asked if args.recipe is None else {**read_spectra(args.recipe), **asked}


def spectrum_name(name: str) -> str:
    """The name of a result's spectrum."""
    return f"{name}_fft"


def check_spectra(spectra: Spectra, job: Job, dataset: Dataset) -> None:
    """Raises UsageError where the job gives no picture of such a name, or another result has the spectrum's name."""
    specs = [spec for analysis in job.analyses for spec in analysis.results(dataset.frame_shape, dataset.dtype)]
    pictures = [spec.name for spec in specs if len(spec.shape(dataset.scan_shape, dataset.frame_shape)) == 2]
    taken = {spec.name for spec in specs}
    for name in spectra:
        if name not in pictures:
            raise UsageError(f"--fft '{name}': no picture has that name", f"There are {', '.join(pictures) or 'none'}.")
        if spectrum_name(name) in taken:
            raise UsageError(
                f"--fft '{name}': '{spectrum_name(name)}' is another result", "Give that one another name."
            )


def with_spectra(results: Results, spectra: Spectra) -> Results:
    """The results with the spectrum of each as ``NAME_fft``, and in the recipe that they were asked for."""
    if not spectra:
        return results
    from ltdesk.engine.spectrum import fft_magnitude

    arrays, specs = dict(results.arrays), dict(results.specs)
    for name, window in spectra.items():
        picture, spec = results[name], results.specs[name]
        if spec.kind == "scan":
            picture = np.where(results.valid, picture, np.nan)
        arrays[spectrum_name(name)] = fft_magnitude(picture, window)
        specs[spectrum_name(name)] = spectrum_spec(spectrum_name(name), spec, (picture.shape[0], picture.shape[1]))
    asked = [{"of": name, "window": window} for name, window in spectra.items()]
    return replace(results, arrays=arrays, specs=specs, recipe={**results.recipe, "spectra": asked})
