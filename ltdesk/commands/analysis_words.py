"""``--analysis NAME[:key=value,...]``: from words to a spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ltdesk.analysis import Analysis, VirtualDetector, kind_of
from ltdesk.commands.fits import FITTED, WRITE, Fit, split_fit
from ltdesk.errors import UsageError, nearest_text
from ltdesk.parameters import FieldKind, parameters_of
from ltdesk.plugins import analysis_spec, analysis_specs
from ltdesk.shape_text import FIELDS
from ltdesk.validation import first_problem, validation_text

LISTS: frozenset[FieldKind] = frozenset({"choices", "numbers", "integers"})


@dataclass(frozen=True)
class Words:
    """An analysis' words, taken apart.

    Attributes
    ----------
    text : all of them
    spec : the class that NAME stands for
    given : its parameters as they were written, by key
    fit : what is to be fitted
    """

    text: str
    spec: type[Analysis]
    given: Mapping[str, str]
    fit: Fit

    @property
    def name(self) -> str:
        """What the results are named after."""
        return self.given.get("name", str(self.spec.model_fields["name"].default))


def read_words(text: str) -> Words:
    """Take ``NAME[:key=value,...]`` apart. Raises UsageError naming what is not known, or contradicts."""
    kind, _, options = text.partition(":")
    spec = _spec(kind, text)
    given = {key: _joined(spec, key, value, text) for key, value in _options(spec, options, text).items()}
    rest, fit = split_fit(spec, given, text)
    return Words(text, spec, rest, fit)


def parse_analysis(text: str, detectors: Mapping[str, VirtualDetector]) -> Analysis:
    """The analysis; `detectors` are those that ``mask=NAME`` may name. Raises UsageError."""
    words = read_words(text)
    values: dict[str, Any] = dict(words.given)
    for key in _keys_of_kind(words.spec, frozenset({"shape"})) & values.keys():
        detector = _detector(key, values[key], detectors, text)
        if "weight" in words.spec.model_fields:
            values.setdefault("weight", detector.weight)
        values[key] = detector.shape
    try:
        return words.spec.model_validate({"kind": kind_of(words.spec), **values})
    except ValidationError as error:
        raise UsageError(f"analysis '{text}': {validation_text(error)}", _way_out(words.spec, error)) from error


def keys_of(spec: type[Analysis]) -> list[str]:
    """The keys that an analysis takes, those that ask for a fit among them."""
    fitted = {key for key, base in FITTED.items() if issubclass(spec, base)}
    return sorted({field.name for field in parameters_of(spec)} | fitted)


def _spec(kind: str, text: str) -> type[Analysis]:
    name = kind.partition(",")[0]
    if name != kind and name in analysis_specs():
        raise UsageError(f"analysis '{text}': a colon ends the name", f"Write {name}:{text[len(name) + 1 :]}.")
    spec = analysis_spec(kind)
    if spec is VirtualDetector:
        raise UsageError(f"analysis '{kind}' needs a shape", "Write --detector NAME=SHAPE.")
    return spec


def _options(spec: type[Analysis], options: str, text: str) -> dict[str, str]:
    """Values by key; what stands between commas without a key goes on with the value before it."""
    given: dict[str, str] = {}
    for option in filter(None, map(str.strip, options.split(","))):
        key, equals, value = option.partition("=")
        if not equals and given:
            given[next(reversed(given))] += f",{option}"
            continue
        if not equals:
            raise UsageError(f"analysis '{text}': '{option}' is not key=value", "Write as in com:cy=64,cx=64.")
        if key in given:
            twice = f"{key} is given twice, as {given[key]} and as {value}"
            raise UsageError(f"analysis '{text}': {twice}", "Leave one away.")
        if key not in keys_of(spec):
            way_out = f"{nearest_text(key, keys_of(spec))}It takes {', '.join(keys_of(spec))}."
            raise UsageError(f"analysis '{text}': '{kind_of(spec)}' has no '{key}'", way_out)
        given[key] = value
    return given


def _joined(spec: type[Analysis], key: str, value: str, text: str) -> str:
    """The value, its commas as the ``+`` that joins lists. Raises UsageError where there can be one value only."""
    if "," not in value or key in _keys_of_kind(spec, frozenset({"shape"})):
        return value
    if key == "ellipse" or key in _keys_of_kind(spec, LISTS):
        return value.replace(",", "+")
    one, _, more = value.partition(",")
    raise UsageError(f"analysis '{text}': '{more}' comes after {key}={one} without a key", f"{key} takes one value.")


def _keys_of_kind(spec: type[Analysis], kinds: frozenset[FieldKind]) -> set[str]:
    return {field.name for field in parameters_of(spec) if field.kind in kinds}


def _detector(key: str, name: str, detectors: Mapping[str, VirtualDetector], text: str) -> VirtualDetector:
    if name in detectors:
        return detectors[name]
    if name.partition(":")[0] in FIELDS and ":" in name:
        raise UsageError(
            f"analysis '{text}': {key} takes the name of a detector, not a shape",
            f"Write --detector m={name} and {key}=m.",
        )
    way_out = f"{nearest_text(name, detectors)}Add --detector NAME=SHAPE for {key}=NAME."
    raise UsageError(f"analysis '{text}': there is no detector '{name}'", way_out)


def _way_out(spec: type[Analysis], error: ValidationError) -> str:
    problem = first_problem(error)
    key = str(problem["loc"][0]) if problem["loc"] else ""
    if problem["type"] == "too_short":
        return f"Join them by +, as in {key}=A+B."
    return WRITE.get(key, f"'ltdesk run --analysis {kind_of(spec)}:help' says what it takes.")
