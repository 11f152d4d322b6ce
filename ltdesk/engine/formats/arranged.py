"""Frames in a file, numbered from 0, arranged as a scan: what all datasets on files share."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.dataset import Calibration, Dataset, Identity, Tile
from ltdesk.engine.formats.files import file_identity
from ltdesk.engine.formats.tiling import Span, count_present, tile_spans
from ltdesk.errors import DamagedFileError, OpenError
from ltdesk.geometry import Size2D
from ltdesk.job import DatasetRef, Partition

MOST_POSITIONS = 1 << 31
"""An image of more would not fit any screen or memory: shapes that say so are wrong."""
MOST_FRAME_BYTES = 1 << 32

LAID_OUT = 256
"""Partitions of which it is kept where their frames lie: a plan has 64 of most scans, and each job asks again."""


@dataclass(frozen=True)
class Source:
    """What a file holds, before the user's scan shape and sync offset.

    Attributes
    ----------
    path : of the file that was opened
    format : name of the format
    scan_shape : that the file states, or ``(1, count)``
    frame_shape, dtype : of each frame
    good : the frames that exist, ascending and apart
    chunk : scan positions that are stored together
    notes : what the user should know
    files : that its frames lie in, where these are others than `path`
    own : what the file holds to correct its frames with, as `Dataset.own_frames` says
    """

    path: str
    format: str
    scan_shape: Size2D
    frame_shape: Size2D
    dtype: np.dtype[Any]
    good: Sequence[range]
    chunk: Size2D = (1, 1)
    calibration: Calibration = field(default_factory=Calibration)
    notes: Sequence[str] = ()
    files: Sequence[str] = ()
    own: dict[str, NDArray[Any]] = field(default_factory=dict)


class ArrangedDataset(Dataset):
    """Scan position p, in row-major order, shows the file's frame ``p + sync_offset``, if there is such a frame."""

    def __init__(self, ref: DatasetRef, source: Source) -> None:
        """Raises OpenError if no position has a frame, or the shapes make no sense."""
        check_source(source)
        scan_shape = ref.scan_shape or source.scan_shape
        positions = scan_shape[0] * scan_shape[1]
        super().__init__(
            ref=ref,
            scan_shape=scan_shape,
            frame_shape=source.frame_shape,
            dtype=source.dtype,
            format=source.format,
            calibration=source.calibration,
            chunk=arranged_chunk(source, scan_shape, ref.sync_offset),
            frames_good=count_present(positions, ref.sync_offset, source.good),
            frames_expected=positions,
        )
        self.source = source
        self.note = _note(source, self)
        if not self.frames_good:
            raise OpenError(f"{source.path}: no scan position has a frame", "Check --sync-offset and --scan-shape.")
        self._identity = file_identity(source.path, source.files)
        self._closed = False

    @property
    def as_stored(self) -> bool:
        """Whether the scan is arranged as in the file."""
        return self.scan_shape == self.source.scan_shape and not self.ref.sync_offset

    @property
    def own_frames(self) -> dict[str, NDArray[Any]]:
        return self.source.own

    def identity(self) -> Identity:
        return self._identity

    def tiles(self, partition: Partition) -> Iterator[Tile]:
        with self._open():
            yield from self._tiles(partition)

    def close(self) -> None:
        self._closed = True
        self._close()

    @abstractmethod
    def _tiles(self, partition: Partition) -> Iterator[Tile]: ...

    @abstractmethod
    def _frame(self, y: int, x: int) -> NDArray[Any]: ...

    @abstractmethod
    def _close(self) -> None: ...

    def _read_frame(self, y: int, x: int) -> NDArray[Any]:
        with self._open():
            return self._frame(y, x)

    @contextmanager
    def _open(self) -> Iterator[None]:
        """Say so where the dataset is closed, even by another thread meanwhile. Raises OpenError."""
        if self._closed:
            raise self._closed_error()
        try:
            yield
        except Exception as error:  # of a file that is closed under its hands HDF5 says anything
            if self._closed:
                raise self._closed_error() from error
            raise

    def _closed_error(self) -> OpenError:
        return OpenError(f"{self.source.path}: is closed", "Open it again.")

    def spans(self, partition: Partition) -> Iterator[Span]:
        """The frames of each tile."""
        sync, good = self.ref.sync_offset, self.source.good
        return tile_spans(partition, self.scan_shape[1], self.tile_frames, sync, good)

    def frame_index(self, y: int, x: int) -> int:
        """Which frame of the file shows a position. Raises DamagedFileError where it is missing."""
        index = y * self.scan_shape[1] + x + self.ref.sync_offset
        if not any(index in stretch for stretch in self.source.good):
            raise DamagedFileError(
                f"{self.source.path}: the frame at ({y}, {x}) is missing; it has "
                f"{spaced(self.frames_good)} of {spaced(self.frames_expected)} frames",
                "Choose another position.",
            )
        return index

    def native(self, frame: NDArray[Any]) -> NDArray[Any]:
        """A copy in native byte order."""
        return frame.astype(self.dtype.newbyteorder("="), copy=True)


def check_source(source: Source) -> None:
    """Raises OpenError where a file states shapes or a dtype that frames cannot have."""
    shape = (*source.scan_shape, *source.frame_shape)
    if min(shape) < 1:
        raise OpenError(f"{source.path}: has no frames: its shape is {shape}", "Choose another dataset.")
    check_dtype(source.path, source.dtype)
    if (
        math.prod(source.scan_shape) > MOST_POSITIONS
        or math.prod(source.frame_shape) * source.dtype.itemsize > MOST_FRAME_BYTES
    ):
        raise OpenError(f"{source.path}: its shape {shape} is larger than any scan's", "Check the shapes.")


def check_dtype(path: str, dtype: np.dtype[Any]) -> None:
    """Raises OpenError unless pixels are bool, integers or floats of up to 8 bytes."""
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise OpenError(
            f"{path}: its pixels are {dtype}, not integers, floats or bool",
            "Complex data: save magnitude, real or imaginary part as a dataset of its own."
            if dtype.kind == "c"
            else "Choose another dataset.",
        )


def arranged_chunk(source: Source, scan_shape: Size2D, sync_offset: int) -> Size2D:
    """The chunk in the user's scan: the file's where it is arranged the same, or where a line of frames wraps well."""
    if scan_shape == source.scan_shape and not sync_offset:
        return source.chunk
    length = source.chunk[1]
    if sync_offset or source.scan_shape[0] > 1:
        return 1, 1
    if scan_shape[1] % length == 0:
        return 1, length
    return (length // scan_shape[1], scan_shape[1]) if length % scan_shape[1] == 0 else (1, 1)


def spaced(number: int) -> str:
    """``4 096``"""
    return f"{number:,}".replace(",", " ")


def _note(source: Source, dataset: Dataset) -> str:
    notes = list(source.notes)
    if dataset.frames_good < dataset.frames_expected:
        notes.insert(0, f"{spaced(dataset.frames_good)} of {spaced(dataset.frames_expected)} frames")
    after_scan = dataset.frames_expected + dataset.ref.sync_offset
    unused = sum(len(range(max(after_scan, part.start), part.stop)) for part in source.good)
    if unused:
        notes.append(f"{spaced(unused)} more frames in the file than the scan has positions")
    return "; ".join(notes)


def joined_ranges(stretches: Iterable[range]) -> list[range]:
    """Ascending ranges, those that touch made one, empty ones left out."""
    joined: list[range] = []
    for stretch in stretches:
        if joined and joined[-1].stop == stretch.start:
            stretch = range(joined.pop().start, stretch.stop)
        if stretch:
            joined.append(stretch)
    return joined
