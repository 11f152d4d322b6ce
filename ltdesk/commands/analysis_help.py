"""``ltdesk run --analysis help``: what there is to compute and by which keys, as the specs tell it."""

from __future__ import annotations

import textwrap

from ltdesk.analysis import Analysis, VirtualDetector
from ltdesk.commands.fits import FITTED, FITTING
from ltdesk.parameters import FieldKind, ParameterField, parameters_of, summary_of
from ltdesk.plugins import analysis_spec, analysis_specs

WIDTH = 100
FORMS: dict[FieldKind, str] = {
    "flag": "yes|no",
    "integer": "N",
    "integers": "N+N+...",
    "number": "NUMBER",
    "numbers": "NUMBER+NUMBER+...",
    "shape": "DETECTOR",
    "text": "TEXT",
}
FITS = {
    "centre": ("fit", "The centre of the direct beam, in the place of cy and cx"),
    "ellipse": (
        "R_IN+R_OUT",
        "Centre and ellipse of the ring between two radii, in the place of cy, cx, ratio and deg",
    ),
}
"""The form and meaning of keys that are no parameters themselves."""
NAME = "What the results are named after: letters, digits, _ and ."
MORE = "Formulas, units and costs: docs/analyses.md in ltdesk's sources."


def help_of_all() -> str:
    """What each analysis is, and its keys; plug-ins' too."""
    lines = ["--analysis NAME or NAME:KEY=VALUE,KEY=VALUE ('--analysis NAME:help' explains the keys of one)", ""]
    for kind, spec in sorted(analysis_specs().items()):
        if spec is not VirtualDetector:
            keys = ", ".join(key for key, _, _ in _keys(spec))
            lines += [kind, _indented(summary_of(spec)), _indented(f"Keys: {keys}"), ""]
    return "\n".join([*lines, MORE])


def help_of(kind: str) -> str:
    """What an analysis is, and what each of its keys takes. Raises UsageError where it is not known."""
    spec = analysis_spec(kind)
    lines = [kind, _indented(summary_of(spec)), ""]
    for key, form, tip in _keys(spec):
        lines += [f"  {key}={form}", *([_indented(tip, 6)] if tip else [])]
    return "\n".join([*lines, "", MORE])


def _keys(spec: type[Analysis]) -> list[tuple[str, str, str]]:
    """Each key with the form of its value, and what it is."""
    own = [(field.name, _form(field), NAME if field.name == "name" else field.tip) for field in parameters_of(spec)]
    return own + [(key, *words) for key, words in FITS.items() if issubclass(spec, FITTED[key])]


def _form(field: ParameterField) -> str:
    if field.options:
        return "|".join(field.options) + ("+..." if field.kind == "choices" else "")
    return "|".join([*FITTING.get(field.name, ()), FORMS[field.kind]])


def _indented(text: str, by: int = 2) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=" " * by, subsequent_indent=" " * by)
