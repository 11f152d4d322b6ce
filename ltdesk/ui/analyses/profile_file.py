"""Curves of a profile as a file: a table for spreadsheets, or arrays for Python."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ltdesk.engine.atomic import atomic_path, write_text
from ltdesk.geometry import AnyShape
from ltdesk.job import Job
from ltdesk.shape_text import shape_text
from ltdesk.ui.analyses.profiles import Bins, Curve


@dataclass(frozen=True, eq=False)
class Saved:
    """What is written: the curves by name (``cursor``, ``region``, ``scan``), of which analysis, and where from."""

    bins: Bins
    curves: dict[str, Curve]
    name: str
    cursor: tuple[int, int]
    region: AnyShape | None
    job: Job


def save_profile(path: Path, saved: Saved) -> Path:
    """Write curves as ``.npz`` (arrays ``place``, each curve, ``about`` as JSON), else as CSV. Raises ExportError."""
    if path.suffix.lower() == ".npz":
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, place=saved.bins.places, about=np.array(json.dumps(_about(saved))), **saved.curves)
    else:
        write_text(path, csv_text(saved))
    return path


def csv_text(saved: Saved) -> str:
    """Lines that begin with ``#`` say what it is; then a column of places and one a curve, 17 digits each."""
    bins, text = saved.bins, io.StringIO()
    for key, value in _about(saved).items():
        text.write(f"# {key}: {value if isinstance(value, str) else json.dumps(value)}\n")
    table = csv.writer(text, lineterminator="\n")
    value = f" ({bins.value_unit})" if bins.value_unit else ""
    table.writerow([_place_name(bins), *(f"{name}{value}" for name in saved.curves)])
    for row in zip(bins.places, *saved.curves.values(), strict=True):
        table.writerow([repr(float(number)) for number in row])
    return text.getvalue()


def _place_name(bins: Bins) -> str:
    return f"{bins.quantity} ({bins.unit})" if bins.unit else bins.quantity


def _about(saved: Saved) -> dict[str, object]:
    return {
        "profile": saved.name,
        "place": _place_name(saved.bins),
        "cursor": list(saved.cursor),
        "region": "" if saved.region is None else shape_text(saved.region),
        "recipe": saved.job.model_dump(mode="json"),
    }
