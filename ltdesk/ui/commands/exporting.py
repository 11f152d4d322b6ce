"""What was chosen to be exported, as a job, as results with its recipe, and as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pydantic import ValidationError
from PyQt5.QtCore import QBuffer
from PyQt5.QtGui import QImage

from ltdesk.engine.atomic import write_bytes
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.recipe import make_recipe
from ltdesk.errors import ExportError, UsageError
from ltdesk.job import Job
from ltdesk.session import Session
from ltdesk.ui.commands.offers import Known, Offer
from ltdesk.ui.live.wishes import Wishes
from ltdesk.validation import validation_text

if TYPE_CHECKING:  # it loads the kernels, which the window does not wait for
    from ltdesk.engine.assembly import Results


class Seen(NamedTuple):
    """A picture on the screen, and the result (of a composite the first) that it is described by."""

    picture: QImage
    result: str


def job_of(session: Session, wishes: Wishes) -> Job:
    """The job that computes `wishes`, under their own names. Raises UsageError where it makes no sense."""
    if session.dataset is None or not wishes:
        raise UsageError("There is no image to export", "Draw a detector first.")
    regions = {wish.region for wish in wishes}
    if len(regions) > 1:
        raise UsageError(
            "Some of these are of the region or of one position, others of the whole scan",
            "Export them one after the other.",
        )
    try:
        return Job(dataset=session.dataset, analyses=tuple(wish.analysis for wish in wishes), region=wishes[0].region)
    except ValidationError as error:
        raise UsageError(validation_text(error), "Give one of the two another name.") from error


def wishes_of(offers: Sequence[Offer]) -> Wishes:
    """What computes these, each once."""
    return tuple(dict.fromkeys(offer.wish for offer in offers))


def results_of(offers: Sequence[Offer], known: Known, job: Job, dataset: Dataset) -> Results:
    """These, with a recipe. Reads the file's identity: not for the GUI thread.

    Raises ExportError where one has not been computed yet.
    """
    from ltdesk.engine.assembly import Results

    answers = {wish: known(wish) for wish in wishes_of(offers)}
    missing = [wish.analysis.name for wish, answer in answers.items() if answer is None]
    if missing:
        raise ExportError(f"{', '.join(missing)}: not computed yet", "Wait until the image is exact.")
    found = {wish: answer for wish, answer in answers.items() if answer is not None}
    return Results(
        arrays={offer.spec.name: offer.array(found[offer.wish]) for offer in offers},
        valid=np.logical_and.reduce([answer.valid for answer in found.values()]),
        specs={offer.spec.name: offer.spec for offer in offers},
        recipe=make_recipe(job, dataset),
        execution=dict(next(iter(found.values())).execution),
        calibration=dataset.calibration,
    )


def save_as_seen(results: Results, path: Path, seen: Seen) -> Path:
    """Write a picture as it is on the screen, as PNG with the recipe inside: dropped on a window it opens again."""
    from ltdesk.engine.export.pictures import description

    marked = QImage(seen.picture)
    marked.setText("ltdesk", description(results, seen.result))
    encoded = QBuffer()  # Qt does not hear of a disk that is full when it closes a file
    if not marked.save(encoded, "PNG"):
        raise ExportError(f"{path}: the picture cannot be made a PNG", "Export it as .tif, which holds the values.")
    write_bytes(path, bytes(encoded.data()))
    return path


def save_results(results: Results, files: Mapping[str, Path], seen: Mapping[str, Seen]) -> list[Path]:
    """Write results, each to its file or all to one; as PNG, what is `seen` on the screen as it is seen.

    Returns the paths written. Raises ExportError, UsageError.
    """
    from ltdesk.engine.export import save

    written: list[Path] = []
    for path in dict.fromkeys(files.values()):
        names = [name for name, file in files.items() if file == path]
        if path.suffix.lower() == ".png" and names[0] in seen:
            written.append(save_as_seen(results, path, seen[names[0]]))
        else:
            written += save(replace(results, arrays={name: results[name] for name in names}), path)
    return written
