"""Where the results of ``ltdesk run`` go: to names of their own, and never in the place of what is read."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ltdesk.engine.dataset import Dataset
from ltdesk.engine.export import PICTURES, check_suffix, result_paths
from ltdesk.engine.open import local_path
from ltdesk.errors import ExportError, UsageError
from ltdesk.job import Job
from ltdesk.shape_text import mask_files

SEPARATORS = ("/", "\\")
"""OUT that ends so is a folder, and made where it is missing."""
Place = tuple[int, int]
"""Device and inode."""


def output_paths(files: list[str], output: str) -> list[Path]:
    """Where each file's results go: OUT, in OUT where that is a folder, for several files else OUT with their names."""
    out = Path(output)
    if os.path.isdir(out) or output.endswith(SEPARATORS):
        if not os.path.isdir(out.parent):
            raise ExportError(f"{output}: there is no folder {out.parent} to make it in", "Make that one first.")
        return [out / f"{stem}.npz" for stem in _stems(files)]
    check_suffix(out)
    return [out] if len(files) == 1 else [out.with_stem(f"{out.stem}_{stem}") for stem in _stems(files)]


def check_outputs(args: argparse.Namespace, outputs: Sequence[Path], names: Sequence[str]) -> None:
    """Raises UsageError where results of these names would take the place of what is read, or of one another."""
    read: dict[Place | None, str] = {_place(file): what for file, what in _inputs(args)}
    read.pop(None, None)
    taken: set[str] = set()
    for path in (path for output in outputs for path in result_paths(output, names)):
        if what := read.get(_place(path)):
            raise UsageError(f"{path}: is {what}", "Give the result another name.")
        name = os.path.abspath(path).casefold()  # as Windows and macOS compare names
        if name in taken:
            raise UsageError(f"{path}: two results would have this name", "Give one another name, or use .npz or .h5.")
        taken.add(name)


def without_picture(output: Path, job: Job, dataset: Dataset) -> list[str]:
    """The results that pictures can't show. Raises UsageError where those are all, before they are computed."""
    if output.suffix.lower() not in PICTURES:
        return []
    specs = [spec for analysis in job.analyses for spec in analysis.results(dataset.frame_shape, dataset.dtype)]
    others = [spec.name for spec in specs if len(spec.shape(dataset.scan_shape, dataset.frame_shape)) != 2]
    if len(others) == len(specs):
        raise UsageError(f"{output}: no result is a picture: {', '.join(others)}", "Use .npz or .h5.")
    return others


def _inputs(args: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """The files that are read, and what each is."""
    shapes = [text.partition("=")[2] for text in args.detector]
    shapes += [text for _, *regions in args.suggest for text in regions]
    for text in (*shapes, args.region or "", args.dead_pixels or ""):
        yield from ((file, "a mask that is read") for file in mask_files(text))
    for option in ("dark", "gain", "dead_pixels", "recipe"):
        if (file := getattr(args, option)) is not None:
            what = f"the file of --{option.replace('_', '-')}"
            yield from ((name, what) for name in (file, file.rpartition(":/")[0]))  # FILE.h5:/path
    yield from ((local_path(file), "the scan itself") for file in args.files)


def _place(path: str | Path) -> Place | None:
    """What tells one file of this machine from another; None where there is none, or none that may be looked at."""
    with suppress(OSError, ValueError):
        found = os.stat(path)
        return found.st_dev, found.st_ino
    return None


def _stems(files: list[str]) -> list[str]:
    """A name for each file's results; of files of one name all but the first get a number."""
    stems = [Path(file).stem for file in files]
    taken = {stem.casefold() for stem in stems}  # as Windows and macOS compare names
    seen: Counter[str] = Counter()
    names = []
    for stem in stems:
        seen[stem.casefold()] += 1
        names.append(stem if seen[stem.casefold()] == 1 else _numbered(stem, taken))
    return names


def _numbered(stem: str, taken: set[str]) -> str:
    number = 2
    while f"{stem}-{number}".casefold() in taken:
        number += 1
    taken.add(f"{stem}-{number}".casefold())
    return f"{stem}-{number}"
