"""A file's bytes without copying them, safe against the file shrinking, being replaced or going away.

On a local disk the file is mapped. On network and removable disks it is read into fresh memory: a map would
turn every hiccup there into a fault, which on Windows ends the process. Callers see no difference::

    with MappedFile(path) as file:
        file.check()                        # before each tile: the file is still what it was
        tile = file.view(offset, nbytes)
        ...                                 # kernels read it
        file.check(offset, nbytes)          # before what they made is used

The last check is what makes zeros that stand in for lost pages harmless, and may be done once for many tiles.
See docs/decisions/0002-mapped-files-that-shrink.md.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import stat
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.filesystem import place_of
from ltdesk.errors import DamagedFileError, OpenError, os_error_text

if TYPE_CHECKING:
    from ltdesk.engine.fault_guard import Watch

Access = Literal["auto", "map", "read"]
Bytes = NDArray[np.uint8]

_FORGOTTEN_FIRST = 1 << 30
_READ_AT_ONCE = 1 << 30  # macOS reads no more than 2 GiB at a time
_REOPEN = "Reopen it to use what is still there."
_CONNECTION = "Check the disk or the connection, then reopen it."


class _Descriptor:
    """An open file, closed when its last user lets go: before, its number could become another file's."""

    def __init__(self, path: str) -> None:
        self.number = -1
        self.number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        if self.number >= 0:  # at the interpreter's end `os` may be gone before
            close(self.number)


def _forget_pages(mapping: mmap.mmap) -> None:
    """Let the system forget which pages of a large map are where, while other threads run.

    Unmapping does it too, but `mmap` holds Python's lock meanwhile: a quarter of a second for 100 GB. A view that is
    still there finds its pages again.
    """
    if sys.platform != "win32" and len(mapping) >= _FORGOTTEN_FIRST:
        address = np.frombuffer(mapping, np.uint8).ctypes.data
        ctypes.CDLL(None).madvise(ctypes.c_void_p(address), ctypes.c_size_t(len(mapping)), mmap.MADV_DONTNEED)


