"""HDF5: any 4D or 3D dataset in a file; contiguous ones are mapped, others read through h5py."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import h5py

from ltdesk.engine.formats.arranged import ArrangedDataset, Source, check_dtype, check_source
from ltdesk.engine.formats.format import DatasetEntry
from ltdesk.engine.formats.frames_file import FramesFile
from ltdesk.engine.formats.hdf5_calibration import calibration_of
from ltdesk.engine.formats.hdf5_chunk_frames import ChunkFrames
from ltdesk.engine.formats.hdf5_chunk_index import layout_of
from ltdesk.engine.formats.hdf5_chunk_reader import reader_of
from ltdesk.engine.formats.hdf5_chunks import decodable
from ltdesk.engine.formats.hdf5_files import as_damage, open_file
from ltdesk.engine.formats.hdf5_layout import (
    check_filters,
    dtype_of,
    files_of,
    filters_of,
    mapped_frames,
    never_written,
    scan_chunk_of,
    scan_shape_of,
)
from ltdesk.engine.formats.hdf5_master import master_entry, open_master
from ltdesk.engine.formats.hdf5_own import own_frames, own_notes
from ltdesk.engine.formats.hdf5_tree import Group, Tree, search
from ltdesk.engine.formats.hdf5_virtual import virtual_frames
from ltdesk.engine.formats.read_frames import ReadFrames
from ltdesk.errors import OpenError
from ltdesk.job import DatasetRef

FORMAT = "HDF5"
_UNREADABLE = "HDF5 cannot read what it holds"
_NAMED = 12
"""How many names an error or a note lists."""


@dataclass(frozen=True)
class _Candidate:
    """Something that can be opened: a dataset, or a group of stacks."""

    entry: DatasetEntry
    item: h5py.Dataset | Group

    @property
    def rank(self) -> tuple[int, str]:
        """Of several, the first 4D one by path is opened, then masters, then 3D ones."""
        return (0 if len(self.entry.shape) == 4 else 1 if isinstance(self.item, Group) else 2), self.entry.path


def open_hdf5(path: str, ref: DatasetRef) -> ArrangedDataset:
    """Open ``ref.dataset``, or where none is named the first 4D one, and note which others there are.

    Raises OpenError or DamagedFileError, with HDF5's own reason, or saying what there is in the file.
    """
    file = open_file(path)
    try:
        with as_damage(f"{path}: {_UNREADABLE}"):
            opened = _open_named(file, ref) if ref.dataset is not None else _open_first(file, ref)
    except BaseException:
        file.close()
        raise
    if isinstance(opened, FramesFile):
        file.close()
    return opened


def entries(path: str) -> list[DatasetEntry]:
    """The datasets that can be opened, those first that would be taken first. Raises OpenError, DamagedFileError."""
    with open_file(path) as file, as_damage(f"{path}: {_UNREADABLE}"):
        return [candidate.entry for candidate in _candidates(file, search(file))]


def _open_first(file: h5py.File, ref: DatasetRef) -> ArrangedDataset:
    tree = search(file)
    candidates = _candidates(file, tree)
    if not candidates:
        raise _nothing_inside(str(file.filename), tree)
    first, others = candidates[0], candidates[1:]
    notes = [f"opened {first.entry.path}; also inside: {_listed([c.entry.path for c in others])}"] if others else []
    if not tree.complete:
        notes.append("too many objects inside to look at all of them")
    return _open_item(file, first.item, ref.model_copy(update={"dataset": first.entry.path}), notes)


def _open_named(file: h5py.File, ref: DatasetRef) -> ArrangedDataset:
    """Without a search, so that a worker that opens the dataset again is quick."""
    path = "/" + str(ref.dataset).strip("/")
    try:
        item = file[path]
    except (KeyError, OSError, RuntimeError, ValueError):
        item = None
    if isinstance(item, h5py.Dataset):
        return _open_item(file, item, ref, ())
    tree = search(file)
    if path in tree.groups:
        return _open_item(file, tree.groups[path], ref, ())
    is_what = "is a group" if item is not None else "is broken" if path in tree.broken else "is not in the file"
    names = [candidate.entry.path for candidate in _candidates(file, tree)]
    raise OpenError(
        f"{file.filename}: the dataset {path} {is_what}",
        f"Choose one of: {_listed(names)}." if names else "It holds no dataset with frames.",
    )


def _open_item(file: h5py.File, item: h5py.Dataset | Group, ref: DatasetRef, notes: Sequence[str]) -> ArrangedDataset:
    if isinstance(item, Group):
        return open_master(file, item, ref, notes)
    path = str(file.filename)
    _check_axes(path, item)
    _check_type(path, item)
    check_filters(path, item)
    parts = mapped_frames(item)
    scan_shape = scan_shape_of(item)
    missing = [note] if (note := never_written(item)) else []
    own = own_frames(file, item.shape[-2:])
    source = Source(
        path,
        FORMAT,
        scan_shape,
        item.shape[-2:],
        item.dtype,
        good=[range(math.prod(scan_shape))],
        chunk=scan_chunk_of(item),
        calibration=calibration_of(item),
        notes=[*notes, *missing, *own_notes(own)],
        files=files_of(item),
        own=own,
    )
    if parts is not None:
        return FramesFile(ref, source, parts)
    if item.is_virtual:
        source = _as_sources_have_it(source, item)
    pipeline = decodable(item)
    if pipeline is not None and not pipeline.stages and layout_of(item).has_whole_frames:
        return ChunkFrames(ref, source, file, item, pipeline)
    return ReadFrames(ref, source, reader_of(file, item))


def _as_sources_have_it(source: Source, dataset: h5py.Dataset) -> Source:
    """Of a virtual dataset, the frames that its sources hold. Raises OpenError where they hold none."""
    check_source(source)
    frames = virtual_frames(dataset)
    source = replace(source, good=frames.ranges, files=[*source.files, *frames.files])
    if not frames.lacking:
        return source
    lacking = f"missing, or with fewer frames than are mapped: {_listed(frames.lacking)}"
    if not frames.good.any():
        raise OpenError(f"{source.path}: {dataset.name} has no whole frame; {lacking}", "Put its sources beside it.")
    return replace(source, notes=[*source.notes, lacking])


def _check_axes(path: str, dataset: h5py.Dataset) -> None:
    if dataset.ndim not in (3, 4):
        raise OpenError(
            f"{path}: {dataset.name} has the shape {dataset.shape}, neither 4D (sy, sx, ky, kx) nor 3D (n, ky, kx)",
            "Choose another dataset.",
        )


def _check_type(path: str, dataset: h5py.Dataset) -> None:
    if (dtype := dtype_of(dataset)) is None:
        raise OpenError(f"{path}: {dataset.name} is of a type that is no number", "Choose another dataset.")
    check_dtype(f"{path}: {dataset.name}", dtype)


def _candidates(file: h5py.File, tree: Tree) -> list[_Candidate]:
    stacked = {stack.path for group in tree.groups.values() for stack in group.stacks}
    found = [
        _Candidate(_entry(path, dataset), dataset)
        for path, dataset in tree.datasets.items()
        if path not in stacked and _has_frames(dataset)
    ]
    found += [_Candidate(master_entry(file, group), group) for group in tree.groups.values()]
    return sorted(found, key=lambda candidate: candidate.rank)


def _has_frames(dataset: h5py.Dataset) -> bool:
    shape, dtype = dataset.shape, dtype_of(dataset)  # a shape of None where a dataset is empty
    return bool(shape) and len(shape) in (3, 4) and min(shape) > 0 and dtype is not None and dtype.kind in "biuf"


def _entry(path: str, dataset: h5py.Dataset) -> DatasetEntry:
    return DatasetEntry(
        path,
        dataset.shape,
        dataset.dtype.str,
        math.prod(dataset.shape) * dataset.dtype.itemsize,
        dataset.chunks,
        "+".join(name for _, name in filters_of(dataset)),
        "virtual" if dataset.is_virtual else "",
    )


def _nothing_inside(path: str, tree: Tree) -> OpenError:
    shapes = [f"{name} {dataset.shape} {_type_name(dataset)}" for name, dataset in sorted(tree.datasets.items())]
    inside = f"it holds {_listed(shapes)}" if shapes else "it holds no dataset at all"
    broken = [f"{name} -> {target}" for name, target in sorted(tree.broken.items())]
    links = f"; broken links: {_listed(broken)}" if broken else ""
    way_out = "Put the files that it links to beside it." if broken else "Choose a file with a 4D or 3D dataset."
    return OpenError(f"{path}: has no dataset with frames (4D or 3D numbers) inside: {inside}{links}", way_out)


def _type_name(dataset: h5py.Dataset) -> str:
    dtype = dtype_of(dataset)
    return "of a type that is no number" if dtype is None else str(dtype)


def _listed(names: Sequence[Any]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(str(name) for name in names[:_NAMED]) + more
