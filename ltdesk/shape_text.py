"""Shapes as the command line writes them: ``disk:cy,cx,r+ring:…``, joined left to right by ``+ - &``."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from pydantic import ValidationError

from ltdesk import geometry
from ltdesk.errors import UsageError, os_error_text
from ltdesk.geometry import AnyShape
from ltdesk.validation import validation_text

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
# An operator or a parenthesis counts only where a shape's name and colon follow (a closing one: where such an operator
# or the end does), so that 1e+5, -3 and a file name may hold one.
_NAMED = r"\(*(?:" + "|".join(FIELDS) + r"):"
_MARK = re.compile(rf"([+\-&](?={_NAMED})|\((?={_NAMED})|\)(?=\)*(?:$|[+\-&]{_NAMED})))")


def parse_shape(text: str) -> AnyShape:
    """The shape that `text` describes. Raises UsageError naming the part that makes no sense."""
    tokens = _tokens(text.strip())
    shape = _parse_joined(tokens)
    if tokens:
        raise UsageError(f"shape '{text}' cannot be read from '{''.join(tokens)}' on", "Join shapes by + - or &.")
    return shape


def mask_files(text: str) -> list[str]:
    """The files that a shape's text names."""
    return [token.removeprefix("mask:") for token in _tokens(text.strip()) if token.startswith("mask:")]


def shape_text(shape: AnyShape) -> str:
    """A shape as text that `parse_shape` reads back; a pixel mask is named by its size only.

    A combination within a combination stands in parentheses. One that starts by taking away is written so, but is
    nothing that `parse_shape` takes.
    """
    if isinstance(shape, geometry.Combination):
        return "".join(term.op + _operand_text(term.shape) for term in shape.terms).removeprefix("+")
    if isinstance(shape, geometry.Polygon):
        return "polygon:" + ";".join(f"{_number(y)},{_number(x)}" for y, x in shape.points)
    if isinstance(shape, geometry.PixelMask):
        return f"mask:{shape.size[0]}x{shape.size[1]}"
    values = [getattr(shape, field) for field in FIELDS[shape.kind].split(",")]
    return f"{shape.kind}:" + ",".join(_number(value) for value in values)


def _operand_text(shape: AnyShape) -> str:
    return f"({shape_text(shape)})" if isinstance(shape, geometry.Combination) else shape_text(shape)


def _tokens(text: str) -> list[str]:
    """Operators, parentheses and plain shapes, in order."""
    tokens: list[str] = []
    depth = 0
    for piece in _MARK.split(text):
        starts = not tokens or tokens[-1] in ("+", "-", "&", "(")
        if (piece == "(" and starts) or (piece == ")" and depth) or (piece in ("+", "-", "&") and not starts):
            depth += {"(": 1, ")": -1}.get(piece, 0)
            tokens.append(piece)
        elif piece and starts:
            tokens.append(piece)
        elif piece:  # a parenthesis within a file's name
            tokens[-1] += piece
    return tokens


def _parse_joined(tokens: list[str]) -> AnyShape:
    shape: Any = _parse_operand(tokens)
    while tokens and tokens[0] in ("+", "-", "&"):
        join = {"+": shape.__add__, "-": shape.__sub__, "&": shape.__and__}[tokens.pop(0)]
        shape = join(_parse_operand(tokens))
    return shape  # type: ignore[no-any-return]


def _parse_operand(tokens: list[str]) -> Any:
    first = tokens.pop(0) if tokens else ""
    if first != "(":
        return _parse_one(first)
    shape = _parse_joined(tokens)
    if not tokens or tokens.pop(0) != ")":
        raise UsageError(f"'({shape_text(shape)}' has no closing parenthesis", "Add it.")
    return shape


def _parse_one(piece: str) -> Any:
    kind, colon, values = piece.partition(":")
    if not colon or kind not in FIELDS:
        raise UsageError(f"shape '{piece}' is not known", f"Write one of {', '.join(FIELDS)}, as in disk:64,64,12.")
    if kind == "mask":
        return load_mask(values)
    try:
        if kind == "polygon":
            return geometry.Polygon.model_validate({"points": [_pair(pair, piece) for pair in values.split(";")]})
        return SHAPES[kind].model_validate(dict(_named(kind, values, piece)))
    except ValidationError as error:
        raise UsageError(f"shape '{piece}' makes no sense: {validation_text(error)}", _form(kind)) from error


def load_mask(path: str) -> geometry.PixelMask:
    """A pixel mask from a ``.npy`` file of bools, 0/1 or weights ``(ky, kx)``. Raises UsageError naming the file."""
    try:
        with open(path, "rb") as file:  # np.load would also take zip archives and pickles
            return geometry.PixelMask.from_array(np.lib.format.read_array(file, allow_pickle=False))
    except Exception as error:  # numpy raises many kinds for a header that is damaged
        reason = os_error_text(error) if isinstance(error, OSError) else error
        raise UsageError(f"{path}: cannot be used as a mask: {reason}", "Give a 2D .npy array.") from error


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
