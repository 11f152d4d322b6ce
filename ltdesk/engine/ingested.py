"""IngestedScan: a scan that lies in a storage as raw partition files, opened by its sidecar.

It has the plan, the tiles and so, byte for byte, the results of the scan that was ingested. Partition files that this
machine has are mapped, their checksum compared at the first map; others are read, their checksum along the way.
"""

from __future__ import annotations

import hashlib
import posixpath
import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from crc32c import crc32c
from numpy.typing import NDArray

from ltdesk.engine.dataset import Dataset, Identity, Tile
from ltdesk.engine.formats.tiling import Span, present, runs
from ltdesk.engine.mapping import MappedFile
from ltdesk.engine.sidecar import BEGUN, SIDECAR, Sidecar, StoredPartition, read_sidecar
from ltdesk.engine.storage import Storage, open_storage
from ltdesk.engine.stored_files import StoredFiles
from ltdesk.errors import DamagedFileError, NotInStorage, OpenError, StorageError, UsageError
from ltdesk.job import DatasetRef, Partition, Plan

HOLDERS_KEPT = 60.0
"""Seconds that the hosts of a partition are taken for known: each job, so each move of a detector, would ask for all of
them anew (some ms each). What has moved meanwhile is read from afar, no more."""


class _Mapped(NamedTuple):
    """A partition's file that is mapped, for a part of the partition, of those asked for number `which`.

    checked : bytes that were compared with their checksum for it
    """

    which: int
    partition: Partition
    stored: StoredPartition
    file: MappedFile
    checked: int


