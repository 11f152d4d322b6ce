"""IngestedScan: a scan that lies in a storage as raw partition files, opened by its sidecar.

It has the plan, the tiles and so, byte for byte, the results of the scan that was ingested. Partition files that this
machine has are mapped, their checksum compared at the first map; others are read, their checksum along the way.
"""

from __future__ import annotations

import hashlib
import logging
import posixpath
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from crc32c import crc32c
from numpy.typing import NDArray

from ltdesk.engine.dataset import Dataset, Identity, Tile
from ltdesk.engine.formats.tiling import Span, present, runs
from ltdesk.engine.map_limits import most_maps
from ltdesk.engine.mapping import MappedFile
from ltdesk.engine.sidecar import BEGUN, SIDECAR, Sidecar, StoredPartition, read_sidecar
from ltdesk.engine.storage import LocalFile, NotLocal, Storage, open_storage
from ltdesk.engine.storage.storage import PIECE, in_pieces
from ltdesk.errors import DamagedFileError, LtdeskError, NotInStorage, OpenError, UsageError
from ltdesk.job import DatasetRef, Partition, Plan

log = logging.getLogger(__name__)

HOLDERS_KEPT = 60.0
"""Seconds that the hosts of a partition are taken for known: each job, so each move of a detector, would ask for all of
them anew (some ms each). What has moved meanwhile is read from afar, no more."""

_checked: set[tuple[object, ...]] = set()
"""Keys of the local files whose checksum this process has compared."""


