"""A shape in a few words, for lists; `ltdesk.shape_text` has the exact form."""

from __future__ import annotations

from ltdesk.geometry import AnyShape, Combination, PixelMask, Point, Polygon, Rectangle

KIND_NAMES = {
    "point": "Point",
    "disk": "Disk",
    "ring": "Ring",
    "sector": "Sector",
    "rect": "Rectangle",
    "ellipse": "Ellipse",
    "polygon": "Polygon",
    "mask": "Pixel mask",
    "combination": "Combination",
}
SIGNS = {"+": "+", "-": "−", "&": "&"}


def shape_words(shape: AnyShape) -> str:
    """``ring 47.6, 46.8  r 12–24``; of a combination the kinds alone: ``disk − rect``."""
    if isinstance(shape, Combination):
        first, *rest = shape.terms
        return _inner(first.shape) + "".join(f" {SIGNS[term.op]} {_inner(term.shape)}" for term in rest)
    return f"{shape.kind} {_numbers(shape)}"


def _inner(shape: AnyShape) -> str:
    return f"({shape_words(shape)})" if isinstance(shape, Combination) else shape.kind


def _numbers(shape: AnyShape) -> str:
    if isinstance(shape, Polygon):
        return f"of {len(shape.points)} corners"
    if isinstance(shape, PixelMask):
        return f"{shape.size[0]} × {shape.size[1]}"
    if isinstance(shape, Point):
        return f"{_n(shape.y)}, {_n(shape.x)}"
    if isinstance(shape, Rectangle):
        return f"{_n(shape.y0)}, {_n(shape.x0)} to {_n(shape.y1)}, {_n(shape.x1)}"
    centre = f"{_n(shape.cy)}, {_n(shape.cx)}"
    if shape.kind == "disk":
        return f"{centre}  r {_n(shape.r)}"
    if shape.kind == "ellipse":
        return f"{centre}  r {_n(shape.ry)} × {_n(shape.rx)}  {_n(shape.deg)}°"
    ring = f"{centre}  r {_n(shape.r_in)}–{_n(shape.r_out)}"
    return ring if shape.kind == "ring" else f"{ring}  {_n(shape.deg0)}–{_n(shape.deg1)}°"


def _n(value: float) -> str:
    """One decimal, none where it is 0."""
    return f"{value:.1f}".removesuffix(".0").replace("-", "−")
