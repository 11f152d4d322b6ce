"""Numbers and positions as people read them: grouped digits, few of them, a true minus, units behind."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees, hypot, isinf, isnan
from typing import Any, Literal

from ltdesk.ui.pictures.prepare import Picture, Prepared

NARROW_SPACE = "\u202f"
MINUS = "\u2212"
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
DIGITS = 5

Kind = Literal["frame", "scan"]


@dataclass(frozen=True)
class PixelScale:
    """What a pixel measures: `size` of `unit` each; distances from `origin` ``(y, x)`` in pixels, if one is given.

    Along y it measures `size_y` where that is another size: frequencies of a picture that is not square.
    """

    size: float
    unit: str
    origin: tuple[float, float] | None = None
    size_y: float | None = None


def number_text(value: Any, digits: int = DIGITS) -> str:
    """``8 214``, ``0.01235``, ``1.5×10⁻⁹``: whole numbers in full, floats to `digits` digits."""
    if isinstance(value, int) or (getattr(value, "dtype", None) is not None and value.dtype.kind in "iu"):
        return _grouped(f"{int(value)}")
    value = float(value)
    if isnan(value) or isinf(value):
        return "not a number" if isnan(value) else (MINUS if value < 0 else "") + "∞"
    if value != 0 and not 1e-4 <= abs(value) < 1e7:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}×10{str(int(exponent)).translate(SUPERSCRIPTS)}".replace("-", MINUS)
    text = f"{value:.{digits}g}"
    return _grouped(f"{value:.0f}" if "e" in text else text)


def short_text(value: float) -> str:
    """A length or distance: three digits."""
    return number_text(float(value), 3)


def readout_text(prepared: Prepared, y: int, x: int, kind: Kind, scale: PixelScale | None) -> str:
    """``(12, 31) = 8 214 e`` on a scan, ``k 31, 52 = 417`` on a frame; where there is no value, why."""
    where = f"({y}, {x})" if kind == "scan" else f"k {y}, {x}"
    if scale is not None:
        where += f" · {place_text(y, x, scale)}"
    if prepared.wheel:
        return f"{where} = {vector_text(prepared, y, x)}"
    values = [value_text(layer, y, x) for layer in prepared.layers]
    if len(values) == 1:
        return f"{where} = {values[0]}"
    names = [layer.name or str(n) for n, layer in enumerate(prepared.layers, 1)]
    texts = [f"{name} {value}" for name, value in zip(names, values, strict=True)]
    unit = f" {prepared.picture.unit}" if prepared.picture.unit else ""
    if all(text.endswith(unit) for text in texts):  # said once: there is little room
        texts = [text.removesuffix(unit) for text in texts[:-1]] + texts[-1:]
    return f"({y}, {x})  " + "  ".join(texts)


def place_text(y: float, x: float, scale: PixelScale) -> str:
    """Where a pixel is in the scale's unit: its distance from the origin, or its two coordinates."""
    if scale.origin is not None:
        size_y = scale.size if scale.size_y is None else scale.size_y
        distance = hypot((y - scale.origin[0]) * size_y, (x - scale.origin[1]) * scale.size)
        return f"{short_text(distance)} {scale.unit}"
    return f"{short_text(y * scale.size)}, {short_text(x * scale.size)} {scale.unit}"


def vector_text(prepared: Prepared, y: int, x: int) -> str:
    """One vector's length and direction: 0° along +x, growing towards +y."""
    length, dy, dx = prepared.layers
    text = value_text(length, y, x)
    if not text[0].isdigit() or length.values[y, x] == 0:
        return text  # why there is none, or a vector without direction
    angle = degrees(atan2(dy.values[y, x], dx.values[y, x])) % 360
    return f"{text}, {angle:.0f}°"


def value_text(picture: Picture, y: int, x: int) -> str:
    """One pixel's value with its unit, or why it has none."""
    if picture.failed is not None and picture.failed[y, x]:
        return "failed"
    if picture.valid is not None and not picture.valid[y, x]:
        return "missing" if picture.missing else "not yet done"
    text = number_text(picture.values[y, x])
    return f"{text} {picture.unit}" if picture.unit and text != "not a number" else text


def _grouped(text: str) -> str:
    """Digits before the point in groups of three,."""
    sign = MINUS if text.startswith("-") else ""
    whole, point, rest = text.lstrip("-").partition(".")
    return f"{sign}{int(whole):,}".replace(",", NARROW_SPACE) + point + rest
