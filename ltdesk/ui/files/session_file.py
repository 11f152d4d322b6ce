"""Sessions on disk (``.ltdesk``, JSON), and sessions made from the recipe in a result."""

from __future__ import annotations

from pathlib import Path

from ltdesk.analysis import VirtualDetector
from ltdesk.engine.atomic import write_text
from ltdesk.errors import OpenError, SessionError, os_error_text
from ltdesk.job import DatasetRef, Job
from ltdesk.session import Detector, Session, session_from_json
from ltdesk.ui.analyses.edits import looking_at

SUFFIX = ".ltdesk"
RESULT_SUFFIXES = (".npz", ".tif", ".tiff", ".png", ".json")
MAYBE_RESULT_SUFFIXES = (".h5", ".hdf5", ".nxs")
"""These hold scans as often as results: a recipe inside tells."""


def is_session(path: str) -> bool:
    """Is this a session, by its name?"""
    return path.lower().endswith(SUFFIX)


def save_session(session: Session, path: str) -> None:
    """Write a session, whole or not at all. Raises ExportError naming `path`."""
    write_text(path, session.model_dump_json(indent=1))


def load_session(path: str) -> Session:
    """Read a session. A scan that has moved together with its session is found beside it.

    Raises OpenError, SessionError naming `path`.
    """
    try:
        text = Path(path).read_text("utf-8")
    except UnicodeDecodeError as error:
        raise SessionError(f"{path}: is not a session of ltdesk", "Open the scan itself.") from error
    except OSError as error:
        raise OpenError(f"{path}: cannot be read: {os_error_text(error)}", "Check the name.") from error
    session = session_from_json(text, path)
    if session.dataset is None:
        raise SessionError(f"{path}: names no scan", "Open the scan itself.")
    return session.but(dataset=_found_beside(session.dataset, Path(path).parent))


def session_from_result(path: str) -> Session | None:
    """The session that a result's recipe describes; None where the file is no result of ltdesk.

    Raises OpenError, UsageError for a recipe that makes no sense, and for a picture without one.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in RESULT_SUFFIXES + MAYBE_RESULT_SUFFIXES:
        return None
    from ltdesk.engine.export import read_recipe

    try:
        job = read_recipe(path)
    except OpenError:
        if suffix in MAYBE_RESULT_SUFFIXES or not Path(path).is_file():
            return None
        raise
    return session_from_job(job.model_copy(update={"dataset": _found_beside(job.dataset, Path(path).parent)}))


def session_from_job(job: Job) -> Session:
    """Detectors, further analyses and region of a job, as they would have been drawn."""
    session = Session(dataset=job.dataset, region=job.region)
    for analysis in job.analyses:
        if isinstance(analysis, VirtualDetector):
            detector = Detector(
                name=analysis.name,
                colour=session.free_colour(),
                shape=analysis.shape,
                weight=analysis.weight,
            )
            session = session.with_detector(detector)
    others = tuple(a for a in job.analyses if not isinstance(a, VirtualDetector) and a.kind != "mean_frame")
    if session.detectors:
        return session.but(analyses=others, selected=session.detectors[0].id)
    session = session.but(analyses=others)
    for analysis in reversed(others):  # the first of either side is what is seen
        session = looking_at(session, analysis.name)
    return session


def _found_beside(ref: DatasetRef, folder: Path) -> DatasetRef:
    path = Path(ref.uri)
    beside = folder / path.name
    if "://" in ref.uri or path.exists() or not beside.exists():
        return ref
    return ref.model_copy(update={"uri": str(beside)})
