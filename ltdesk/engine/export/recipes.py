"""Reading the recipe out of a result, to repeat it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ltdesk.errors import OpenError, UsageError, os_error_text
from ltdesk.job import Job
from ltdesk.validation import validation_text


def read_recipe(path: str | os.PathLike[str]) -> Job:
    """The job in a recipe file or in a result (``.json .npz .h5 .tif .png``).

    Raises OpenError, UsageError naming `path`.
    """
    recipe = _recipe_in(path)
    try:
        return Job.model_validate(recipe.get("job", recipe))
    except ValidationError as error:
        raise UsageError(f"{path}: its recipe makes no sense: {validation_text(error)}") from error


def read_spectra(path: str | os.PathLike[str]) -> dict[str, bool]:
    """Of which results a recipe wants spectra too, and whether with a window. Raises OpenError, UsageError."""
    try:
        return {str(entry["of"]): bool(entry["window"]) for entry in _recipe_in(path).get("spectra", [])}
    except (KeyError, TypeError) as error:
        raise UsageError(f"{path}: its recipe makes no sense: spectra are each 'of' and 'window'") from error


def _recipe_in(path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        return _read(Path(path))
    except OSError as error:
        raise OpenError(f"{path}: cannot be read: {os_error_text(error)}", "Check the name.") from error
    except Exception as error:  # each library raises many kinds for a file that is damaged or something else
        raise OpenError(f"{path}: holds no recipe of ltdesk", "Give a result or a recipe that ltdesk wrote.") from error


def _read(path: Path) -> dict[str, Any]:
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return _from_npz(path)
    if suffix in (".h5", ".hdf5", ".nxs"):
        return _from_nexus(path)
    if suffix in (".tif", ".tiff"):
        return _from_tiff(path)
    if suffix == ".png":
        return _from_png(path)
    return _checked(json.loads(path.read_text("utf-8")))


def _checked(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not a recipe")
    return value


def _from_npz(path: Path) -> dict[str, Any]:
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        return _checked(json.loads(str(arrays["recipe"])))


def _from_nexus(path: Path) -> dict[str, Any]:
    import h5py

    with h5py.File(path, "r") as file:
        return _checked(json.loads(file["entry/recipe"].asstr()[()]))


def _from_tiff(path: Path) -> dict[str, Any]:
    import tifffile

    with tifffile.TiffFile(path) as file:
        note = file.pages.first.description
    return _checked(json.loads(note[note.index("{") :])["recipe"])


def _from_png(path: Path) -> dict[str, Any]:
    from PIL import Image

    with Image.open(path) as picture:
        return _checked(json.loads(picture.info["ltdesk"])["recipe"])
