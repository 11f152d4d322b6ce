"""Where the frames of an HDF5 dataset are: in one place in a file, so that they can be mapped, or not."""

from __future__ import annotations

import math
import os
from typing import Any

import h5py
import hdf5plugin
import numpy as np

from ltdesk.engine.formats.frames_file import Frames
from ltdesk.errors import OpenError
from ltdesk.geometry import Size2D

_FILTERS = {number: name for name, number in hdf5plugin.FILTERS.items()} | {
    1: "gzip", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf", 32008: "bitshuffle",
}  # fmt: skip
_COUNTED_CHUNKS = 200_000
"""Counting the chunks of a larger dataset would be felt."""


def scan_shape_of(dataset: h5py.Dataset) -> Size2D:
    """``(sy, sx)``, or ``(1, n)`` of a stack."""
    return dataset.shape[:2] if dataset.ndim == 4 else (1, dataset.shape[0])


def scan_chunk_of(dataset: h5py.Dataset) -> Size2D:
    """Scan positions that a chunk holds."""
    if dataset.chunks is None:
        return 1, 1
    return tuple(dataset.chunks[:2]) if dataset.ndim == 4 else (1, dataset.chunks[0])


def dtype_of(dataset: h5py.Dataset) -> np.dtype[Any] | None:
    """None for types that numpy lacks, such as HDF5's own times."""
    try:
        dtype: np.dtype[Any] = dataset.dtype
    except (TypeError, ValueError):
        return None
    return dtype


def filters_of(dataset: h5py.Dataset) -> list[tuple[int, str]]:
    """Number and name of the filters that chunks went through."""
    properties = dataset.id.get_create_plist()
    found = []
    for position in range(properties.get_nfilters()):
        number, _flags, _values, name = properties.get_filter(position)
        found.append((number, _FILTERS.get(number) or name.decode(errors="replace") or f"filter {number}"))
    return found


def check_filters(path: str, dataset: h5py.Dataset) -> None:
    """Raises OpenError naming a filter that is not at hand."""
    for number, name in filters_of(dataset):
        if not h5py.h5z.filter_avail(number):
            raise OpenError(
                f"{path}: {dataset.name} is compressed by {name} (HDF5 filter {number}), which is not installed",
                "Install that HDF5 plug-in, or repack the file with gzip by h5repack.",
            )


def mapped_frames(dataset: h5py.Dataset) -> list[Frames] | None:
    """Where the frames lie uncompressed and one after another; None where they don't or the bytes need translating."""
    properties = dataset.id.get_create_plist()
    if properties.get_layout() != h5py.h5d.CONTIGUOUS or not as_numpy_has_it(dataset):
        return None
    if dataset.external:
        return _external_frames(dataset)
    offset = dataset.id.get_offset()  # counts a user block; None before anything was written
    return None if offset is None else [_frames(dataset, dataset.file.filename, offset, _count(dataset))]


def as_numpy_has_it(dataset: h5py.Dataset) -> bool:
    """HDF5 has types that numpy hasn't, 12 bits in 16, say: they are translated in reading."""
    return bool(dataset.id.get_type() == h5py.h5t.py_create(dataset.dtype, logical=True))


def files_of(dataset: h5py.Dataset) -> list[str]:
    """The files that the pixels of a dataset lie in that isn't virtual: its own, and raw ones beside it."""
    own = str(dataset.file.filename)
    return [own, *(_beside(own, name) for name, _, _ in dataset.external or ())]


def _beside(own: str, name: bytes | str) -> str:
    return os.path.join(os.path.dirname(own), os.fsdecode(name))


def _external_frames(dataset: h5py.Dataset) -> list[Frames]:
    """Frames in raw files beside the HDF5 one, each with whole frames."""
    parts, left = list[Frames](), _count(dataset)
    frame_bytes = math.prod(dataset.shape[-2:]) * dataset.dtype.itemsize
    for name, offset, size in dataset.external:
        count = left if size == h5py.h5f.UNLIMITED else min(left, size // frame_bytes)
        if count < left and size % frame_bytes:
            raise OpenError(
                f"{dataset.file.filename}: frames of {dataset.name} are split between raw files",
                "Repack the file by h5repack.",
            )
        parts.append(_frames(dataset, _beside(dataset.file.filename, name), offset, count))
        left -= count
    return [part for part in parts if part.count]


def _frames(dataset: h5py.Dataset, path: str, offset: int, count: int) -> Frames:
    frame_shape = dataset.shape[-2:]
    frame_bytes = math.prod(frame_shape) * dataset.dtype.itemsize
    return Frames(path, offset, frame_bytes, dataset.dtype, frame_shape, count)


def _count(dataset: h5py.Dataset) -> int:
    return math.prod(scan_shape_of(dataset))


def never_written(dataset: h5py.Dataset) -> str:
    """A note where a file holds fill values in place of frames that were never written, else nothing."""
    if dataset.is_virtual:
        return ""
    if dataset.chunks is None:
        return (
            ""
            if dataset.external or dataset.id.get_storage_size()
            else "no frame was ever written: all are fill values"
        )
    expected = math.prod(-(-size // chunk) for size, chunk in zip(dataset.shape, dataset.chunks, strict=True))
    if expected > _COUNTED_CHUNKS or (written := dataset.id.get_num_chunks()) >= expected:
        return ""
    return f"{expected - written} of {expected} chunks were never written: they are fill values"
