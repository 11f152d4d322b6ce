"""What the window shows, as a job and as results with a recipe: for export and for scripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pydantic import ValidationError
from PyQt5.QtCore import QBuffer
from PyQt5.QtGui import QImage

from ltdesk.analysis import CenterOfMass, ResultSpec
from ltdesk.engine.atomic import write_bytes
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.recipe import make_recipe
from ltdesk.errors import ExportError, UsageError
from ltdesk.job import Job
from ltdesk.session import Session
from ltdesk.shape_text import validation_text
from ltdesk.ui.analyses.results import arrays_of, com_map
from ltdesk.ui.live.answers import Answer
from ltdesk.ui.live.wishes import MEAN_FRAME, Wish, Wishes, image_wishes, shown_analysis, shown_wishes

if TYPE_CHECKING:  # it loads the kernels, which the window does not wait for
    from ltdesk.engine.assembly import Results


class Seen(NamedTuple):
    """The image on the screen: its name, the results that it is made of, the picture."""

    name: str
    parts: tuple[str, ...]
    picture: QImage


Known = Callable[[Wish], Answer | None]
SPECTRUM = "spectrum"


def as_seen(session: Session) -> str:
    """What is shown where it is made of several results, or worked out from them: a composite, vectors, a spectrum.

    As a picture it is written as it is seen, as numbers what it is made of. Empty: the image shown is a result.
    """
    if session.spectrum:
        return SPECTRUM
    vectors = isinstance(shown_analysis(session), CenterOfMass) and com_map_shown(session) == ""
    return session.shown if session.shown == "composite" or vectors else ""


def com_map_shown(session: Session) -> str | None:
    """Which map of a centre of mass is shown, empty for vectors; None where none is."""
    analysis = shown_analysis(session)
    return com_map(analysis, session.shown) if isinstance(analysis, CenterOfMass) else None


def _with_shown(wish: Wish, session: Session) -> Wish:
    """A centre of mass with the map that is shown among its results."""
    analysis, which = wish.analysis, com_map_shown(session)
    if not isinstance(analysis, CenterOfMass) or analysis != shown_analysis(session) or which in ("", *analysis.maps):
        return wish
    return replace(wish, analysis=analysis.model_copy(update={"maps": (*analysis.maps, which)}))


def offered(session: Session, dataset: Dataset, known: Known) -> Wishes:
    """All that can be exported: every image, frame and profile, and the mean frame once it is known."""
    unique = {(wish.key, wish.analysis): _with_shown(wish, session) for wish in image_wishes(session)}
    mean = Wish("mean", MEAN_FRAME)
    return (*unique.values(), mean) if known(mean) is not None else tuple(unique.values())


def scripted(session: Session) -> Wishes:
    """What a script computes that gives the image shown: no other map of a centre of mass."""
    which = com_map_shown(session)
    maps = (which,) if which else ("y", "x")
    return tuple(
        replace(wish, analysis=wish.analysis.model_copy(update={"maps": maps}))
        if isinstance(wish.analysis, CenterOfMass)
        else wish
        for wish in shown_wishes(session)
    )


def specs_of(wishes: Wishes, dataset: Dataset) -> tuple[ResultSpec, ...]:
    """The results that wishes give, by their own names."""
    return tuple(s for wish in wishes for s in wish.analysis.results(dataset.frame_shape, dataset.dtype))


def shown_name(session: Session, dataset: Dataset) -> str:
    """The image shown: a result's name, or what `as_seen` says; empty where nothing is shown."""
    if as_seen(session):
        return as_seen(session)
    names = [spec.name for spec in specs_of(scripted(session), dataset)]
    return session.shown if session.shown in names else next(iter(names), "")


def job_of(session: Session, wishes: Wishes) -> Job:
    """The job that computes `wishes`, under their own names. Raises UsageError where it makes no sense."""
    if session.dataset is None or not wishes:
        raise UsageError("There is no image to export", "Draw a detector first.")
    regions = {wish.region for wish in wishes}
    if len(regions) > 1:
        raise UsageError(
            "Some of these are of the region, others of the whole scan", "Export them one after the other."
        )
    try:
        return Job(dataset=session.dataset, analyses=tuple(wish.analysis for wish in wishes), region=wishes[0].region)
    except ValidationError as error:
        raise UsageError(validation_text(error), "Give one of the two another name.") from error


def chosen_wishes(wishes: Wishes, names: Sequence[str], dataset: Dataset) -> Wishes:
    """Those of `wishes` that give a result in `names`."""
    return tuple(wish for wish in wishes if {spec.name for spec in specs_of((wish,), dataset)} & set(names))


def results_of(wishes: Wishes, names: Sequence[str], known: Known, job: Job, dataset: Dataset) -> Results:
    """The results `names` of `wishes` with a recipe. Reads the file's identity: not for the GUI thread.

    Raises ExportError where one has not been computed yet.
    """
    from ltdesk.engine.assembly import Results

    answers = [(wish, known(wish)) for wish in wishes]
    missing = [wish.analysis.name for wish, answer in answers if answer is None]
    if missing:
        raise ExportError(f"{', '.join(missing)}: not computed yet", "Wait until the image is exact.")
    found = [answer for _, answer in answers if answer is not None]
    arrays = {
        name: array
        for wish, answer in zip(wishes, found, strict=True)
        for name, array in arrays_of(answer, wish.analysis).items()
    }
    pairs = [(spec, arrays[spec.name]) for spec in specs_of(wishes, dataset) if spec.name in names]
    return Results(
        arrays={spec.name: array for spec, array in pairs},
        valid=np.logical_and.reduce([answer.valid for answer in found]),
        specs={spec.name: spec for spec, _ in pairs},
        recipe=make_recipe(job, dataset),
        execution=dict(found[0].execution),
        calibration=dataset.calibration,
    )


def save_as_seen(results: Results, path: Path, picture: QImage) -> Path:
    """Write a picture as it is on the screen, as PNG with the recipe inside: dropped on a window it opens again."""
    from ltdesk.engine.export.pictures import description

    marked = QImage(picture)
    marked.setText("ltdesk", description(results, next(iter(results))))
    encoded = QBuffer()  # Qt does not hear of a disk that is full when it closes a file
    if not marked.save(encoded, "PNG"):
        raise ExportError(f"{path}: the picture cannot be made a PNG", "Export it as .tif, which holds the values.")
    write_bytes(path, bytes(encoded.data()))
    return path


def save_results(results: Results, path: Path, seen: Seen | None = None) -> list[Path]:
    """Write results by the suffix of `path`; as PNG, what is on the screen as it is seen.

    Returns the paths written. Raises ExportError, UsageError.
    """
    from ltdesk.engine.export import save

    if seen is None or path.suffix.lower() != ".png":
        return save(results, path)
    name, parts, picture = seen
    others = [other for other in results if other not in parts]
    written = [save_as_seen(results, path.with_stem(f"{path.stem}_{name}") if others else path, picture)]
    for other in others:
        written += save(replace(results, arrays={other: results[other]}), path.with_stem(f"{path.stem}_{other}"))
    return written
