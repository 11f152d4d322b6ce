"""One door for all formats: the suffix decides."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ltdesk.engine.assembly import Results
from ltdesk.engine.atomic import atomic_path
from ltdesk.errors import ExportError, UsageError

PICTURES = (".tif", ".tiff", ".png")
CONTAINERS = (".npz", ".h5", ".hdf5", ".nxs")
SUFFIXES = CONTAINERS + PICTURES


def check_suffix(path: str | os.PathLike[str]) -> str:
    """The suffix in lower case. Raises UsageError naming the known ones."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{path}: '{suffix}' is no format for results", f"Use {', '.join(SUFFIXES)}.")
    return suffix


def result_paths(path: str | os.PathLike[str], names: Sequence[str]) -> list[Path]:
    """Where `save` writes results of these names: one file, or a picture of each."""
    if check_suffix(path) in CONTAINERS:
        return [Path(path)]
    return [_picture_path(Path(path), name, len(names)) for name in names]


def save(results: Results, path: str | os.PathLike[str]) -> list[Path]:
    """Write `results`; one file, or for pictures of several results one each, named ``OUT_name.tif``.

    Returns the paths written. Raises ExportError; then none of the files is left half-written.
    """
    suffix = check_suffix(path)
    if suffix in CONTAINERS:
        with atomic_path(path) as temporary:
            _container_writer(suffix)(results, temporary)
        return [Path(path)]
    return _save_pictures(results, Path(path))


def _save_pictures(results: Results, path: Path) -> list[Path]:
    names = [name for name in results if results[name].ndim == 2]
    if not names:
        raise ExportError(f"{path}: no result is a picture: {', '.join(results)}", "Use .npz or .h5.")
    written = []
    for name in names:
        target = _picture_path(path, name, len(results))
        with atomic_path(target) as temporary:
            _picture_writer(path.suffix.lower())(results, name, temporary)
        written.append(target)
    return written


def _picture_path(path: Path, name: str, count: int) -> Path:
    return path if count == 1 else path.with_stem(f"{path.stem}_{name}")


def _container_writer(suffix: str) -> Callable[[Results, Path], None]:
    if suffix == ".npz":
        return write_npz
    from ltdesk.engine.export.nexus import write_nexus

    return write_nexus


def _picture_writer(suffix: str) -> Callable[[Results, str, Path], None]:
    from ltdesk.engine.export import pictures

    return pictures.write_png if suffix == ".png" else pictures.write_tiff


def write_npz(results: Results, path: Path) -> None:
    """An array per result name, ``valid``, and ``recipe`` and ``execution`` as 0-d strings of JSON.

    Not by `np.savez`, which takes names as keywords: ``file`` is one of its own.
    """
    texts = {"recipe": json.dumps(results.recipe), "execution": json.dumps(results.execution)}
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in {**results.arrays, "valid": results.valid, **texts}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