class IngestedScan(Dataset):
    """A scan in a storage.

    sidecar : what the storage says of it
    storage, folder : where it lies
    not_mapped : why partitions were read and not mapped, by their index
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
        self.not_mapped: dict[int, str] = {}
        self._identity = identity
        self._maps: OrderedDict[int, MappedFile] = OrderedDict()
        self._holders: dict[int, tuple[tuple[str, ...], float]] = {}
        self._lock = threading.Lock()
        self._closed = False

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
        """The hosts that hold the partition's file, asked anew after `HOLDERS_KEPT`. Raises StorageError."""
        stored, now = self._stored(partition), time.monotonic()
        if not stored.frames:
            return ()
        known, asked_at = self._holders.get(partition.index, ((), -HOLDERS_KEPT))
        if now - asked_at < HOLDERS_KEPT:
            return known
        blocks = self.storage.blocks(self._path(partition.index))
        hosts = blocks[0].hosts if blocks else ()
        self._holders[partition.index] = hosts, now
        return hosts

    def tiles(self, partition: Partition) -> Iterator[Tile]:
        stored = self._stored(partition)
        if not stored.frames:
            return
        file, checked = self._mapped(partition.index, stored)
        if file is not None:
            yield from self._mapped_tiles(file, partition, stored, checked)
            return
        reason = self.not_mapped.get(partition.index, "")
        whole = partition == self.sidecar.plan[partition.index]
        yield from (self._read_tiles if whole else self._read_parts)(partition, stored, reason)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            maps = list(self._maps.values())
            self._maps.clear()
        for file in maps:
            file.close()
        self.storage.close()

    def _mapped_tiles(
        self, file: MappedFile, partition: Partition, stored: StoredPartition, checked: int
    ) -> Iterator[Tile]:
        for span in self._spans(partition, stored):
            at, nbytes = self._extent(span, stored)
            file.check()
            yield Tile(span.start, self._as_frames(file.view(at, nbytes)), nbytes, checked=checked)
            file.check(at, nbytes)
            checked = 0

    def _read_tiles(self, partition: Partition, stored: StoredPartition, reason: str) -> Iterator[Tile]:
        path, crc = self._path(partition.index), 0
        with self.storage.reader(path, 0, stored.nbytes) as reader:
            for span in self._spans(partition, stored):
                raw = np.empty(span.count * self.frame_bytes, np.uint8)
                reader.fill(memoryview(raw.data))
                crc = crc32c(raw.data, crc)
                raw.flags.writeable = False
                network = raw.nbytes if self.storage.is_remote else 0
                yield Tile(span.start, self._as_frames(raw), network=network, not_mapped=reason)
        if crc != stored.crc32c:
            raise self._damaged(path, crc, stored)

    def _read_parts(self, partition: Partition, stored: StoredPartition, reason: str) -> Iterator[Tile]:
        """Only what a rectangle within a partition needs. HDFS checks what it sends; of a file in a directory, whose
        checksum is that of the whole, all is read the first time."""
        path = self._path(partition.index)
        checked = 0 if self.storage.is_remote else self._check_read(path, stored)
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
        with self._lock:
            file = self._maps.get(partition.index)
        raw = np.empty(self.frame_bytes, np.uint8)
        if file is None:
            self._must_be_open()
            self.storage.read(self._path(partition.index), at * self.frame_bytes, memoryview(raw.data))
        else:
            file.check()
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

    def _path(self, index: int) -> str:
        return posixpath.join(self.folder, self.sidecar.file_name(index))

    def _stored(self, partition: Partition) -> StoredPartition:
        self._must_be_open()
        stored = self.sidecar.partitions[partition.index]
        assert stored.y0 <= partition.y0 < partition.y1 <= stored.y1
        assert stored.x0 <= partition.x0 < partition.x1 <= stored.x1
        return stored

    def _must_be_open(self) -> None:
        if self._closed:
            raise OpenError(f"{self.ref.uri}: is closed", "Open it again.")

    def _partition_at(self, y: int, x: int) -> tuple[Partition, StoredPartition]:
        index = next(
            i for i, p in enumerate(self.sidecar.partitions) if p.y0 <= y < p.y1 and p.x0 <= x < p.x1
        )  # 5 ms at 10^5 partitions
        return self.sidecar.plan[index], self.sidecar.partitions[index]

    def _mapped(self, index: int, stored: StoredPartition) -> tuple[MappedFile | None, int]:
        """A partition's file, mapped, and how many bytes were checked for that now.

        None where it has to be read, with the reason in `not_mapped`.
        """
        with self._lock:
            if index in self._maps:
                self._maps.move_to_end(index)
                return self._maps[index], 0
        try:
            file, checked = self._map(self._path(index), stored)
        except LtdeskError as error:
            self.not_mapped[index] = str(error)
            return None, 0
        self.not_mapped.pop(index, None)
        return self._keep(index, file), checked

    def _keep(self, index: int, file: MappedFile) -> MappedFile:
        with self._lock:
            if self._closed:
                file.close()
                raise OpenError(f"{self.ref.uri}: is closed", "Open it again.")
            kept = self._maps.setdefault(index, file)
            if len(self._maps) > most_maps():
                self._maps.popitem(last=False)  # closed when the last tile of it goes
            return kept

    def _map(self, path: str, stored: StoredPartition) -> tuple[MappedFile, int]:
        """Raises LtdeskError with the reason where it can't be mapped or isn't what it was."""
        local = self.storage.local_file(path)
        if local.size != stored.nbytes:
            raise NotLocal(f"{local.path}: has {local.size:,} of {stored.nbytes:,} bytes")
        file = MappedFile(local.path)
        if not file.mapped:
            raise NotLocal(f"{local.path}: is on a disk that can't be mapped safely")
        return file, self._check(file, local, stored)

    def _check(self, file: MappedFile, local: LocalFile, stored: StoredPartition) -> int:
        """Compare the checksum, once a file: a map goes past what HDFS or a disk checks. How many bytes that took."""
        key = (*local.key, stored.crc32c)
        if key in _checked:
            return 0
        crc = 0
        for piece in in_pieces(memoryview(file.view(0, stored.nbytes).data)):
            crc = crc32c(piece, crc)
        file.check(0, stored.nbytes)
        if crc != stored.crc32c:
            error = self._damaged(local.path, crc, stored)
            log.warning("%s", error)
            raise error
        _checked.add(key)
        return stored.nbytes

    def _check_read(self, path: str, stored: StoredPartition) -> int:
        """As `_check`, of a file that is not mapped. Raises StorageError, DamagedFileError."""
        key = (*self.storage.local_file(path).key, stored.crc32c)
        if key in _checked:
            return 0
        crc, buffer = 0, memoryview(bytearray(min(PIECE, stored.nbytes)))
        with self.storage.reader(path, 0, stored.nbytes) as reader:
            for at in range(0, stored.nbytes, PIECE):
                piece = buffer[: stored.nbytes - at]
                reader.fill(piece)
                crc = crc32c(piece, crc)
        if crc != stored.crc32c:
            raise self._damaged(path, crc, stored)
        _checked.add(key)
        return stored.nbytes

    def _damaged(self, path: str, crc: int, stored: StoredPartition) -> DamagedFileError:
        what = f"is damaged: its CRC32C is {crc:08x}, not {stored.crc32c:08x}"
        return DamagedFileError(f"{path}: {what}", "Put it right by ltdesk ingest --check with the file it came from.")


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
