"""Storage in a directory, of this machine or shared: the embedded default, which needs no Hadoop."""

from __future__ import annotations

import builtins
import errno
import os
import shutil
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Self

from ltdesk.engine.file_uris import native, storage_path, uri_of_path
from ltdesk.engine.filesystem import place_of
from ltdesk.engine.storage.checksums import Sums
from ltdesk.engine.storage.storage import PIECE, Block, Entry, LocalFile, NotLocal, Pieces, Room, Storage
from ltdesk.errors import NotInStorage, StorageError, os_error_text

HOST = socket.gethostname()


class FileStorage(Storage):
    """Files in folders. Replication is the file system's affair."""

    def uri(self, path: str) -> str:
        return uri_of_path(path)

    def list(self, folder: str) -> builtins.list[Entry]:
        if os.path.isfile(native(folder)):
            raise StorageError(f"{self.uri(folder)}: is a file, not a folder", "Choose another path.")
        with self._saying(folder), os.scandir(native(folder)) as found:
            entries = [entry for item in found if (entry := _listed(item)) is not None]
        return sorted(entries, key=lambda entry: entry.path)

    def stat(self, path: str) -> Entry:
        with self._saying(path):
            return _entry(native(path), os.stat(native(path)))

    def reader(self, path: str, offset: int, nbytes: int) -> _FileReader:
        with self._saying(path):
            file = FileIO(native(path))
            file.seek(offset)
        return _FileReader(self, path, file)

    def write(self, path: str, pieces: Pieces, nbytes: int, replication: int = 2) -> None:
        target = Path(native(path))
        with self._saying(path):
            _make_folders(target.parent)
        try:
            with self._saying(path), target.open("wb", buffering=0) as file:
                for piece in pieces():
                    _write_all(file, piece)
                if file.tell() != nbytes:
                    raise StorageError(f"{self.uri(path)}: {file.tell():,} of {nbytes:,} bytes came", "Try again.")
                os.fsync(file.fileno())
        except BaseException:
            with suppress(OSError):
                target.unlink(missing_ok=True)
            raise

    def holds(self, path: str, sums: Sums, read: bool = False) -> bool:
        """Reads it back: from the disk, where the system lets go of what it keeps in memory."""
        found, buffer = Sums(), memoryview(bytearray(PIECE))
        with self._saying(path), FileIO(native(path)) as file:
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            while got := file.readinto(buffer):
                found.update(buffer[:got])
        return (found.size, found.crc) == (sums.size, sums.crc)

    def blocks(self, path: str, wait: bool = True) -> tuple[Block, ...]:
        size = self.stat(path).size
        return (Block(0, size, () if place_of(native(path)) == "network" else (HOST,)),)

    def local_file(self, path: str) -> LocalFile:
        try:
            status = os.stat(native(path))
        except OSError as error:
            raise NotLocal(f"{self.uri(path)}: {os_error_text(error)}") from error
        key = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
        return LocalFile(native(path), status.st_size, key)

    def room(self, path: str) -> Room | None:
        """Of the disk of the nearest folder that is there."""
        folder = Path(native(path))
        while not folder.is_dir() and folder != folder.parent:
            folder = folder.parent
        with self._saying(path):
            usage = shutil.disk_usage(folder)
        return Room(usage.free, usage.total)

    def make_folder(self, path: str) -> None:
        with self._saying(path):
            _make_folders(Path(native(path)))

    def rename(self, path: str, to: str) -> None:
        with self._saying(path):
            os.replace(native(path), native(to))
            _sync_folder(Path(native(to)).parent)

    def remove(self, path: str) -> None:
        with self._saying(path), suppress(FileNotFoundError):
            if os.path.isdir(native(path)):
                shutil.rmtree(native(path))
            else:
                os.unlink(native(path))

    @contextmanager
    def _saying(self, path: str) -> Iterator[None]:
        """Tell of the system's errors in words."""
        try:
            yield
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotInStorage(f"{self.uri(path)}: is not there", "Check the path.") from error
        except OSError as error:
            raise StorageError(f"{self.uri(path)}: {os_error_text(error)}", _way_out(error)) from error


class _FileReader:
    """Reads on in an open file."""

    def __init__(self, storage: FileStorage, path: str, file: FileIO) -> None:
        self._storage, self._path, self._file = storage, path, file

    def fill(self, buffer: memoryview) -> None:
        done = 0
        with self._storage._saying(self._path):
            while done < len(buffer):
                got = self._file.readinto(buffer[done:])
                if not got:
                    where = f"{self._storage.uri(self._path)}: ends at byte {self._file.tell():,}"
                    raise StorageError(where, "It was cut: ingest the scan again.")
                done += got

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _listed(item: os.DirEntry[str]) -> Entry | None:
    """Of what is in a folder; None where it is gone by now. A link that leads nowhere is there as a file."""
    try:
        return _entry(item.path, os.stat(item.path))
    except OSError as error:
        if item.is_symlink():
            return _entry(item.path, os.lstat(item.path))
        if isinstance(error, FileNotFoundError):
            return None
        raise


def _entry(path: str, status: os.stat_result) -> Entry:
    folder = stat.S_ISDIR(status.st_mode)
    return Entry(storage_path(path), folder, 0 if folder else status.st_size, status.st_mtime_ns, int(not folder))


def _write_all(file: FileIO, piece: memoryview) -> None:
    done = 0
    while done < len(piece):
        done += file.write(piece[done : done + PIECE]) or 0


def _make_folders(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Names are on disk too when this returns, where folders can be synced at all (not on Windows)."""
    if os.name != "posix":
        return
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _way_out(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "Ask its owner for permission, or choose another place."
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        return "Free some space, or choose another disk; what is there is kept, start it again to go on."
    if isinstance(error, IsADirectoryError | FileExistsError):
        return "Choose another path."
    return "Check the disk or the connection, and try again."
