"""Edits of one detector's shape as steps of undo. Each says whether it changed anything; during a drag none does."""

from __future__ import annotations

from collections.abc import Callable

from ltdesk.geometry import AnyShape, Polygon
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.shapes import shape_moves
from ltdesk.ui.shapes.shape_hits import Hit
from ltdesk.ui.shapes.shape_moves import YX


def edit_shape(
    model: SessionModel,
    text: str,
    id: str,
    term: int | None,
    change: Callable[[AnyShape], AnyShape],
    merge: str = "",
) -> bool:
    """Change the shape of detector `id`, or its one `term`. Steps with the same `merge` in a row become one."""
    session = model.session
    detector = session.detector(id)
    if detector is None or model.dragging:
        return False
    shape = shape_moves.changed(detector.shape, term, change)
    edited = session.with_detector(detector.model_copy(update={"shape": shape}))
    model.edit(text, edited, merge)
    return edited != session


def edit_selected(model: SessionModel, text: str, term: int | None, change: Callable[[AnyShape], AnyShape]) -> bool:
    """Change the selected detector, or its one `term`; presses of a key in a row are one step."""
    detector = model.session.selected_detector
    if detector is None:
        return False
    merge = f"{text} {detector.id} {term}"
    return edit_shape(model, f"{text} {detector.name}", detector.id, term, change, merge)


def remove_vertex(model: SessionModel, hit: Hit | None) -> bool:
    """Take away the vertex that was hit; a triangle keeps its three."""
    index = _numbered(hit, "vertex")
    return index is not None and edit_shape(
        model, "Remove vertex", hit.id, hit.term, _of_polygon(lambda p: shape_moves.without_vertex(p, index))
    )


def add_vertex(model: SessionModel, hit: Hit | None, at: YX) -> bool:
    """Put a vertex on the polygon's edge that was hit."""
    index = _numbered(hit, "edge")
    return index is not None and edit_shape(
        model, "Add vertex", hit.id, hit.term, _of_polygon(lambda p: shape_moves.with_vertex(p, index, at))
    )


def remove_term(model: SessionModel, term: int | None) -> bool:
    """Take a term out of the selected detector's combination; the last one stays."""
    detector = model.session.selected_detector
    if detector is None or term is None:
        return False
    return edit_shape(model, "Remove part", detector.id, None, lambda whole: shape_moves.without_term(whole, term))


def _of_polygon(change: Callable[[Polygon], Polygon]) -> Callable[[AnyShape], AnyShape]:
    return lambda shape: change(shape) if isinstance(shape, Polygon) else shape


def _numbered(hit: Hit | None, name: str) -> int | None:
    part, _, index = hit.part.partition(":") if hit is not None else ("", "", "")
    return int(index) if part == name and index else None
