"""Storage: the one small interface to where ingested scans lie. Nothing above it knows which kind it is.

Paths are absolute, with ``/`` between their parts, on every system. Two implementations pass one suite: `FileStorage`
(a local or shared directory) and `WebHdfsStorage`.
"""

from __future__ import annotations

import posixpath
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, Self

from ltdesk.engine.storage.checksums import Sums
from ltdesk.errors import LtdeskError, StorageError

PIECE = 1 << 20
"""Bytes handed over at a time: larger gives nothing, smaller costs calls."""

Pieces = Callable[[], Iterable[memoryview]]
"""Gives the content of a file from its start, at each call anew: a write that broke is tried again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder.

    Attributes
    ----------
    path : absolute
    is_folder : what it is
    size : bytes of a file, 0 for a folder
    mtime_ns : when it was last written
    replication : copies that are asked for, 0 for a folder
    """

    path: str
    is_folder: bool
    size: int
    mtime_ns: int
    replication: int = 1

    @property
    def name(self) -> str:
        return posixpath.basename(self.path)


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a file that lies in one place, or in several copies.

    Attributes
    ----------
    offset, size : which bytes of the file
    hosts : where copies lie, as the nodes announce themselves; empty where any host is as near as any other
    corrupt : whether every copy is known to be damaged
    """

    offset: int
    size: int
    hosts: tuple[str, ...] = ()
    corrupt: bool = False


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of the storage that this machine can map.

    Attributes
    ----------
    path : in this machine's file system
    size : bytes
    key : changes when its content can have changed
    """

    path: str
    size: int
    key: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """How much a storage holds.

    Attributes
    ----------
    free, total : bytes on its disks, all copies counted
    nodes : data nodes that are there; None where there is no such thing
    """

    free: int
    total: int
    nodes: int | None = None


class NotLocal(StorageError):
    """This machine can't map the file; says why. It can still be read."""


class Reader(Protocol):
    """Reads on from a place in a file."""

    def fill(self, buffer: memoryview) -> None:
        """Fill the buffer wholly with the bytes that come next. Raises StorageError."""

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Storage(ABC):
    """What both kinds share.

    Every method raises StorageError naming the path's URI, what is wrong and the way out, and NotInStorage where
    there is nothing; each ends within a bounded time. Several threads may use one Storage.

    is_remote : whether what is read comes over a network
    """

    is_remote = False

    @abstractmethod
    def uri(self, path: str) -> str:
        """The URI that opens a path again."""

    @abstractmethod
    def list(self, folder: str) -> list[Entry]:
        """What is in a folder, by name."""

    @abstractmethod
    def stat(self, path: str) -> Entry:
        """One file or folder."""

    @abstractmethod
    def reader(self, path: str, offset: int, nbytes: int) -> Reader:
        """Read `nbytes` from `offset` on, in order, into given buffers."""

    def read(self, path: str, offset: int, buffer: memoryview) -> None:
        """Fill the buffer with the bytes from `offset` on. Raises StorageError if the file ends before."""
        with self.reader(path, offset, len(buffer)) as reader:
            reader.fill(buffer)

    def read_bytes(self, path: str) -> bytes:
        """A whole small file."""
        buffer = bytearray(self.stat(path).size)
        self.read(path, 0, memoryview(buffer))
        return bytes(buffer)

    @abstractmethod
    def write(self, path: str, pieces: Pieces, nbytes: int, replication: int = 2) -> None:
        """Write a new file of exactly `nbytes`, as one block, on disk when this returns.

        While it is written, others may see a part of it: `put` is for what others look for. Missing folders are made.
        What `pieces` raises comes through as it is.
        """

    def new_sums(self) -> Sums:
        """Checksums for what is about to be written, of the kind that `holds` compares."""
        return Sums()

    @abstractmethod
    def holds(self, path: str, sums: Sums, read: bool = False) -> bool:
        """Whether a file's content, as it is stored, has these checksums.

        read : look at the bytes themselves even where the storage knows checksums from when they were written
        """

    @abstractmethod
    def blocks(self, path: str, wait: bool = True) -> tuple[Block, ...]:
        """Where the bytes of a file lie. `wait`: also for a storage that does not answer at the moment."""

    @abstractmethod
    def local_file(self, path: str) -> LocalFile:
        """The file as this machine can map it. Raises NotLocal with the reason where it can't."""

    @abstractmethod
    def room(self, path: str) -> Room | None:
        """How much room there is where a path is, or will be; None where the storage doesn't tell."""

    @abstractmethod
    def make_folder(self, path: str) -> None:
        """Make a folder, and those above it; one that is there is no error."""

    @abstractmethod
    def rename(self, path: str, to: str) -> None:
        """Give a file another name, in one step; a file of that name is replaced. The new folder has to be there."""

    @abstractmethod
    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it; where there is nothing it is no error."""

    def put(self, path: str, data: bytes, replication: int = 2) -> None:
        """Write a small file that is there whole or not at all; one that is there is replaced."""
        temporary = f"{posixpath.dirname(path)}/.{posixpath.basename(path)}.{uuid.uuid4().hex}"
        try:
            self.write(temporary, lambda: [memoryview(data)], len(data), replication)
            self.rename(temporary, path)
        except BaseException as error:
            with suppress(LtdeskError):
                self.remove(temporary)
            if isinstance(error, StorageError):  # it is about a name that nobody gave
                what = error.what.replace(self.uri(temporary), self.uri(path))
                raise type(error)(what, error.way_out) from error
            raise

    def close(self) -> None:  # noqa: B027 (a directory has nothing to let go of)
        """Let go of connections."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def in_pieces(data: memoryview) -> Iterable[memoryview]:
    """Cut into what is handed over at a time."""
    return (data[at : at + PIECE] for at in range(0, len(data), PIECE))
