"""What pydantic found wrong, in words for a user: the same on the command line, in Python and in the window."""

from __future__ import annotations

from textwrap import shorten
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from ltdesk.errors import InvalidValue

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)

WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not known",
    "float_type": "'{input}' is not a number",
    "float_parsing": "'{input}' is not a number",
    "finite_number": "must be a finite number",
    "int_type": "'{input}' is not a whole number",
    "int_parsing": "'{input}' is not a whole number",
    "int_from_float": "'{input}' is not a whole number",
    "bool_type": "'{input}' is neither yes nor no",
    "bool_parsing": "'{input}' is neither yes nor no",
    "greater_than": "must be more than {gt:,.9g}, not {input}",
    "greater_than_equal": "must be at least {ge:,.9g}, not {input}",
    "less_than": "must be less than {lt:,.9g}, not {input}",
    "less_than_equal": "must be at most {le:,.9g}, not {input}",
    "too_short": "at least {min_length} are needed, not {actual_length}",
    "too_long": "at most {max_length} are taken, not {actual_length}",
    "literal_error": "'{input}' is not one of {expected}",
    "value_error": "{error}",
    "tuple_type": "'{input}' is no list",
    "union_tag_not_found": "'{input}' is neither a shape nor an array",
    "model_attributes_type": "'{input}' is neither a shape nor an array",
    "model_type": "'{input}' is no {class_name}",
}
"""By pydantic's types of errors; `input` is what was given, the rest is pydantic's. Others stay pydantic's."""
NAMES = "use letters A-Z, digits, _ and . only, not '{input}'"


class _InOneLine(ModelMetaclass):
    """Of classes that users call: what pydantic refuses is an `LtdeskError`, and a ValueError as pydantic's own is.

    `model_validate`, and validation within other models, go past this and raise pydantic's, which has more to tell; but
    for classes with an ``__init__`` of their own that holds what is said here (`first_problem`).
    """

    def __call__(cls, *args: Any, **values: Any) -> Any:
        try:
            return super().__call__(*args, **values)
        except ValidationError as error:
            what = f"{cls.__name__}: {validation_text(error)}"
            raise InvalidValue(what, f"help({cls.__name__}) says what it takes.") from error


class Frozen(BaseModel, metaclass=_InOneLine):
    """Base of the frozen data that users make. Raises InvalidValue where it makes no sense."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def validation_text(error: ValidationError) -> str:
    """What a pydantic error found first, and where, in one line for a user."""
    first = first_problem(error)
    parts = list(first["loc"])
    while len(parts) > 1 and isinstance(parts[-1], int):
        parts.pop()  # which of a list: the words say it
    where = ".".join(str(part) for part in parts)
    return f"{where}: {reason_of(first)}" if where else reason_of(first)


def first_problem(error: ValidationError) -> ErrorDetails:
    """What a pydantic error found first.

    A class with an ``__init__`` of its own is called by pydantic as by a user, and says its own line: what counts is
    what was found there.
    """
    problem = error.errors()[0]
    said = problem.get("ctx", {}).get("error")
    if not (isinstance(said, InvalidValue) and isinstance(said.__cause__, ValidationError)):
        return problem
    found = first_problem(said.__cause__)
    return {**found, "loc": (*problem["loc"], *found["loc"])}


def reason_of(problem: ErrorDetails) -> str:
    """One of the things that pydantic found, without where."""
    is_name = problem["type"] == "string_pattern_mismatch" and problem["loc"][-1:] == ("name",)
    words = NAMES if is_name else WORDS.get(problem["type"])
    return problem["msg"] if words is None else words.format(input=_shown(problem["input"]), **problem.get("ctx", {}))


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else shorten(str(value), 60, placeholder=" ...")