class _Map(mmap.mmap):
    """A map that is unmapped when its last view goes, and no longer watched just before that."""

    watch: Watch | None = None

    def __del__(self, is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        # at the interpreter's end modules may be gone before the map; then nothing maps anything any more
        if self.watch and not is_finalizing():
            self.watch.release()


class MappedFile:
    """A file opened for reading, whole or a range of it.

    path : absolute
    size, mtime_ns, inode : when it was opened
    offset, nbytes : the range that can be viewed

    While it is open, Windows neither cuts, deletes nor replaces the file: a map holds on to it, and so does
    the descriptor that `check` asks. So close it as soon as the dataset is closed; views keep it open until
    they go. Several threads may use one MappedFile.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        offset: int = 0,
        nbytes: int | None = None,
        access: Access = "auto",
    ) -> None:
        """Raises OpenError if the file can't be opened, DamagedFileError if it ends before the range does.

        access : "map" or "read" instead of what suits the disk; "map" still reads where a map isn't possible
        """
        self.path = os.path.abspath(path)
        self._file: _Descriptor | None = None
        self._file = self._open()
        status = os.fstat(self._file.number)
        self.size, self.mtime_ns, self.inode = status.st_size, status.st_mtime_ns, status.st_ino
        self._linked = status.st_nlink > 0  # some file systems never say
        self.offset, self.nbytes = offset, self.size - offset if nbytes is None else nbytes
        if not 0 <= offset <= offset + self.nbytes <= self.size:
            raise DamagedFileError(
                f"{self.path}: has {self.size:,} bytes where {offset + self.nbytes:,} are needed",
                "Check that it was copied whole, and the shapes given for it.",
            )
        self._access = access
        self._map: _Map | None = None
        self._decided = False
        self._lock = threading.Lock()
        self._grown = False
        self._damage = ""

    def _open(self) -> _Descriptor:
        try:
            if not stat.S_ISREG(os.stat(self.path).st_mode):  # first: opening a pipe would wait
                raise OpenError(f"{self.path}: is not a file", "Choose a file.")
            return _Descriptor(self.path)
        except OSError as error:
            way_out = "Check the path and its permissions."
            raise OpenError(f"{self.path}: {os_error_text(error)}", way_out) from error

    @property
    def mapped(self) -> bool:
        """Whether views are the file itself; False where they are copies. Decided at the first one."""
        return self._mapping() is not None

    def view(self, offset: int, nbytes: int) -> Bytes:
        """The bytes `(nbytes,)` at an offset in the file, read-only; zero-copy where the file is mapped.

        A view stays valid after `close`. Where its pages are gone, handing it to the system itself (writing
        it to a file or socket) raises OSError (EFAULT). Raises DamagedFileError where it can't be read.
        """
        self._must_hold(offset, nbytes)
        mapping = self._mapping() if nbytes else None
        if mapping is None:
            return self.read(offset, nbytes)
        return np.frombuffer(mapping, np.uint8, nbytes, offset - _map_start(self.offset))

    def read(self, offset: int, nbytes: int) -> Bytes:
        """The bytes `(nbytes,)` at an offset in the file as a copy, read-only, never through a map.

        Raises DamagedFileError where they can't be read.
        """
        self._must_hold(offset, nbytes)
        buffer = np.empty(nbytes, np.uint8)
        try:
            done = self._read_into(memoryview(buffer.data), offset)
        except OSError as error:
            what = f"cannot be read at byte {offset:,}: {os_error_text(error)}"
            raise DamagedFileError(f"{self.path}: {what}", _CONNECTION) from error
        if done < nbytes:
            self.check()
            raise DamagedFileError(f"{self.path}: ends at byte {offset + done:,}", _REOPEN)
        buffer.flags.writeable = False
        return buffer

    def check(self, offset: int = 0, nbytes: int = 0) -> None:
        """Make sure that the file is what it was when it was opened, and that these bytes were never lost.

        Costs about a microsecond. A file that grows is being acquired, and fine. Found damaged once, it stays
        so. Raises DamagedFileError if it was cut, overwritten, deleted or replaced, can't be reached, or if
        pages that hold these bytes could not be read and were seen as zeros.
        """
        if not self._damage:
            self._damage = self._compare()
        if self._damage:
            raise DamagedFileError(f"{self.path}: {self._damage}", _REOPEN)
        if nbytes and self.faulted(offset, nbytes):
            what = f"bytes between {offset:,} and {offset + nbytes:,} could not be read"
            raise DamagedFileError(f"{self.path}: {what}", _CONNECTION)

    def faulted(self, offset: int, nbytes: int) -> bool:
        """Whether pages of these bytes were ever replaced by zeros; asks no system call."""
        watch = self._map.watch if self._map is not None else None
        return watch is not None and watch.faulted(offset - _map_start(self.offset), nbytes)

    def size_now(self) -> int:
        """The file's size in bytes; 0 where it can't be reached."""
        try:
            return os.fstat(self._descriptor().number).st_size
        except OSError:
            return 0

    def close(self) -> None:
        """Let go of the file. Views stay valid and keep it open until they go."""
        if self._map is not None:
            _forget_pages(self._map)
        self._file = self._map = None

    def __enter__(self) -> MappedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _compare(self) -> str:
        """What is wrong with the file, or nothing."""
        file = self._descriptor()
        try:
            now = os.fstat(file.number)
        except OSError as error:
            return f"cannot be reached any more: {os_error_text(error)}"
        if now.st_size < self.size:
            return f"has {now.st_size:,} bytes now, it had {self.size:,} when it was opened"
        if self._linked and now.st_nlink == 0:
            return "was deleted or replaced after it was opened"
        self._grown = self._grown or now.st_size > self.size
        if now.st_mtime_ns != self.mtime_ns and not self._grown:
            return "was overwritten after it was opened"
        return ""

    def _descriptor(self) -> _Descriptor:
        if (file := self._file) is None:
            raise OpenError(f"{self.path}: is closed", "Open it again.")
        return file

    def _must_hold(self, offset: int, nbytes: int) -> None:
        if not self.offset <= offset <= offset + nbytes <= self.offset + self.nbytes:
            raise ValueError(f"{self.path}: bytes {offset} to {offset + nbytes} are outside what is open")

    def _read_into(self, buffer: memoryview, offset: int) -> int:
        file, done = self._descriptor(), 0
        while done < len(buffer):
            part = buffer[done : done + _READ_AT_ONCE]
            got = self._read_part(file, part, offset + done)
            if not got:
                break
            done += got
        return done

    def _read_part(self, file: _Descriptor, part: memoryview, offset: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(file.number, [part], offset)
        with self._lock, open(file.number, "rb", buffering=0, closefd=False) as stream:  # Windows
            stream.seek(offset)
            return stream.readinto(part)

    def _mapping(self) -> _Map | None:
        """The map, made at the first use: whoever only looks at the header needs none."""
        if not self._decided:
            with self._lock:
                if not self._decided:
                    self._map = self._make_map(self._descriptor())
                    self._decided = True
        return self._map

    def _make_map(self, file: _Descriptor) -> _Map | None:
        """A watched map, or None where the file is to be read."""
        steady = self._access == "map" or (self._access == "auto" and place_of(self.path) == "local")
        if not (steady and self.nbytes):
            return None
        start = _map_start(self.offset)
        length = self.offset + self.nbytes - start
        try:
            mapping = _Map(file.number, length, access=mmap.ACCESS_READ, offset=start)
        except (OSError, ValueError):  # no more maps, a file system that can't, or cut since: `read` will say
            return None
        return mapping if os.name == "nt" or _watched(mapping, length) else None


def _map_start(offset: int) -> int:
    return offset - offset % mmap.ALLOCATIONGRANULARITY


def _watched(mapping: _Map, length: int) -> bool:
    from ltdesk.engine import fault_guard

    address = np.frombuffer(mapping, np.uint8).ctypes.data
    mapping.watch = fault_guard.watch(address, length)
    return mapping.watch is not None
