"""Shapes as the command line writes them: ``disk:cy,cx,r+ring:…``, joined left to right by ``+ - &``."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from pydantic import ValidationError

from ltdesk import geometry
from ltdesk.errors import UsageError
from ltdesk.geometry import AnyShape

SHAPES: dict[str, type[geometry.BaseShape]] = {
    "point": geometry.Point,
    "disk": geometry.Disk,
    "ring": geometry.Ring,
    "sector": geometry.Sector,
    "rect": geometry.Rectangle,
    "ellipse": geometry.Ellipse,
}
FIELDS = {
    "point": "y,x",
    "disk": "cy,cx,r",
    "ring": "cy,cx,r_in,r_out",
    "sector": "cy,cx,r_in,r_out,deg0,deg1",
    "rect": "y0,x0,y1,x1",
    "ellipse": "cy,cx,ry,rx,deg",
    "polygon": "y,x;y,x;y,x",
    "mask": "FILE.npy",
}
# An operator counts only before a shape's name and colon, so that 1e+5, -3 and a file name may hold one.
_OPERATOR = re.compile(r"([+\-&])(?=(?:" + "|".join(FIELDS) + r"):)")


def parse_shape(text: str) -> AnyShape:
    """The shape that `text` describes. Raises UsageError naming the part that makes no sense."""
    pieces = _OPERATOR.split(text.strip())
    shape: Any = _parse_one(pieces[0])
    for operator, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        part = _parse_one(piece)
        shape = {"+": shape.__add__, "-": shape.__sub__, "&": shape.__and__}[operator](part)
    return shape  # type: ignore[no-any-return]


def shape_text(shape: AnyShape) -> str:
    """A shape as text that `parse_shape` reads back; a pixel mask is named by its size only."""
    if isinstance(shape, geometry.Combination):
        first, *rest = shape.terms
        return shape_text(first.shape) + "".join(term.op + shape_text(term.shape) for term in rest)
    if isinstance(shape, geometry.Polygon):
        return "polygon:" + ";".join(f"{_number(y)},{_number(x)}" for y, x in shape.points)
    if isinstance(shape, geometry.PixelMask):
        return f"mask:{shape.size[0]}x{shape.size[1]}"
    values = [getattr(shape, field) for field in FIELDS[shape.kind].split(",")]
    return f"{shape.kind}:" + ",".join(_number(value) for value in values)


def validation_text(error: ValidationError) -> str:
    """What a pydantic error found, in one line for a user."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    reason = str(first["msg"]).removeprefix("Value error, ")
    return f"{where}: {reason}" if where else reason


def _parse_one(piece: str) -> Any:
    kind, colon, values = piece.partition(":")
    if not colon or kind not in FIELDS:
        raise UsageError(f"shape '{piece}' is not known", f"Write one of {', '.join(FIELDS)}, as in disk:64,64,12.")
    if kind == "mask":
        return load_mask(values)
    try:
        if kind == "polygon":
            return geometry.Polygon(points=tuple(_pair(pair, piece) for pair in values.split(";")))
        return SHAPES[kind](**dict(_named(kind, values, piece)))
    except ValidationError as error:
        raise UsageError(f"shape '{piece}' makes no sense: {validation_text(error)}", _form(kind)) from error


def load_mask(path: str) -> geometry.PixelMask:
    """A pixel mask from a ``.npy`` file of bools, 0/1 or weights ``(ky, kx)``. Raises UsageError naming the file."""
    try:
        return geometry.PixelMask.from_array(np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"{path}: cannot be used as a mask: {error}", "Give a 2D .npy array.") from error


def _named(kind: str, values: str, piece: str) -> list[tuple[str, float]]:
    fields = FIELDS[kind].split(",")
    numbers = values.split(",")
    if kind == "ellipse" and len(numbers) == len(fields) - 1:
        numbers.append("0")
    if len(numbers) != len(fields):
        raise UsageError(f"shape '{piece}' has {len(numbers)} numbers, not {len(fields)}", _form(kind))
    return [(field, _float(number, piece)) for field, number in zip(fields, numbers, strict=True)]


def _pair(pair: str, piece: str) -> tuple[float, float]:
    numbers = pair.split(",")
    if len(numbers) != 2:
        raise UsageError(f"shape '{piece}': '{pair}' is not a point y,x", _form("polygon"))
    return _float(numbers[0], piece), _float(numbers[1], piece)


def _float(text: str, piece: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"shape '{piece}': '{text}' is not a number", _form(piece.partition(":")[0])) from None


def _form(kind: str) -> str:
    return f"Write {kind}:{FIELDS[kind]}."


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
