"""Edits of the list of analyses, as functions from session to session: panel, menus and keys share them."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from ltdesk.analysis import Analysis
from ltdesk.errors import UsageError
from ltdesk.noise import SignalToNoise
from ltdesk.polar import RadialProfile
from ltdesk.session import Follows, Session
from ltdesk.ui.analyses.fields import fields_of
from ltdesk.ui.analyses.kinds import gives_frame, kind_of_result
from ltdesk.ui.live.wishes import image_names
from ltdesk.validation import validation_text


def made(session: Session, spec: type[Analysis], values: dict[str, Any]) -> tuple[Analysis, tuple[Follows, ...]]:
    """A new analysis with a free name; shapes that it cannot do without follow the selected detector.

    Raises UsageError where it needs more than the window can give.
    """
    name = session.free_name(str(spec.model_fields["name"].default or spec.model_fields["kind"].default))
    detector = session.selected_detector
    needed = [field.name for field in fields_of(spec) if field.kind == "shape" and field.required]
    if issubclass(spec, SignalToNoise) and detector is not None:
        needed = ["mask"]  # it may do without, but it is about detectors
    if needed and detector is None:
        raise UsageError(f"{name} needs a detector", "Draw one first.")
    shapes = {field: detector.shape for field in needed if detector is not None}
    follows = tuple(Follows(analysis=name, field=field, detector=detector.id) for field in shapes if detector)
    try:
        return spec.model_validate({"name": name, **shapes, **values}), follows
    except ValidationError as error:
        raise UsageError(f"{name} cannot be made here: {validation_text(error)}", "Use Python.") from error


def added(session: Session, spec: type[Analysis], **values: Any) -> Session:
    """A new analysis of this class at the end of the list, selected and shown. Raises UsageError."""
    analysis, follows = made(session, spec, values)
    session = session.but(analyses=(*session.analyses, analysis), follows=(*session.follows, *follows))
    return looking_at(session, analysis.name)


def looking_at(session: Session, name: str) -> Session:
    """The analysis `name` selected, and shown on the side that it belongs to; a picture that is of it stays."""
    analysis = session.analysis(name)
    if analysis is None:
        return session.but(selected_analysis=None)
    session = session.but(selected_analysis=name)
    if gives_frame(analysis):
        return session.but(frame_source=name)
    names = image_names(analysis)
    if session.shown in names or kind_of_result(analysis) == "numbers":
        return session
    return session.but(shown=names[0], shown_slice=first_slice(analysis))


def first_slice(analysis: Analysis) -> int:
    """The slice to begin with. No pixel need be at distance 0 of a centre between pixels; at 1 there are some."""
    return 1 if isinstance(analysis, RadialProfile) and analysis.nbins != 1 else 0


def removed(session: Session, name: str) -> Session:
    """The analysis gone; what showed it shows a detector or the mean frame, and a neighbour is selected."""
    names = [analysis.name for analysis in session.analyses]
    if name not in names:
        return session
    gone = session.analyses[names.index(name)]
    left = tuple(analysis for analysis in session.analyses if analysis.name != name)
    near = left[min(names.index(name), len(left) - 1)].name if left else None
    return session.but(
        analyses=left,
        follows=tuple(link for link in session.follows if link.analysis != name),
        displays={key: display for key, display in session.displays.items() if key not in image_names(gone)},
        selected_analysis=near,
        shown="detector" if session.shown in image_names(gone) else session.shown,
        frame_source="mean" if session.frame_source == name else session.frame_source,
    )


def changed(session: Session, name: str, /, **values: Any) -> Session:
    """The analysis `name` with other parameters. Raises pydantic's ValidationError, UsageError for a taken name."""
    old = next((analysis for analysis in session.analyses if analysis.name == name), None)
    if old is None:
        return session
    new = type(old).model_validate({**dict(old), **values})
    if new.name != name and new.name in _taken(session, name):
        raise UsageError(f"'{new.name}' is taken", "Choose another name.")
    analyses = tuple(new if analysis.name == name else analysis for analysis in session.analyses)
    session = _still_shown(session.but(analyses=analyses), old, new)
    return session if new.name == name else _renamed(session, old, new)


def following(session: Session, name: str, field: str, detector: str | None) -> Session:
    """A shape of the analysis `name` is from now on that of a detector; None: there is none."""
    links = tuple(link for link in session.follows if (link.analysis, link.field) != (name, field))
    if detector is None:
        return changed(session.but(follows=links), name, **{field: None})
    return session.but(follows=(*links, Follows(analysis=name, field=field, detector=detector)))


def _taken(session: Session, name: str) -> set[str]:
    others = {analysis.name for analysis in session.analyses if analysis.name != name}
    return (
        others
        | {detector.name for detector in session.detectors}
        | {"detector", "composite", "cursor", "mean", "region"}
    )


def _still_shown(session: Session, old: Analysis, new: Analysis) -> Session:
    """Where the result that is shown is none of the analysis any more, its first one is."""
    names = image_names(new)
    if new.name != old.name or session.shown not in image_names(old) or session.shown in names:
        return session
    return session.but(shown=names[0], shown_slice=first_slice(new))


def _renamed(session: Session, old: Analysis, new: Analysis) -> Session:
    """What was said of the results by their old names is said by their new ones."""
    names = dict(zip(image_names(old), image_names(new), strict=True)) | {old.name: new.name}
    return session.but(
        follows=tuple(
            link.model_copy(update={"analysis": new.name}) if link.analysis == old.name else link
            for link in session.follows
        ),
        displays={names.get(key, key): display for key, display in session.displays.items()},
        selected_analysis=new.name if session.selected_analysis == old.name else session.selected_analysis,
        shown=names.get(session.shown, session.shown),
        frame_source=names.get(session.frame_source, session.frame_source),
    )
