"""From the command line's words to a Job."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from pydantic import ValidationError

from ltdesk.analysis import Analysis, VirtualDetector
from ltdesk.commands.analysis_words import parse_analysis, read_words
from ltdesk.commands.fits import Fit
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.executor import Executor
from ltdesk.engine.export import read_recipe
from ltdesk.errors import UsageError
from ltdesk.geometry import AnyShape, PixelMask, Point, Size2D
from ltdesk.job import DatasetRef, Job
from ltdesk.polar import AboutCentre
from ltdesk.shape_text import parse_shape
from ltdesk.validation import validation_text

NOTHING = Point(y=0, x=0)
"""Stands for a detector that is still to be suggested."""
_DETECTOR = re.compile(r"^(?P<name>[^=*]*)(?:\*(?P<weight>[^=]*))?=(?P<shape>.*)$", re.DOTALL)


def requested_job(args: argparse.Namespace) -> Job:
    """The job that the arguments ask for; its dataset is filled in for each file, but for what a recipe says of it.

    Raises UsageError.
    """
    region = None if args.region is None else parse_shape(args.region)
    analyses: tuple[Analysis, ...] = ()
    source = DatasetRef(uri="")
    if args.recipe is not None:
        recipe = read_recipe(args.recipe)
        analyses, region = recipe.analyses, region or recipe.region
        source = recipe.dataset.model_copy(update={"uri": ""})
    detectors = [parse_detector(text) for text in args.detector]
    suggested = [VirtualDetector(name=_name(name), shape=NOTHING) for name, *_ in args.suggest]
    known = _detectors((*analyses, *detectors, *suggested))
    analyses += (*detectors, *(parse_analysis(text, known) for text in args.analysis), *suggested)
    if not analyses:
        raise UsageError("there is nothing to compute", "Give --detector, --analysis or --recipe.")
    try:
        return Job(dataset=source, analyses=analyses, region=region)
    except ValidationError as error:
        raise UsageError(validation_text(error), "Give each result a name of its own.") from error


def with_suggestions(args: argparse.Namespace, job: Job, dataset: Dataset, executor: Executor) -> Job:
    """The job with the detectors that separate two regions best in their places, and in those of analyses that ask for
    them. Raises UsageError.
    """
    from ltdesk.engine.suggest import suggest_detector

    found = []
    for name, bright, dark in args.suggest:
        try:
            found.append(suggest_detector(dataset, parse_shape(bright), parse_shape(dark), name, executor))
        except UsageError as error:
            raise UsageError(f"--suggest {name} {bright} {dark}: {error.what}", error.way_out) from error
    known = _detectors((*job.analyses, *found))
    made = {spec.result_names(): spec for spec in (*found, *(parse_analysis(text, known) for text in args.analysis))}
    return job.model_copy(update={"analyses": tuple(made.get(spec.result_names(), spec) for spec in job.analyses)})


def _detectors(analyses: Iterable[Analysis]) -> dict[str, VirtualDetector]:
    """Those that an analysis may name; of one name the last."""
    return {spec.name: spec for spec in analyses if isinstance(spec, VirtualDetector)}


def _name(name: str) -> str:
    try:
        return VirtualDetector.model_validate({"name": name, "shape": NOTHING}).name
    except ValidationError as error:
        raise UsageError(f"--suggest '{name}': {validation_text(error)}", "Write NAME BRIGHT DARK.") from error


def parse_detector(text: str) -> VirtualDetector:
    """``NAME=SHAPE`` or ``NAME*0.5=SHAPE``. Raises UsageError."""
    match = _DETECTOR.match(text)
    if match is None:
        raise UsageError(f"detector '{text}' has no name", "Write NAME=SHAPE, as in bf=disk:64,64,12.")
    shape = parse_shape(match["shape"])
    try:
        weight = 1.0 if match["weight"] is None else float(match["weight"])
        return VirtualDetector.model_validate({"name": match["name"], "shape": shape, "weight": weight})
    except ValidationError as error:
        raise UsageError(
            f"detector '{text}': {validation_text(error)}", "Write NAME=SHAPE, as in bf=disk:64,64,12."
        ) from error
    except ValueError:
        raise UsageError(f"detector '{text}': '{match['weight']}' is not a number", "Write NAME*0.5=SHAPE.") from None


def requested_fits(args: argparse.Namespace) -> dict[str, Fit]:
    """What is to be fitted in each file, by the analysis' name."""
    asked = map(read_words, args.analysis)
    return {words.name: words.fit for words in asked if words.fit != Fit()}


def open_requested(args: argparse.Namespace, file: str, recipe: DatasetRef | None = None) -> Dataset:
    """The dataset in `file`, read as the arguments say, and corrected so. Raises OpenError, UsageError.

    `recipe` is how another scan was opened: it holds, where it can, for what the arguments do not say themselves.
    """
    from ltdesk.engine.open import applying, open_dataset

    layout = ("dataset", "scan_shape", "frame_shape", "dtype", "offset", "sync_offset")
    held = DatasetRef(uri=file) if recipe is None else applying(recipe, file)
    opening: dict[str, Any] = {word: getattr(held, word) for word in (*layout, "correction")}
    words = (*layout, "dark", "gain", "dead_pixels")
    opening |= {word: said for word in words if (said := getattr(args, word, None)) is not None}
    return open_dataset(file, **opening)


def warnings_for(job: Job, dataset: Dataset, region: str | None = None) -> list[str]:
    """What a user should know before the numbers: what selects no pixel, a region without positions.

    `region`: its words. Raises UsageError naming a mask of another size.
    """
    ky, kx = dataset.frame_shape
    idle = [f"'{spec.name}' selects" for spec in job.analyses if not _selects_pixels(spec, dataset.frame_shape)]
    dead = None if dataset.ref.correction is None else dataset.ref.correction.dead_pixels
    if not (dead is None or isinstance(dead, PixelMask) or dead.mask(dataset.frame_shape).any()):
        idle.append("--dead-pixels selects")  # a camera's own mask may well have none
    found = [f"{who} no pixel of the {ky}x{kx} frame" for who in idle]
    words = "region" if region is None else f"--region {region}"
    if job.region is not None and not _selects(job.region, dataset.scan_shape, words, "scan"):
        sy, sx = dataset.scan_shape
        found.append(f"the region selects no position of the {sy}x{sx} scan")
    return found


def _selects_pixels(spec: Analysis, frame_shape: Size2D) -> bool:
    if isinstance(spec, AboutCentre):
        return bool(spec.pixels(frame_shape).any())
    shape = spec.shape if isinstance(spec, VirtualDetector) else getattr(spec, "mask", None)
    return shape is None or _selects(shape, frame_shape, spec.name)


def _selects(shape: AnyShape, size: tuple[int, int], name: str, of: str = "frame") -> bool:
    from ltdesk.engine.pixels import mask_of

    return bool(np.any(mask_of(shape, size, name, of)))
