"""Virtual HDF5 datasets: which of their frames there are in the sources, as these are now.

A mapping puts the elements that are selected in a source, in row-major order, in the place of those selected in the
virtual dataset. A source may be missing, or shorter than what is mapped; HDF5 gives fill values, zeros, or even other
frames then. A selection may have no end: it goes as far as there is data.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.formats.arranged import MOST_POSITIONS
from ltdesk.engine.formats.hdf5_files import open_file
from ltdesk.engine.formats.hdf5_layout import files_of
from ltdesk.errors import OpenError

Flags = NDArray[np.bool_]
Hyperslab = list[tuple[int, int, int, int]]
"""Along each axis start, stride, count and block, one of the latter two maybe `h5s.UNLIMITED`."""


class _Axis(NamedTuple):
    """The elements of a selection along an axis: `size` of them, in blocks whose starts are `stride` apart."""

    start: int
    stride: int
    block: int
    size: int

    def at(self, number: Any) -> Any:
        return self.start + number // self.block * self.stride + number % self.block

    @property
    def stop(self) -> int:
        return int(self.at(self.size - 1)) + 1

    @property
    def coordinates(self) -> NDArray[np.int64]:
        return np.asarray(self.at(np.arange(self.size)))


class _Mapping(NamedTuple):
    """From a dataset of a file to the virtual one.

    target : in the virtual dataset, as far as it goes now; None where blocks aren't at regular distances
    endless : elements along the axis without end
    """

    file: str
    dataset: str
    vspace: h5py.h5s.SpaceID
    src_space: h5py.h5s.SpaceID
    target: list[_Axis] | None
    endless: int = 0


class _Source(NamedTuple):
    """What a source holds now: its shape, the files that it lies in, and where it is virtual itself, which of its scan
    positions have frames."""

    shape: tuple[int, ...]
    files: list[str]
    good: Flags | None = None


class VirtualFrames(NamedTuple):
    """Flags of the frames that are there, of the shape of the scan; names of the sources that others should be in; and
    the files of all sources that there are."""

    good: Flags
    lacking: list[str]
    files: list[str]

    @property
    def ranges(self) -> list[range]:
        edges = np.flatnonzero(np.diff(np.concatenate(([0], self.good.ravel().astype(np.int8), [0]))))
        return [range(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def virtual_frames(dataset: h5py.Dataset, users: frozenset[tuple[str, str]] = frozenset()) -> VirtualFrames:
    """The frames that are mapped and of which no part is missing in a source.

    users : file and name of the virtual datasets that this one is a source of
    """
    mapped, missing = np.zeros(dataset.shape[:-2], np.bool_), np.zeros(dataset.shape[:-2], np.bool_)
    known, lacking = dict[tuple[str, str], _Source | None](), dict[str, None]()
    users |= {(dataset.file.filename, dataset.name)}
    for mapping in _mappings(dataset):
        key = mapping.file, mapping.dataset
        if key not in known:
            known[key] = _source(dataset, *key, users)
        place, there = _place(mapping, mapped.shape), _there(mapping, known[key])
        mapped[place] = True
        if there is not True and not np.all(there):
            missing[place] |= np.logical_not(there)
            lacking[dataset.file.filename if mapping.file == "." else mapping.file] = None
    files = [path for source in known.values() if source is not None for path in source.files]
    return VirtualFrames(mapped & ~missing, [os.path.basename(name) for name in lacking], files)


def _mappings(dataset: h5py.Dataset) -> Iterator[_Mapping]:
    for vspace, file, name, src_space in dataset.virtual_sources():
        for number, slab in enumerate(_parts(vspace, src_space, dataset.shape)):
            target, axis = None if slab is None else _cut(slab, dataset.shape), _endless(slab)
            endless = 0 if target is None or axis is None else target[axis].size
            yield _Mapping(_numbered(file, number), _numbered(name, number), vspace, src_space, target, endless)


def _parts(vspace: h5py.h5s.SpaceID, src_space: h5py.h5s.SpaceID, shape: tuple[int, ...]) -> Sequence[Hyperslab | None]:
    """What is mapped; where it has no end but the selection in the source has, its blocks: each has its own source."""
    slab = _hyperslab(vspace, shape)
    axis = _endless(slab)
    if slab is None or axis is None or _endless(_hyperslab(src_space, ())) is not None:
        return [slab]
    start, stride, _, block = slab[axis]
    starts = range(start, shape[axis], stride)
    return [[*slab[:axis], (first, stride, 1, block), *slab[axis + 1 :]] for first in starts]


def _numbered(name: str, number: int = 0) -> str:
    """A name with the number of a block in the place of ``%b``; ``%%`` is a percent sign."""
    return re.sub("%([%b])", lambda found: str(number) if found[1] == "b" else "%", name)


def _hyperslab(space: h5py.h5s.SpaceID, shape: Sequence[int]) -> Hyperslab | None:
    """A selection in a dataset of this shape; None where its blocks aren't at regular distances."""
    kind = space.get_select_type()
    if kind == h5py.h5s.SEL_ALL:
        return [(0, 1, size, 1) for size in shape]
    if kind == h5py.h5s.SEL_NONE:
        return [(0, 1, 0, 1) for _ in shape]
    if kind != h5py.h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
        return None
    return list(zip(*space.get_regular_hyperslab(), strict=True))


def _endless(slab: Hyperslab | None) -> int | None:
    """The axis along which a selection has no end."""
    return next((axis for axis, sizes in enumerate(slab or ()) if h5py.h5s.UNLIMITED in sizes[2:]), None)


def _cut(slab: Hyperslab, shape: Sequence[int]) -> list[_Axis]:
    """As much of a selection as there is within a shape."""
    return [_within(*sizes, max(0, end - sizes[0])) for sizes, end in zip(slab, shape, strict=True)]