class IngestedScan(Dataset):
    """A scan in a storage.

    sidecar : what the storage says of it
    storage, folder : where it lies
    """

    def __init__(self, ref: DatasetRef, storage: Storage, folder: str, sidecar: Sidecar, identity: Identity) -> None:
        super().__init__(
            ref=ref,
            scan_shape=sidecar.scan_shape,
            frame_shape=sidecar.frame_shape,
            dtype=np.dtype(sidecar.dtype),
            format=f"{sidecar.source_format}, ingested",
            calibration=sidecar.calibration,
            chunk=sidecar.chunk,
            frames_good=sidecar.frames_good,
            frames_expected=sidecar.frames_expected,
            note=sidecar.note,
        )
        self.storage, self.folder, self.sidecar = storage, folder, sidecar
        self._identity = identity
        self._holders: dict[int, tuple[tuple[str, ...], float]] = {}
        self._files = StoredFiles(ref.uri, storage, folder, sidecar)

    @property
    def not_mapped(self) -> dict[int, str]:
        """Why partitions were read and not mapped, by their index."""
        return self._files.not_mapped

    @cached_property
    def is_shared(self) -> bool:
        return True

    @property
    def own_frames(self) -> dict[str, NDArray[Any]]:
        """As the file had them that was ingested."""
        return self.sidecar.own_frames

    def plan(self) -> Plan:
        return self.sidecar.plan

    def identity(self) -> Identity:
        return self._identity

    def holders(self, partition: Partition) -> tuple[str, ...]:
        """The hosts that hold the partition's file, asked anew after `HOLDERS_KEPT`. Where the storage is silent then,
        those that held it: workers map what they have without asking. Raises StorageError."""
        stored, now = self._stored(partition), time.monotonic()
        if not stored.frames:
            return ()
        known, asked_at = self._holders.get(partition.index, ((), -HOLDERS_KEPT))
        if now - asked_at < HOLDERS_KEPT:
            return known
        try:
            blocks = self.storage.blocks(self._files.path(partition.index), wait=not known)
        except StorageError:
            if not known:
                raise
            return known
        hosts = blocks[0].hosts if blocks else ()
        self._holders[partition.index] = hosts, now
        return hosts

    @property
    def shows_views(self) -> bool:
        """Until a partition had to be read."""
        return not self.not_mapped

    def tiles(self, partition: Partition) -> Iterator[Tile]:
        for tiles in self.tiles_of([partition]):
            yield from (tile for _, tile in tiles)

    def tiles_of(self, partitions: Sequence[Partition]) -> Iterator[list[tuple[int, Tile]]]:
        """Those that are mapped at once: files are checked before, by `StoredFiles`, and after, not for each tile."""
        mapped: list[_Mapped] = []
        for which, partition in enumerate(partitions):
            stored = self._stored(partition)
            if not stored.frames:
                continue
            file, checked = self._files.mapped(partition.index, stored)
            if file is not None:
                mapped.append(_Mapped(which, partition, stored, file, checked))
                continue
            reason = self.not_mapped.get(partition.index, "")
            whole = partition == self.sidecar.plan[partition.index]
            tiles = (self._read_tiles if whole else self._read_parts)(partition, stored, reason)
            yield from ([(which, tile)] for tile in tiles)
        if mapped:
            yield from self._mapped_tiles(mapped)

    def close(self) -> None:
        self._files.close()
        self.storage.close()

    def _mapped_tiles(self, some: Sequence[_Mapped]) -> Iterator[list[tuple[int, Tile]]]:
        yield [(one.which, tile) for one in some for tile in self._views(one)]
        for one in some:
            one.file.check(0, one.stored.nbytes)

    def _views(self, one: _Mapped) -> Iterator[Tile]:
        checked = one.checked
        for span in self._spans(one.partition, one.stored):
            at, nbytes = self._extent(span, one.stored)
            yield Tile(span.start, self._as_frames(one.file.view(at, nbytes)), nbytes, checked=checked)
            checked = 0

    def _read_tiles(self, partition: Partition, stored: StoredPartition, reason: str) -> Iterator[Tile]:
        path, crc = self._files.path(partition.index), 0
        with self.storage.reader(path, 0, stored.nbytes) as reader:
            for span in self._spans(partition, stored):
                raw = np.empty(span.count * self.frame_bytes, np.uint8)
                reader.fill(memoryview(raw.data))
                crc = crc32c(raw.data, crc)
                raw.flags.writeable = False
                network = raw.nbytes if self.storage.is_remote else 0
                yield Tile(span.start, self._as_frames(raw), network=network, not_mapped=reason)
        if crc != stored.crc32c:
            raise self._files.damaged(path, crc, stored)

    def _read_parts(self, partition: Partition, stored: StoredPartition, reason: str) -> Iterator[Tile]:
        """Only what a rectangle within a partition needs. HDFS checks what it sends; of a file in a directory, whose
        checksum is that of the whole, all is read the first time."""
        path = self._files.path(partition.index)
        checked = 0 if self.storage.is_remote else self._files.check_read(path, stored)
        for span in self._spans(partition, stored):
            at, nbytes = self._extent(span, stored)
            raw = np.empty(nbytes, np.uint8)
            self.storage.read(path, at, memoryview(raw.data))
            raw.flags.writeable = False
            network = nbytes if self.storage.is_remote else 0
            yield Tile(span.start, self._as_frames(raw), network=network, checked=checked, not_mapped=reason)
            checked = 0

    def _extent(self, span: Span, stored: StoredPartition) -> tuple[int, int]:
        """Offset and number of bytes of a span's frames in the partition's file."""
        place = _place_of_frame(stored, span.frame)
        assert place is not None, "spans hold frames that exist"
        return place * self.frame_bytes, span.count * self.frame_bytes

    def _read_frame(self, y: int, x: int) -> NDArray[Any]:
        partition, stored = self._partition_at(y, x)
        at = _place_of_frame(stored, (y - partition.y0) * partition.shape[1] + x - partition.x0)
        if at is None:
            raise DamagedFileError(
                f"{self.ref.uri}: the frame at ({y}, {x}) is missing; it has {self.frames_good:,} of "
                f"{self.frames_expected:,} frames",
                "Choose another position.",
            )
        file = self._files.kept(partition.index, stored)
        raw = np.empty(self.frame_bytes, np.uint8)
        if file is None:
            self._files.must_be_open()
            self.storage.read(self._files.path(partition.index), at * self.frame_bytes, memoryview(raw.data))
        else:
            raw[...] = file.view(at * self.frame_bytes, self.frame_bytes)
            file.check(at * self.frame_bytes, self.frame_bytes)
        frame: NDArray[Any] = self._as_frames(raw)[0]
        return frame.astype(self.dtype.newbyteorder("="), copy=True)

    def _spans(self, partition: Partition, stored: StoredPartition) -> Iterator[Span]:
        """Tiles as `tiling.tile_spans` cuts them for any file; frames are counted by their place in the partition, of
        which `partition` may be a part."""
        good = [range(start, stop) for start, stop in stored.stretches]
        (_, width), full = partition.shape, stored.x1 - stored.x0
        corner = (partition.y0 - stored.y0) * full + partition.x0 - stored.x0
        for run in runs(partition, self.scan_shape[1]):
            place = corner + run.start // width * full + run.start % width
            for first in range(0, run.count, self.tile_frames):
                count = min(self.tile_frames, run.count - first)
                yield from present(Span(run.start + first, place + first, count), good)

    def _as_frames(self, raw: NDArray[np.uint8]) -> NDArray[Any]:
        return raw.view(self.dtype).reshape(-1, *self.frame_shape)

    def _stored(self, partition: Partition) -> StoredPartition:
        self._files.must_be_open()
        stored = self.sidecar.partitions[partition.index]
        assert stored.y0 <= partition.y0 < partition.y1 <= stored.y1
        assert stored.x0 <= partition.x0 < partition.x1 <= stored.x1
        return stored

    def _partition_at(self, y: int, x: int) -> tuple[Partition, StoredPartition]:
        index = next(
            i for i, p in enumerate(self.sidecar.partitions) if p.y0 <= y < p.y1 and p.x0 <= x < p.x1
        )  # 5 ms at 10^5 partitions
        return self.sidecar.plan[index], self.sidecar.partitions[index]


