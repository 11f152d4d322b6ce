"""A shape in a few words, for lists; `ltdesk.shape_text` has the exact form."""

from __future__ import annotations

from ltdesk.geometry import AnyShape, Combination, Ellipse, PixelMask, Point, Polygon, Rectangle, Sector

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


def shape_words(shape: AnyShape, decimals: int = 1, placed: bool = True) -> str:
    """``ring 47.6, 46.8  r 12–24``; of a combination the kinds alone: ``disk − rect``.

    placed : with the centre, where there is more to say
    """
    if isinstance(shape, Combination):
        first, *rest = shape.terms
        return _inner(first.shape) + "".join(f" {SIGNS[term.op]} {_inner(term.shape)}" for term in rest)
    return f"{shape.kind} {_numbers(shape, decimals, placed)}"


def shorter_and_shorter(shape: AnyShape) -> tuple[str, ...]:
    """The words, and what to say in less room: whole numbers, then no centre, then the size alone."""
    return shape_words(shape), shape_words(shape, 0), shape_words(shape, 0, placed=False), _size(shape)


def _size(shape: AnyShape) -> str:
    if isinstance(shape, Rectangle):
        return f"rect {shape.y1 - shape.y0:.0f} × {shape.x1 - shape.x0:.0f}"
    if isinstance(shape, Polygon):
        return f"{len(shape.points)} corners"
    if isinstance(shape, Ellipse):
        return f"ellipse {shape.ry:.0f} × {shape.rx:.0f}"
    if isinstance(shape, Sector):
        return f"sector r {shape.r_in:.0f}–{shape.r_out:.0f}"
    return shape_words(shape, 0, placed=False)


def _inner(shape: AnyShape) -> str:
    return f"({shape_words(shape)})" if isinstance(shape, Combination) else shape.kind


def _numbers(shape: AnyShape, decimals: int, placed: bool) -> str:
    def short(value: float) -> str:
        text = f"{value:.{decimals}f}".replace("-", "−")
        return text.removesuffix(".0") if decimals else text

    if isinstance(shape, Polygon):
        return f"of {len(shape.points)} corners"
    if isinstance(shape, PixelMask):
        return f"{shape.size[0]} × {shape.size[1]}"
    if isinstance(shape, Point):
        return f"{short(shape.y)}, {short(shape.x)}"
    if isinstance(shape, Rectangle):
        return f"{short(shape.y0)}, {short(shape.x0)} to {short(shape.y1)}, {short(shape.x1)}"
    centre = f"{short(shape.cy)}, {short(shape.cx)}  " if placed else ""
    if shape.kind == "disk":
        return f"{centre}r {short(shape.r)}"
    if shape.kind == "ellipse":
        return f"{centre}r {short(shape.ry)} × {short(shape.rx)}  {short(shape.deg)}°"
    ring = f"{centre}r {short(shape.r_in)}–{short(shape.r_out)}"
    return ring if shape.kind == "ring" else f"{ring}  {short(shape.deg0)}–{short(shape.deg1)}°"