def _within(start: int, stride: int, count: int, block: int, length: int) -> _Axis:
    if block == h5py.h5s.UNLIMITED or count == 1:
        return _Axis(start, 1, max(1, length), min(block, length))
    strides, rest = divmod(length, stride)
    return _Axis(start, stride, block, min(count * block, strides * block + min(rest, block)))


def _from(slab: Hyperslab, endless: int) -> list[_Axis]:
    """A whole selection in a source; where it has no end, with as many elements as are mapped."""
    return [
        _Axis(start, stride, max(1, endless) if block == h5py.h5s.UNLIMITED else block, endless)
        if h5py.h5s.UNLIMITED in (count, block)
        else _Axis(start, stride, block, count * block)
        for start, stride, count, block in slab
    ]


def _place(mapping: _Mapping, scan_shape: tuple[int, ...]) -> Any:
    """Index of the scan positions that are mapped."""
    if mapping.target is not None:
        return np.ix_(*(axis.coordinates for axis in mapping.target[: len(scan_shape)]))
    flags = np.zeros(scan_shape, np.bool_)
    for low, high in mapping.vspace.get_select_hyper_blocklist():
        flags[tuple(slice(first, last + 1) for first, last in zip(low, high, strict=True))[: len(scan_shape)]] = True
    return flags


def _there(mapping: _Mapping, source: _Source | None) -> bool | Flags:
    """Whether mapped frames are in their source, each or all; none of them where it cannot be told which."""
    if source is None:
        return False
    target, slab = mapping.target, _hyperslab(mapping.src_space, source.shape)
    if slab is None or len(slab) != len(source.shape):
        return _reaches(mapping.src_space, source)
    axes = _from(slab, mapping.endless)
    fits = all(axis.stop <= size for axis, size in zip(axes, source.shape, strict=True))
    count = mapping.vspace.get_select_npoints() if target is None else math.prod(axis.size for axis in target)
    if fits and math.prod(axis.size for axis in axes) >= count and _is_whole(source):
        return True
    return target is not None and _each_there(target, axes, source)


def _is_whole(source: _Source) -> bool:
    return source.good is None or bool(source.good.all())


def _reaches(space: h5py.h5s.SpaceID, source: _Source) -> bool:
    """Whether a source is as large as what is selected in it."""
    _, last = space.get_select_bounds()
    return len(last) == len(source.shape) and all(np.less(last, source.shape)) and _is_whole(source)


def _each_there(target: list[_Axis], axes: list[_Axis], source: _Source) -> bool | Flags:
    """Which frames are in their source.

    Along its last axes it has frames, or the same part of each; along those before, how far it goes decides.
    """
    if 0 in source.shape or any(axis.size == 0 for axis in (*target, *axes)):
        return False
    pixels, unit, outer = target[-2].size * target[-1].size, 1, len(axes)
    while outer and pixels % (unit * axes[outer - 1].size) == 0:
        outer -= 1
        unit *= axes[outer].size
        if axes[outer].stop > source.shape[outer]:
            return False
    if math.prod(axis.size for axis in axes[:outer]) > MOST_POSITIONS:
        return False
    scan_shape = [axis.size for axis in target[:-2]]
    return _frames(_units(axes[:outer], source), pixels // unit, math.prod(scan_shape)).reshape(scan_shape)


def _units(axes: list[_Axis], source: _Source) -> Flags:
    """Which combinations of coordinates along these axes a source has frames at, in row-major order."""
    coordinates = [axis.coordinates for axis in axes]
    inside = [where < size for where, size in zip(coordinates, source.shape, strict=False)]
    there = np.zeros([axis.size for axis in axes], np.bool_)
    if _is_whole(source):
        there[np.ix_(*inside)] = True
    elif source.good is not None and source.good.ndim == len(axes):
        kept = [where[found] for where, found in zip(coordinates, inside, strict=True)]
        there[np.ix_(*inside)] = source.good[np.ix_(*kept)]
    return there.ravel()


def _frames(units: Flags, per_frame: int, count: int) -> Flags:
    """Which of `count` frames have all their units."""
    whole = np.all(units[: units.size // per_frame * per_frame].reshape(-1, per_frame), axis=1)
    frames = np.zeros(count, np.bool_)
    frames[: whole.size] = whole[:count]
    return frames


def _source(dataset: h5py.Dataset, file: str, name: str, users: frozenset[tuple[str, str]]) -> _Source | None:
    """None where there is no such dataset that can be read."""
    if file == ".":
        return _held(dataset.file, name, users)
    for path in _places(str(dataset.file.filename), file):
        try:
            with open_file(path) as opened:
                return _held(opened, name, users)
        except OpenError:
            continue
    return None


def _places(own: str, file: str) -> list[str]:
    """Where HDF5 looks for a source: beside the file and what it is a link to, also for one whose folder has moved."""
    folders = [os.path.dirname(path) for path in (own, os.path.realpath(own))]
    if not os.path.isabs(file):
        return [os.path.join(folder, file) for folder in folders]
    return [file, *(os.path.join(folder, os.path.basename(file)) for folder in folders)]


def _held(file: h5py.File, name: str, users: frozenset[tuple[str, str]]) -> _Source | None:
    try:
        item = file[name]
        if not isinstance(item, h5py.Dataset) or not item.shape or (file.filename, item.name) in users:
            return None
        if not item.is_virtual or item.ndim < 3:
            return _Source(item.shape, files_of(item))
        frames = virtual_frames(item, users)
        return _Source(item.shape, [*files_of(item), *frames.files], frames.good)
    except (KeyError, OSError, RuntimeError, ValueError):
        return None
