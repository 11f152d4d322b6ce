"""Dataset: a scan that is open. Never all in memory: frames come as tiles, partition by partition."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ltdesk.engine.filesystem import place_of
from ltdesk.engine.plan import make_plan
from ltdesk.errors import UsageError
from ltdesk.geometry import Size2D
from ltdesk.job import DatasetRef, Partition, Plan

if TYPE_CHECKING:
    from ltdesk.engine.corrected import Corrector

TILE_BYTES = 32 << 20
"""Large enough that handing a tile over costs nothing beside reading it (about 20 us against 1 ms)."""


class Calibration(BaseModel):
    """What the file says of its scale; None where it says nothing.

    Attributes
    ----------
    scan_step : distance of scan positions, in `scan_unit`
    frame_pixel : angle (or spatial frequency) a camera pixel, in `frame_unit`
    energy_kev : beam energy in keV
    """

    model_config = ConfigDict(frozen=True)
    scan_step: float | None = None
    scan_unit: str = "nm"
    frame_pixel: float | None = None
    frame_unit: str = "mrad"
    energy_kev: float | None = None


class Identity(BaseModel):
    """Which file a result was made from: enough to tell whether it is still the same.

    ``header_hash`` is the SHA-256 of the first and last 64 KiB; ``others_hash`` that of size and mtime of all other
    files that its frames lie in, empty where there are none.
    """

    model_config = ConfigDict(frozen=True)
    path: str
    size: int
    mtime_ns: int
    header_hash: str
    others_hash: str = ""


class Tile(NamedTuple):
    """Whole frames in the file's own dtype, a view of the file wherever its layout allows.

    start : place of the first frame among the partition's positions in row-major order
    frames : (n, ky, kx)
    mapped : bytes seen through a map of the file; 0 where they were copied
    network : bytes that came over a network
    checked : bytes compared with their checksum before this tile, since they had not been mapped here before
    not_mapped : why it is no map, where it might have been one
    place : the address of the first pixel, where it is known
    """

    start: int
    frames: NDArray[Any]
    mapped: int = 0
    network: int = 0
    checked: int = 0
    not_mapped: str = ""
    place: int = 0


@dataclass
class Dataset(ABC):
    """What all datasets share.

    Attributes
    ----------
    ref : how to open it again
    scan_shape, frame_shape : (sy, sx), (ky, kx)
    dtype : of the pixels, in the file's byte order; where frames are corrected, of corrected ones
    format : name of the format, as `ltdesk info` prints it
    chunk : scan positions that are stored together, (cy, cx)
    frames_good, frames_expected : frames that can be read, of those that the header or shapes promise
    note : what a user should know about the file (damage, guessed shapes), else empty
    """

    ref: DatasetRef
    scan_shape: Size2D
    frame_shape: Size2D
    dtype: np.dtype[Any]
    format: str
    calibration: Calibration = field(default_factory=Calibration)
    chunk: Size2D = (1, 1)
    frames_good: int = 0
    frames_expected: int = 0
    note: str = ""
    corrector: Corrector | None = field(default=None, init=False)
    """What makes of a tile's frames those that are analysed; None: they are the same."""

    @property
    def own_frames(self) -> dict[str, NDArray[Any]]:
        """What the file itself holds to correct its frames with, ``(ky, kx)``: its ``gain`` and ``dead_pixels``, where
        the camera has not applied them."""
        return {}

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(sy, sx, ky, kx)"""
        return (*self.scan_shape, *self.frame_shape)

    @property
    def frame_bytes(self) -> int:
        return self.frame_shape[0] * self.frame_shape[1] * self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all frames, uncompressed."""
        return self.scan_shape[0] * self.scan_shape[1] * self.frame_bytes

    @property
    def tile_frames(self) -> int:
        """Frames in a full tile."""
        return max(1, TILE_BYTES // self.frame_bytes)

    @property
    def shows_views(self) -> bool:
        """Whether tiles cost nothing, being views of memory, and `tiles_of` gives those of several partitions at once.
        Where it turns out that they have to be read, no more."""
        return False

    @cached_property
    def _plan(self) -> Plan:
        return make_plan(self.scan_shape, self.frame_bytes, self.chunk)

    def plan(self) -> Plan:
        """The partitions, in the order in which they are done and folded."""
        return self._plan

    def frame(self, y: int, x: int) -> NDArray[Any]:
        """The frame ``(ky, kx)`` at a scan position, corrected where that is asked for, in native byte order, a copy.

        Raises UsageError outside the scan, DamagedFileError where the frame is missing.
        """
        if not (0 <= y < self.scan_shape[0] and 0 <= x < self.scan_shape[1]):
            sy, sx = self.scan_shape
            raise UsageError(f"position ({y}, {x}) is outside the scan of {sy}x{sx}")
        return self._read_frame(y, x)

    @abstractmethod
    def _read_frame(self, y: int, x: int) -> NDArray[Any]: ...

    @abstractmethod
    def tiles(self, partition: Partition) -> Iterator[Tile]:
        """A partition's frames, or those of any rectangle within one, as they are stored, in row-major order of the
        scan; missing ones are left out. A rectangle has the index of its partition, and its tiles' places are among its
        own positions.

        Raises DamagedFileError when the file turns out to be shorter than it was.
        """

    def tiles_of(self, partitions: Sequence[Partition]) -> Iterator[list[tuple[int, Tile]]]:
        """The tiles of some partitions, or parts of them, each with which of them it is of: one after the other, or
        several at once where it `shows_views`."""
        for which, partition in enumerate(partitions):
            for tile in self.tiles(partition):
                yield [(which, tile)]

    def holders(self, partition: Partition) -> tuple[str, ...]:
        """Hosts that hold a partition's bytes, as they announce themselves; empty where none is nearer than others.

        Raises LtdeskError where it can't be told.
        """
        return ()

    @cached_property
    def is_shared(self) -> bool:
        """Can other machines open it by its ref: is it in a storage, or on a share? May wait for the share, once."""
        return "://" not in self.ref.uri and place_of(self.ref.uri) == "network"

    @abstractmethod
    def identity(self) -> Identity:
        """What tells this file from another."""

    def close(self) -> None:  # noqa: B027 (most datasets have nothing to let go of)
        """Let go of the file."""

    def __enter__(self) -> Dataset:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
