"""Masters: stacks of frames in several data files, opened as one dataset in their order."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import h5py
import numpy as np

from ltdesk.engine.formats.arranged import ArrangedDataset, Source, joined_ranges
from ltdesk.engine.formats.format import DatasetEntry
from ltdesk.engine.formats.frames_file import Frames, FramesFile
from ltdesk.engine.formats.hdf5_chunk_reader import reader_of
from ltdesk.engine.formats.hdf5_layout import check_filters, files_of, filters_of, mapped_frames, scan_chunk_of
from ltdesk.engine.formats.hdf5_own import own_frames, own_notes
from ltdesk.engine.formats.hdf5_reader import JoinedReader
from ltdesk.engine.formats.hdf5_tree import Group, Stack
from ltdesk.engine.formats.hdf5_virtual import virtual_frames
from ltdesk.engine.formats.read_frames import ReadFrames
from ltdesk.errors import OpenError
from ltdesk.job import DatasetRef


def open_master(file: h5py.File, group: Group, ref: DatasetRef, notes: Sequence[str]) -> ArrangedDataset:
    """Open the stacks of a group; those whose file is missing have no frames.

    Raises OpenError if all are missing, or the stacks differ.
    """
    path, first = str(file.filename), group.first
    if first is None:
        raise OpenError(
            f"{path}: the data files it links to are missing: {_names(missing_files(group))}",
            "Put them beside it, in the same folder, under the same names.",
        )
    _check_alike(path, group, first)
    check_filters(path, first)
    counts = stack_counts(file, group)
    own, held = own_frames(file, first.shape[1:]), [_held(stack) for stack in group.stacks]
    source = Source(
        path,
        "HDF5 master",
        (1, sum(counts)),
        first.shape[1:],
        first.dtype,
        good=_good(held, counts),
        chunk=scan_chunk_of(first),
        notes=[*notes, *_notes(group, counts), *own_notes(own)],
        files=[path for one in held for path in one.files],
        own=own,
    )
    if (parts := _parts(group, counts)) is not None:
        return FramesFile(ref, source, parts)
    readers = [None if stack.dataset is None else reader_of(file, stack.dataset) for stack in group.stacks]
    return ReadFrames(ref, source, JoinedReader(file, readers, counts))


def master_entry(file: h5py.File, group: Group) -> DatasetEntry:
    """The stacks as one dataset; its shape is empty where all are missing."""
    first, missing = group.first, missing_files(group)
    detail = f"{len(group.stacks)} data files"
    if missing:
        detail += f", missing: {_names(missing)}"
    if first is None:
        return DatasetEntry(group.path, (), "", 0, detail=detail)
    shape = (sum(stack_counts(file, group)), *first.shape[1:])
    filters = "+".join(name for _, name in filters_of(first))
    nbytes = math.prod(shape) * first.dtype.itemsize
    return DatasetEntry(group.path, shape, first.dtype.str, nbytes, first.chunks, filters, detail)


def stack_counts(file: h5py.File, group: Group) -> list[int]:
    """Frames of each stack. One that is missing has as many as the others, the last one what the master promises."""
    present = [len(stack.dataset) for stack in group.stacks if stack.dataset is not None]
    counts = [max(present) if stack.dataset is None else len(stack.dataset) for stack in group.stacks]
    if group.stacks[-1].dataset is None:
        counts[-1] = min(counts[-1], max(0, _promised(file) - sum(counts[:-1])))
    return counts


def missing_files(group: Group) -> list[str]:
    """Names of the files that are not there."""
    return [os.path.basename(stack.file) for stack in group.stacks if stack.dataset is None]


def _promised(file: h5py.File) -> int:
    """How many frames the camera was to take; 0 where the master doesn't say."""
    place = "entry/instrument/detector/detectorSpecific"
    try:
        return int(np.prod([int(file[f"{place}/{name}"][()]) for name in ("nimages", "ntrigger")]))
    except (KeyError, TypeError, ValueError, OSError):
        return 0


def _check_alike(path: str, group: Group, first: h5py.Dataset) -> None:
    for stack in group.stacks:
        other = stack.dataset
        if other is not None and (other.shape[1:], other.dtype) != (first.shape[1:], first.dtype):
            raise OpenError(
                f"{path}: {stack.path} has frames of {other.shape[1:]} {other.dtype}, "
                f"the others {first.shape[1:]} {first.dtype}",
                "Choose one of them by --dataset.",
            )


class _Held(NamedTuple):
    """The frames of a stack that there are, and the files that they lie in."""

    good: list[range]
    files: list[str]


def _held(stack: Stack) -> _Held:
    if stack.dataset is None:
        return _Held([], [])
    if not stack.dataset.is_virtual:
        return _Held([range(len(stack.dataset))], files_of(stack.dataset))
    frames = virtual_frames(stack.dataset)
    return _Held(frames.ranges, [*files_of(stack.dataset), *frames.files])


def _good(held: Sequence[_Held], counts: Sequence[int]) -> list[range]:
    starts = accumulate(counts, initial=0)
    return joined_ranges(
        range(start + part.start, start + part.stop)
        for start, one in zip(starts, held, strict=False)
        for part in one.good
    )


def _parts(group: Group, counts: Sequence[int]) -> list[Frames] | None:
    """The frames of each stack where all that are there can be mapped."""
    found: list[Any] = [[] if stack.dataset is None else mapped_frames(stack.dataset) for stack in group.stacks]
    if any(frames is None for frames in found):
        return None
    like = next(frames[0] for frames in found if frames)
    parts: list[Frames] = []
    for stack, frames, count in zip(group.stacks, found, counts, strict=True):
        parts += frames or [Frames(stack.file, 0, like.stride, like.dtype, like.frame_shape, count, missing=True)]
    return parts


def _notes(group: Group, counts: Sequence[int]) -> list[str]:
    missing = missing_files(group)
    if not missing:
        return []
    unknown = " (how many frames it has is not known)" if not counts[-1] else ""
    return [f"missing: {_names(missing)}{unknown}"]


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
