"""The parameters of an analysis, read from its spec, of plug-ins too: what a form and the command line's help tell."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types as at
from pydantic.fields import FieldInfo

from ltdesk.analysis import Analysis
from ltdesk.geometry import BaseShape

FieldKind = Literal["flag", "integer", "number", "choice", "choices", "numbers", "integers", "shape", "text"]
LABELS = {"cy": "centre y", "cx": "centre x", "nbins": "bins", "r_in": "r in", "r_out": "r out"}


@dataclass(frozen=True)
class ParameterField:
    """One parameter of an analysis.

    Attributes
    ----------
    name : of the field in the spec
    label : what it is called on the screen
    kind : ``numbers`` and ``integers`` are lists; ``choices`` is a list of some of `options`
    default : the value at the start
    optional : None is a value: found by the analysis itself
    required : there is no default
    least, most : limits; None: none
    above : `least` itself is too small
    unit : shown behind the number
    options : of ``choice`` and ``choices``
    tip : from the docstring
    """

    name: str
    label: str
    kind: FieldKind
    default: Any = None
    optional: bool = False
    required: bool = False
    least: float | None = None
    most: float | None = None
    above: bool = False
    unit: str = ""
    options: tuple[str, ...] = ()
    tip: str = ""


@cache
def parameters_of(spec: type[Analysis]) -> tuple[ParameterField, ...]:
    """The parameters of a spec class, in its order, its name among them."""
    tips = attribute_tips(spec)
    return tuple(_field(name, info, tips.get(name, "")) for name, info in spec.model_fields.items() if name != "kind")


def summary_of(spec: type[Analysis]) -> str:
    """The first paragraph of an analysis' docstring, in one line."""
    first = (spec.__doc__ or "").split("\n\n")[0]
    return re.sub(r"\s+", " ", first).strip().replace("`", "")


def attribute_tips(spec: type[Analysis]) -> dict[str, str]:
    """What docstrings say of each attribute: the section ``Attributes`` of the class and of those it derives from."""
    tips: dict[str, str] = {}
    for base in reversed(spec.__mro__):
        section = inspect.cleandoc(base.__dict__.get("__doc__") or "").partition("Attributes\n----------\n")[2]
        for entry in re.split(r"\n(?=\S)", section):
            names, colon, text = entry.partition(" : ")
            if colon:
                words = re.sub(r"\s+", " ", text).strip().replace("`", "")
                tips |= {name.strip(): words for name in names.split(",")}
    return tips


def _field(name: str, info: FieldInfo, tip: str) -> ParameterField:
    arms = [arm for arm in _arms(info.annotation) if arm is not type(None)]
    optional = len(arms) < len(list(_arms(info.annotation)))
    kind, options = _kind(arms)
    constraints = [*info.metadata, *(c for arm in _annotated(info.annotation) for c in arm)]
    least, most, above = _limits(constraints)
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    return ParameterField(
        name=name,
        label=LABELS.get(name, name.replace("_", " ")),
        kind=kind,
        default=default,
        optional=optional,
        required=info.is_required(),
        least=least,
        most=most,
        above=above,
        unit=_unit(info, tip) if kind in ("number", "integer", "numbers") else "",
        options=options,
        tip=(tip[:1].upper() + tip[1:]) if tip else "",
    )


def _arms(annotation: Any) -> Iterator[Any]:
    """The types that an annotation allows, without what is noted beside them."""
    if get_origin(annotation) is Annotated:
        yield from _arms(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for arm in get_args(annotation):
            yield from _arms(arm)
    else:
        yield annotation


def _annotated(annotation: Any) -> Iterator[tuple[Any, ...]]:
    """What is noted beside the types of an annotation, as far as it is about the value itself."""
    if get_origin(annotation) is Annotated:
        first, *notes = get_args(annotation)
        yield tuple(n for note in notes for n in (note.metadata if isinstance(note, FieldInfo) else (note,)))
        yield from _annotated(first)
    elif get_origin(annotation) in (Union, types.UnionType):
        for arm in get_args(annotation):
            yield from _annotated(arm)


def _kind(arms: list[Any]) -> tuple[FieldKind, tuple[str, ...]]:
    if any(isinstance(arm, type) and issubclass(arm, BaseShape) for arm in arms):
        return "shape", ()
    arm = arms[0] if len(arms) == 1 else str
    if get_origin(arm) is Literal:
        return "choice", tuple(str(option) for option in get_args(arm))
    if get_origin(arm) in (tuple, list):
        return _list_kind(get_args(arm)[0])
    kinds: dict[Any, FieldKind] = {bool: "flag", int: "integer", float: "number"}
    return kinds.get(arm, "text"), ()


def _list_kind(item: Any) -> tuple[FieldKind, tuple[str, ...]]:
    kind, options = _kind(list(_arms(item)))
    lists: dict[FieldKind, FieldKind] = {"choice": "choices", "integer": "integers", "number": "numbers"}
    return lists.get(kind, "text"), options


def _limits(constraints: list[Any]) -> tuple[float | None, float | None, bool]:
    kinds = {"ge": at.Ge, "gt": at.Gt, "le": at.Le, "lt": at.Lt}
    found = {
        name: float(getattr(constraint, name))
        for name, kind in kinds.items()
        for constraint in constraints
        if isinstance(constraint, kind)
    }
    return found.get("gt", found.get("ge")), found.get("lt", found.get("le")), "gt" in found


def _unit(info: FieldInfo, tip: str) -> str:
    """As the field says itself (``json_schema_extra={"unit": "px"}``), else as its words do."""
    extra = info.json_schema_extra
    if isinstance(extra, dict) and "unit" in extra:
        return str(extra["unit"])
    if re.search(r"\bdegrees?\b|\+x\b", tip):
        return "°"
    return "px" if re.search(r"\bpixels?\b", tip) else ""
