"""Ingest: any scan that can be opened, copied into a storage as raw partition files and a sidecar.

Partition files are written to a temporary name, compared by their checksum, and renamed to a name that holds it: what
has its name is whole. So an ingest that was stopped in any way goes on where it was, and the same one again does
nothing. The sidecar is written last; before, there is no scan.
"""

from __future__ import annotations

import posixpath
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from ltdesk.engine.corrected import corrected
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.ingest_progress import Progress, Tally
from ltdesk.engine.ingested import load_sidecar
from ltdesk.engine.recipe import program_version
from ltdesk.engine.sidecar import (
    BEGUN,
    PARTITIONS,
    SIDECAR,
    UNFINISHED,
    Sidecar,
    SourceScan,
    StoredPartition,
    is_left_over,
    named_partition,
    partition_name,
    sidecar_of,
    source_of,
)
from ltdesk.engine.storage.checksums import Sums
from ltdesk.engine.storage.open import open_storage
from ltdesk.engine.storage.storage import Entry, Storage, in_pieces
from ltdesk.errors import JobCancelled, LtdeskError, NotInStorage, StorageError
from ltdesk.job import Partition

REPLICATION = 2
IN_FLIGHT = 4
"""Uploads at a time: a data node answers slower than it takes bytes."""
ATTEMPTS = 3
"""For a partition whose checksum was not what was sent."""
POLL = 0.1
"""Seconds between two looks at `cancelled`, and two tellings of the progress."""


@dataclass(frozen=True)
class Ingested:
    """What an ingest has done.

    Attributes
    ----------
    uri : opens the scan
    sidecar : what was stored
    bytes_sent : in this run
    """

    uri: str
    sidecar: Sidecar
    bytes_sent: int


