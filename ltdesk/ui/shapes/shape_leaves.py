"""A shape as a list of its leaves with paths into it, and the shape with one of them changed.

A path is the places of terms, from the outermost combination inwards; a plain shape has the path ``()``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ltdesk.geometry import AnyShape, Combination, Term, shape_from_terms

Path = tuple[int, ...]
Operator = Literal["+", "-", "&"]


@dataclass(frozen=True)
class Field:
    """A number of a shape: its attribute, what it is called beside its box, in words, and its unit."""

    name: str
    label: str
    words: str
    unit: str = "px"
    least: float = -1e6


_CENTRE = (Field("cy", "cy", "Centre, down"), Field("cx", "cx", "Centre, right"))
_RADII = (
    Field("r_in", "r in", "Inner radius", least=0),
    Field("r_out", "r out", "Outer radius", least=0),
)
FIELDS: dict[str, tuple[Field, ...]] = {
    "point": (Field("y", "y", "Position, down"), Field("x", "x", "Position, right")),
    "disk": (*_CENTRE, Field("r", "r", "Radius", least=0)),
    "ring": (*_CENTRE, *_RADII),
    "sector": (
        *_CENTRE,
        *_RADII,
        Field("deg0", "from", "First angle, 0 to the right, growing downwards", "°"),
        Field("deg1", "to", "Last angle, itself outside", "°"),
    ),
    "rect": (
        Field("y0", "y0", "Top edge"),
        Field("x0", "x0", "Left edge"),
        Field("y1", "y1", "Bottom edge, itself outside"),
        Field("x1", "x1", "Right edge, itself outside"),
    ),
    "ellipse": (
        *_CENTRE,
        Field("ry", "ry", "Semi-axis across the angle", least=0.01),
        Field("rx", "rx", "Semi-axis along the angle", least=0.01),
        Field("deg", "angle", "Angle of the second axis, 0 to the right, growing downwards", "°"),
    ),
    "polygon": (),
    "mask": (),
}


@dataclass(frozen=True)
class Leaf:
    """A plain shape within a shape: where it is, and how it joins what comes before."""

    path: Path
    op: Operator
    shape: AnyShape


def leaves(shape: AnyShape, path: Path = (), op: Operator = "+") -> tuple[Leaf, ...]:
    """The plain shapes of a shape, from left to right. Of a nested combination the first joins as the whole does."""
    if not isinstance(shape, Combination):
        return (Leaf(path, op, shape),)
    found: list[Leaf] = []
    for place, term in enumerate(shape.terms):
        found += leaves(term.shape, (*path, place), op if place == 0 and path else term.op)
    return tuple(found)


def with_leaf(shape: AnyShape, path: Path, leaf: AnyShape) -> AnyShape:
    """The shape with what stands at `path` replaced."""
    if not path:
        return leaf
    return _with_term(shape, path, lambda term: term.model_copy(update={"shape": leaf}))


def with_operator(shape: AnyShape, path: Path, op: Operator) -> AnyShape:
    """The shape with the operator of the term at `path` replaced."""
    return _with_term(shape, path, lambda term: term.model_copy(update={"op": op}))


def without_leaf(shape: AnyShape, path: Path) -> AnyShape:
    """The shape without the term at `path`; the only term of a combination stays."""
    return _with_term(shape, path, lambda term: None)


def _with_term(shape: AnyShape, path: Path, change) -> AnyShape:
    if not isinstance(shape, Combination):
        return shape
    place, *rest = path
    terms = list(shape.terms)
    if rest:
        inner = _with_term(terms[place].shape, tuple(rest), change)
        terms[place] = terms[place].model_copy(update={"shape": inner})
    elif (changed := change(terms[place])) is not None:
        terms[place] = changed
    elif len(terms) > 1:
        del terms[place]
        terms[0] = Term(op="+", shape=terms[0].shape)  # a combination starts from nothing
    return shape_from_terms(tuple(terms))
