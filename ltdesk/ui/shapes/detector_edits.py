"""Edits of the list of detectors, as functions from session to session: panels, menus and keys share them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from typing import Literal

from ltdesk.analysis import NAME_PATTERN, RESERVED_NAMES
from ltdesk.geometry import (
    AnyShape,
    Disk,
    Ellipse,
    Point,
    Polygon,
    Rectangle,
    Ring,
    Sector,
    Size2D,
    Term,
    shape_from_terms,
    terms_of,
)
from ltdesk.session import Detector, Session
from ltdesk.shape_bounds import moved, shape_centre

Operator = Literal["+", "-", "&"]
NEW_KINDS = ("disk", "ring", "sector", "rect", "ellipse", "polygon", "point")


def name_problem(session: Session, id: str, name: str) -> str:
    """Why detector `id` cannot be called `name`; empty where it can."""
    if not name:
        return "A detector needs a name."
    if not re.fullmatch(NAME_PATTERN, name):
        return "Use letters A–Z, digits, _ and . only: the name is used in files and on the command line."
    if name in RESERVED_NAMES:
        return f"'{name}' is reserved: every result file has an array of that name."
    taken = [d.name for d in session.detectors if d.id != id] + [a.name for a in session.analyses]
    return f"'{name}' is taken. Choose another name." if name in taken else ""


def default_shape(kind: str, frame_shape: Size2D, centre: tuple[float, float] | None = None) -> AnyShape:
    """A shape of a handy size at `centre` (y, x), by default the frame's. Raises KeyError for other kinds."""
    cy, cx = centre or ((frame_shape[0] - 1) / 2, (frame_shape[1] - 1) / 2)
    r = max(1.0, round(min(frame_shape) / 8))
    shapes: dict[str, Callable[[], AnyShape]] = {
        "point": lambda: Point(y=cy, x=cx),
        "disk": lambda: Disk(cy=cy, cx=cx, r=r),
        "ring": lambda: Ring(cy=cy, cx=cx, r_in=r, r_out=2 * r),
        "sector": lambda: Sector(cy=cy, cx=cx, r_in=r, r_out=2 * r, deg0=0, deg1=90),
        "rect": lambda: Rectangle(y0=cy - r, x0=cx - r, y1=cy + r, x1=cx + r),
        "ellipse": lambda: Ellipse(cy=cy, cx=cx, ry=r, rx=2 * r),
        "polygon": lambda: Polygon(points=((cy - r, cx), (cy + r, cx + r), (cy + r, cx - r))),
    }
    return shapes[kind]()


def added(session: Session, shape: AnyShape, stem: str = "") -> Session:
    """`shape` as a new detector at the end, selected, with a free name and colour."""
    name = session.free_name(stem or shape.kind)
    return session.with_detector(Detector(name=name, colour=session.free_colour(), shape=shape))


def added_kind(session: Session, kind: str, frame_shape: Size2D) -> Session:
    """A new shape of this kind, centred where the selected detector is."""
    selected = session.selected_detector
    centre = shape_centre(selected.shape) if selected else None
    return added(session, default_shape(kind, frame_shape, centre))


def duplicated(session: Session, id: str, offset: float = 4.0) -> Session:
    """A copy right after detector `id`, `offset` pixels down and right, selected."""
    original = session.detector(id)
    if original is None:
        return session
    changes = {
        "id": uuid.uuid4().hex,
        "name": session.free_name(re.sub(r"(?<=\D)\d+$", "", original.name)),
        "colour": session.free_colour(),
        "shape": moved(original.shape, offset, offset),
    }
    copy = original.model_copy(update=changes)
    at = [d.id for d in session.detectors].index(id) + 1
    detectors = (*session.detectors[:at], copy, *session.detectors[at:])
    return session.but(detectors=detectors, selected=copy.id)


def removed(session: Session, ids: Sequence[str]) -> Session:
    """The detectors removed; a neighbour is selected."""
    for id in ids:
        session = session.without_detector(id)
    return session


def reordered(session: Session, ids: Sequence[str], row: int) -> Session:
    """The detectors `ids` moved, in their order, before what stands in `row` now; past the last row: to the end."""
    moving = [d for d in session.detectors if d.id in ids]
    before = [d for d in session.detectors[:row] if d.id not in ids]
    after = [d for d in session.detectors[row:] if d.id not in ids]
    return session.but(detectors=(*before, *moving, *after))


def combined(session: Session, ids: Sequence[str], operator: Operator) -> Session:
    """The detectors `ids`, joined in the order of the list, become the first of them, which is selected.

    Its name, colour and weight stay; the others are taken in, weights aside.
    """
    chosen = [d for d in session.detectors if d.id in ids]
    if len(chosen) < 2:
        return session
    first, *rest = chosen
    terms = terms_of(first.shape)
    for detector in rest:
        terms = (*terms, Term(op=operator, shape=detector.shape))
    whole = first.model_copy(update={"shape": shape_from_terms(terms)})
    return removed(session.with_detector(whole), [d.id for d in rest]).but(selected=first.id)


def split(session: Session, id: str) -> Session:
    """A combination taken apart: its first shape stays, each further shape becomes a detector after it."""
    whole = session.detector(id)
    if whole is None or len(terms_of(whole.shape)) < 2:
        return session
    first, *rest = terms_of(whole.shape)
    session = session.with_detector(whole.model_copy(update={"shape": first.shape}))
    for term in rest:
        session = added(session, term.shape)
    return session.but(selected=id)


def changed(session: Session, id: str, **changes: object) -> Session:
    """Detector `id` with these fields changed, validated. Raises pydantic's ValidationError."""
    detector = session.detector(id)
    if detector is None:
        return session
    return session.with_detector(Detector.model_validate({**dict(detector), **changes}))