def open_ingested(ref: DatasetRef) -> IngestedScan:
    """Open the scan at a URI: its folder, or the sidecar in it. Raises OpenError, StorageError, UsageError."""
    storage, path = open_storage(ref.uri)
    folder = posixpath.dirname(path) if posixpath.basename(path) == SIDECAR else path
    try:
        sidecar, identity = load_sidecar(storage, folder)
        _check_asked(ref, sidecar)
    except BaseException:
        storage.close()
        raise
    return IngestedScan(ref, storage, folder, sidecar, identity)


def load_sidecar(storage: Storage, folder: str) -> tuple[Sidecar, Identity]:
    """What a folder says of the scan in it, and what tells it from another. Raises OpenError, StorageError."""
    path = posixpath.join(folder, SIDECAR)
    try:
        entry, text = storage.stat(path), storage.read_bytes(path)
    except NotInStorage as error:
        raise _no_scan(storage, folder) from error
    sidecar = read_sidecar(storage.uri(path), text)
    digest = hashlib.sha256(text).hexdigest()
    size, uri = sidecar.nbytes, storage.uri(folder)
    return sidecar, Identity(path=uri, size=size, mtime_ns=entry.mtime_ns, header_hash=digest)


def _no_scan(storage: Storage, folder: str) -> OpenError:
    """Why there is none."""
    uri = storage.uri(folder)
    try:
        if not storage.stat(folder).is_folder:
            return OpenError(f"{uri}: is not an ingested scan", "Copy the file here and bring it in by ltdesk ingest.")
        storage.stat(posixpath.join(folder, BEGUN))
    except NotInStorage:
        return OpenError(f"{uri}: there is no ingested scan", "See what there is by ltdesk storage ls.")
    return OpenError(f"{uri}: its ingest is not finished", "Run ltdesk ingest again: it goes on where it stopped.")


def _check_asked(ref: DatasetRef, sidecar: Sidecar) -> None:
    """Raises UsageError where shapes are given that an ingested scan can't take on."""
    wrong = ""
    if ref.scan_shape not in (None, sidecar.scan_shape):
        wrong = f"a scan of {sidecar.scan_shape[0]}x{sidecar.scan_shape[1]}"
    elif ref.frame_shape not in (None, sidecar.frame_shape):
        wrong = f"frames of {sidecar.frame_shape[0]}x{sidecar.frame_shape[1]}"
    elif ref.dtype is not None and np.dtype(ref.dtype) != np.dtype(sidecar.dtype):
        wrong = f"pixels of {sidecar.dtype}"
    elif ref.offset or ref.sync_offset or ref.dataset:
        wrong = "its frames laid out when it was ingested"
    if wrong:
        raise UsageError(f"{ref.uri}: has {wrong}", "Give shapes, dtype and offsets to ltdesk ingest.")


def _place_of_frame(stored: StoredPartition, position: int) -> int | None:
    """The place in the file of the frame at a position; None where it is missing."""
    before = 0
    for start, stop in stored.stretches:
        if start <= position < stop:
            return before + position - start
        before += stop - start
    return None