def ingest(
    dataset: Dataset,
    uri: str,
    replication: int = REPLICATION,
    in_flight: int = IN_FLIGHT,
    check: bool = False,
    progress: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Ingested:
    """Copy a scan into a storage; does nothing where it is there already.

    Parameters
    ----------
    dataset : stored as its file has it: how frames are corrected is said when the copy is opened
    uri : of the scan to be, ``webhdfs://…/name`` or ``file:///…/name``; one that ends with ``/`` is the folder of it
    replication : copies of each partition that HDFS keeps
    in_flight : uploads at a time; each holds a tile of the source (at most 16 MiB or a frame) in memory
    check : compare the checksums of partitions that are there already, and replace those that are damaged
    progress, cancelled : called from this thread, about ten times a second

    Raises
    ------
    StorageError : what the storage refuses, with the way out; something else is there; it can't be reached
    DamagedFileError : the source can't be read
    JobCancelled : when `cancelled()` says so. What was stored is kept: the same call again goes on from there.
    """
    dataset = corrected(dataset, None)
    storage, path = open_storage(uri)
    with storage:
        folder = path if not uri.endswith("/") else posixpath.join(path, _stem(dataset))
        return _Ingest(dataset, storage, folder, replication, check).run(in_flight, progress, cancelled)


def _stem(dataset: Dataset) -> str:
    return posixpath.splitext(posixpath.basename(dataset.ref.uri.replace("\\", "/")))[0] or "scan"


class _Ingest:
    """One run."""

    def __init__(self, dataset: Dataset, storage: Storage, folder: str, replication: int, check: bool) -> None:
        self.dataset, self.storage, self.folder = dataset, storage, folder
        self.replication, self.check = replication, check
        self.source = source_of(dataset)
        self.uri = storage.uri(folder)
        self.stop = threading.Event()
        self.tally = Tally(dataset.frames_good * dataset.frame_bytes, len(dataset.plan()))
        self.stored: dict[int, StoredPartition] = {}

    def run(self, in_flight: int, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Ingested:
        before = self._begin()
        self.storage.make_folder(self._path(PARTITIONS))
        waiting = iter(self._take_up(self._found()))
        with ThreadPoolExecutor(in_flight, thread_name_prefix="ltdesk-ingest") as pool:
            try:
                self._follow(pool, waiting, in_flight, progress, cancelled)
            finally:
                self.stop.set()
        return self._finish(before)

    def _begin(self) -> Sidecar | None:
        """See that the folder is this scan's, and mark it so. The sidecar where there is one already."""
        names = {entry.name for entry in self._entries("") if not is_left_over(entry.name)}
        if SIDECAR in names:
            sidecar, _ = load_sidecar(self.storage, self.folder)
            self._must_be_this(sidecar.source)
            return sidecar
        if BEGUN in names:
            self._must_be_this(self._read_begun())
        elif names:
            raise StorageError(f"{self.uri}: is a folder with other things in it", "Add a / or a name of its own.")
        else:
            self.storage.make_folder(self.folder)  # first: where it may not be, that is said of the folder
            self.storage.put(self._path(BEGUN), self.source.model_dump_json().encode(), self.replication)
        return None

    def _read_begun(self) -> SourceScan:
        path = self._path(BEGUN)
        try:
            return SourceScan.model_validate_json(self.storage.read_bytes(path))
        except ValidationError as error:
            raise StorageError(
                f"{self.storage.uri(path)}: is not what an ingest writes", "Remove it by ltdesk storage rm."
            ) from error

    def _must_be_this(self, source: SourceScan) -> None:
        if not source.is_same_as(self.source):
            raise StorageError(
                f"{self.uri}: holds another scan, or another version of it, from {source.identity.path}",
                "Give another name, or remove it by ltdesk storage rm.",
            )

    def _found(self) -> dict[int, list[tuple[int, Entry]]]:
        """Partition files by index, with the checksum that they are named by."""
        found: dict[int, list[tuple[int, Entry]]] = {}
        for entry in self._entries(PARTITIONS):
            if named := named_partition(entry.name):
                found.setdefault(named[0], []).append((named[1], entry))
        return found

    def _entries(self, *parts: str) -> list[Entry]:
        try:
            return self.storage.list(self._path(*parts))
        except NotInStorage:
            return []

    def _take_up(self, found: dict[int, list[tuple[int, Entry]]]) -> Iterator[Callable[[], None]]:
        """What is to be done, partition by partition, in the order of the plan."""
        for partition in self.dataset.plan():
            crc, entry = found.get(partition.index, [(0, None)])[0]
            if entry is not None:
                yield lambda p=partition, c=crc, e=entry: self._take(p, c, e)  # type: ignore[misc]
            else:
                yield lambda p=partition: self._store(p)  # type: ignore[misc]

    def _follow(
        self,
        pool: ThreadPoolExecutor,
        waiting: Iterator[Callable[[], None]],
        in_flight: int,
        progress: Callable[[Progress], None],
        cancelled: Callable[[], bool],
    ) -> None:
        """Keep some tasks going until all are done. Raises what the first one that fails does."""
        running: set[Future[None]] = set()
        told = 0.0
        while True:
            while len(running) < 2 * in_flight and (task := next(waiting, None)) is not None:
                running.add(pool.submit(task))
            if time.monotonic() - told >= POLL or not running:
                progress(self.tally.now())
                told = time.monotonic()
            if not running:
                return
            if cancelled():
                raise JobCancelled("the ingest was cancelled", "Start it again to go on where it stopped.")
            done, running = wait(running, POLL, FIRST_COMPLETED)
            for future in done:
                future.result()

    def _take(self, partition: Partition, crc: int, entry: Entry) -> None:
        """Keep a file that an earlier run has stored, if it is as it should be."""
        stretches = self._present(partition)
        nbytes = _count(stretches) * self.dataset.frame_bytes
        if entry.size != nbytes or (
            self.check and not self.storage.holds(entry.path, Sums.known(crc, nbytes), read=True)
        ):
            self.storage.remove(entry.path)
            self._store(partition)
            return
        self.stored[partition.index] = _stored(partition, stretches, nbytes, crc)
        self.tally.found(nbytes)

    def _store(self, partition: Partition) -> None:
        """Write, compare, name."""
        stretches = self._present(partition)
        nbytes = _count(stretches) * self.dataset.frame_bytes
        crc = self._send(partition, nbytes) if nbytes else 0
        self.stored[partition.index] = _stored(partition, stretches, nbytes, crc)
        self.tally.stored(partition.index, nbytes)

    def _send(self, partition: Partition, nbytes: int) -> int:
        """The CRC32C of what is now stored. Raises StorageError when it is never what was sent."""
        for _ in range(ATTEMPTS):
            temporary = self._path(UNFINISHED, uuid.uuid4().hex)
            stream = _Stream(self, partition)
            try:
                self.storage.write(temporary, stream.pieces, nbytes, self.replication)
                if self.storage.holds(temporary, stream.sums):
                    name = partition_name(partition.index, stream.sums.crc)
                    self.storage.rename(temporary, self._path(PARTITIONS, name))
                    return stream.sums.crc
            except BaseException:
                self._forget(temporary)
                raise
            self._forget(temporary)
        raise StorageError(
            f"{self.uri}: what was stored of partition {partition.index} was not what was sent, {ATTEMPTS} times",
            "Check the storage's disks and network.",
        )

    def _forget(self, path: str) -> None:
        with suppress(LtdeskError):
            self.storage.remove(path)

    def _present(self, partition: Partition) -> tuple[tuple[int, int], ...]:
        """Stretches of the partition's positions that have a frame; they are looked for only where some are missing."""
        if self.stop.is_set():
            raise JobCancelled("the ingest was stopped")
        if self.dataset.frames_good == self.dataset.frames_expected:
            return ((0, partition.size),)
        stretches: list[tuple[int, int]] = []
        for tile in self.dataset.tiles(partition):
            start, stop = tile.start, tile.start + len(tile.frames)
            if stretches and stretches[-1][1] == start:
                start = stretches.pop()[0]
            stretches.append((start, stop))
        return tuple(stretches)

    def _finish(self, before: Sidecar | None) -> Ingested:
        """See that all is there, and make the scan exist."""
        partitions = tuple(self.stored[partition.index] for partition in self.dataset.plan())
        sidecar = sidecar_of(self.dataset, self.source, partitions, self.replication, program_version())
        self._compare(sidecar)
        if before is None or (before.partitions, before.own) != (partitions, sidecar.own):
            text = sidecar.model_dump_json().encode()
            self.storage.put(self._path(SIDECAR), text, max(self.replication, 3) if self.storage.is_remote else 1)
        for entry in self._entries(""):
            if entry.name in (BEGUN, UNFINISHED) or is_left_over(entry.name):
                self.storage.remove(entry.path)
        return Ingested(self.uri, sidecar, self.tally.sent)

    def _compare(self, sidecar: Sidecar) -> None:
        """Raises StorageError unless the files of the sidecar, and no others, are there."""
        wanted = {partition_name(i, p.crc32c): p.nbytes for i, p in enumerate(sidecar.partitions) if p.nbytes}
        for entry in self._entries(PARTITIONS):
            if wanted.get(entry.name) == entry.size:
                del wanted[entry.name]
            elif named_partition(entry.name):
                self.storage.remove(entry.path)
        if wanted:
            name = next(iter(wanted))
            raise StorageError(
                f"{self.uri}: {len(wanted)} partitions are gone that were stored, the first is {name}",
                "See who else writes there, and start it again.",
            )

    def _path(self, *parts: str) -> str:
        return posixpath.join(self.folder, *(part for part in parts if part))


class _Stream:
    """A partition's bytes in pieces, with their checksums; `pieces` starts anew each time."""

    def __init__(self, owner: _Ingest, partition: Partition) -> None:
        self.owner, self.partition = owner, partition
        self.sums = owner.storage.new_sums()

    def pieces(self) -> Iterable[memoryview]:
        """Raises JobCancelled when the ingest is stopped."""
        self.sums = self.owner.storage.new_sums()
        index, tally = self.partition.index, self.owner.tally
        tally.begins(index)
        for tile in self.owner.dataset.tiles(self.partition):
            for piece in in_pieces(_as_bytes(tile.frames)):
                if self.owner.stop.is_set():
                    raise JobCancelled("the ingest was stopped")
                self.sums.update(piece)
                yield piece
                tally.grows(index, len(piece))


def _as_bytes(frames: NDArray[Any]) -> memoryview:
    """A view wherever the frames lie one after another."""
    return memoryview(np.ascontiguousarray(frames).reshape(-1).view(np.uint8).data)


def _count(stretches: Iterable[tuple[int, int]]) -> int:
    return sum(stop - start for start, stop in stretches)


def _stored(partition: Partition, stretches: tuple[tuple[int, int], ...], nbytes: int, crc: int) -> StoredPartition:
    present = () if stretches == ((0, partition.size),) else stretches
    p = partition
    return StoredPartition(p.y0, p.y1, p.x0, p.x1, _count(stretches), nbytes, crc, present)
