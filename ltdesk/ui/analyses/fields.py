"""The parameters of an analysis that have a row in its form."""

from __future__ import annotations

from ltdesk.analysis import Analysis
from ltdesk.parameters import ParameterField, parameters_of

ELSEWHERE = frozenset({"name", "maps"})
"""The name has a row of its own; the maps of a centre of mass are all at hand to be shown."""


def fields_of(spec: type[Analysis]) -> tuple[ParameterField, ...]:
    """Those of a spec class, in its order."""
    return tuple(field for field in parameters_of(spec) if field.name not in ELSEWHERE)
