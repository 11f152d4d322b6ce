"""What the window shows, as a job and as results with a recipe: for export and for scripts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from PyQt5.QtGui import QImage

from ltdesk.analysis import CenterOfMass
from ltdesk.engine.assembly import Results
from ltdesk.engine.atomic import atomic_path
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.export import save
from ltdesk.engine.export.pictures import description
from ltdesk.engine.recipe import make_recipe
from ltdesk.errors import ExportError, UsageError
from ltdesk.job import Job
from ltdesk.session import Session
from ltdesk.shape_text import validation_text
from ltdesk.ui.answers import Answer
from ltdesk.ui.wishes import Wish, Wishes, analysis_wishes, composite_wishes, shown_analysis, shown_wishes

Known = Callable[[Wish], Answer | None]


def all_wishes(session: Session) -> Wishes:
    """Every image there is: the detectors that are visible or selected, further analyses."""
    unique = {
        wish.key: wish for wish in (*composite_wishes(session), *shown_wishes(session), *analysis_wishes(session))
    }
    return tuple(unique.values())


def job_of(session: Session, wishes: Wishes) -> Job:
    """The job that computes `wishes`, under their own names. Raises UsageError where it makes no sense."""
    if session.dataset is None or not wishes:
        raise UsageError("There is no image to export", "Draw a detector first.")
    try:
        return Job(dataset=session.dataset, analyses=tuple(wish.analysis for wish in wishes))
    except ValidationError as error:
        raise UsageError(validation_text(error), "Give one of the two another name.") from error


def shown_name(session: Session, job: Job) -> str:
    """The result of `job` that the image shown is, or is made of."""
    names = [spec.name for analysis in job.analyses for spec in analysis.results((1, 1), "u1")]
    return session.shown if session.shown in names else names[0]


def results_of(wishes: Wishes, known: Known, job: Job, dataset: Dataset) -> Results:
    """The answers to `wishes` as results with a recipe. Reads the file's identity: not for the GUI thread.

    Raises ExportError where one has not been computed yet.
    """
    answers = [known(wish) for wish in wishes]
    missing = [wish.analysis.name for wish, answer in zip(wishes, answers, strict=True) if answer is None]
    if missing:
        raise ExportError(f"{', '.join(missing)}: not computed yet", "Wait until the image is exact.")
    specs = [spec for a in job.analyses for spec in a.results(dataset.frame_shape, dataset.dtype)]
    arrays = [array for answer in answers if answer is not None for array in answer.arrays]
    valid = np.logical_and.reduce([answer.valid for answer in answers if answer is not None])
    return Results(
        arrays={spec.name: array for spec, array in zip(specs, arrays, strict=True)},
        valid=valid,
        specs={spec.name: spec for spec in specs},
        recipe=make_recipe(job, dataset),
        execution=dict(answers[0].execution) if answers[0] is not None else {},
        calibration=dataset.calibration,
    )


def save_results(results: Results, path: str, picture: QImage | None, only: str = "") -> list[Path]:
    """Write results by the suffix of `path`; a PNG is `picture` as it is on the screen, with the recipe inside.

    `only`: for pictures, this result alone. Returns the paths written. Raises ExportError, UsageError.
    """
    if path.lower().endswith(".png") and picture is not None:
        return [save_picture(results, path, picture)]
    if only in results and path.lower().endswith((".tif", ".tiff")):
        results = Results(
            {only: results[only]}, results.valid, results.specs, results.recipe, results.execution, results.calibration
        )
    return save(results, path)


def save_picture(results: Results, path: str, picture: QImage) -> Path:
    """Write a picture as PNG, so that dropping it on a window brings back what it shows."""
    marked = QImage(picture)
    first = next(iter(results))
    marked.setText("ltdesk", description(results, first))
    with atomic_path(path) as temporary:
        if not marked.save(str(temporary), "PNG"):
            raise OSError(28, "cannot be written as PNG", path)
    return Path(path)


def is_vector(session: Session) -> bool:
    """Is a vector shown, which has two arrays?"""
    return isinstance(shown_analysis(session), CenterOfMass)
