"""The partition files of a scan in a storage: mapped where this machine has them, their checksums compared once."""

from __future__ import annotations

import logging
import posixpath
import threading
from collections import OrderedDict

from crc32c import crc32c

from ltdesk.engine.map_limits import most_maps
from ltdesk.engine.mapping import MappedFile
from ltdesk.engine.sidecar import Sidecar, StoredPartition
from ltdesk.engine.storage import LocalFile, NotLocal, Storage
from ltdesk.engine.storage.storage import PIECE, in_pieces
from ltdesk.errors import DamagedFileError, LtdeskError, OpenError

log = logging.getLogger(__name__)

_checked: dict[str, tuple[object, ...]] = {}
"""Keys of the local files whose checksum this process has compared, by their paths."""


class StoredFiles:
    """Safe to use from several threads.

    not_mapped : why partitions were read and not mapped, by their index
    closed : nothing is mapped any more
    """

    def __init__(self, uri: str, storage: Storage, folder: str, sidecar: Sidecar) -> None:
        self.not_mapped: dict[int, str] = {}
        self.closed = False
        self._uri, self._storage, self._folder, self._sidecar = uri, storage, folder, sidecar
        self._maps: OrderedDict[int, MappedFile] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many are mapped."""
        return len(self._maps)

    def path(self, index: int) -> str:
        return posixpath.join(self._folder, self._sidecar.file_name(index))

    def must_be_open(self) -> None:
        if self.closed:
            raise OpenError(f"{self._uri}: is closed", "Open it again.")

    def close(self) -> None:
        with self._lock:
            self.closed = True
            maps = list(self._maps.values())
            self._maps.clear()
        for file in maps:
            file.close()

    def kept(self, index: int, stored: StoredPartition) -> MappedFile | None:
        """The file of a partition, where it is mapped and still what it was.

        One that HDFS has moved, that was replaced or has lost pages is let go of: there may be another copy.
        """
        with self._lock:
            file = self._maps.get(index)
            if file is None:
                return None
            self._maps.move_to_end(index)
        try:
            file.check(0, stored.nbytes)
        except DamagedFileError as error:
            log.info("%s", error)
            self._let_go(index, file)
            return None
        return file

    def mapped(self, index: int, stored: StoredPartition) -> tuple[MappedFile | None, int]:
        """A partition's file, mapped and as it should be, and how many bytes were checked for that now.

        None where it has to be read, with the reason in `not_mapped`.
        """
        kept = self.kept(index, stored)
        if kept is not None:
            return kept, 0
        try:
            file, checked = self._map(self.path(index), stored)
        except LtdeskError as error:
            self.not_mapped[index] = str(error)
            return None, 0
        self.not_mapped.pop(index, None)
        return self._keep(index, file), checked

    def _keep(self, index: int, file: MappedFile) -> MappedFile:
        with self._lock:
            if self.closed:
                file.close()
                self.must_be_open()
            kept = self._maps.setdefault(index, file)
            if len(self._maps) > most_maps():
                self._maps.popitem(last=False)  # closed when the last tile of it goes
            return kept

    def _let_go(self, index: int, file: MappedFile) -> None:
        with self._lock:
            if self._maps.get(index) is file:
                del self._maps[index]  # closed when the last tile of it goes
                _checked.pop(file.path, None)

    def _map(self, path: str, stored: StoredPartition) -> tuple[MappedFile, int]:
        """Raises LtdeskError with the reason where it can't be mapped or isn't what it was."""
        local = self._storage.local_file(path)
        if local.size != stored.nbytes:
            raise NotLocal(f"{local.path}: has {local.size:,} of {stored.nbytes:,} bytes")
        file = MappedFile(local.path)
        if not file.mapped:
            raise NotLocal(f"{local.path}: is on a disk that can't be mapped safely")
        return file, self._check(file, local, stored)

    def _check(self, file: MappedFile, local: LocalFile, stored: StoredPartition) -> int:
        """Compare the checksum, once a file: a map goes past what HDFS or a disk checks. How many bytes that took."""
        key = (*local.key, stored.crc32c)
        if _checked.get(file.path) == key:
            return 0
        crc = 0
        for piece in in_pieces(memoryview(file.view(0, stored.nbytes).data)):
            crc = crc32c(piece, crc)
        file.check(0, stored.nbytes)
        if crc != stored.crc32c:
            error = self.damaged(local.path, crc, stored)
            log.warning("%s", error)
            raise error
        _checked[file.path] = key
        return stored.nbytes

    def check_read(self, path: str, stored: StoredPartition) -> int:
        """As `_check`, of a file that is not mapped. Raises StorageError, DamagedFileError."""
        local = self._storage.local_file(path)
        key = (*local.key, stored.crc32c)
        if _checked.get(local.path) == key:
            return 0
        crc, buffer = 0, memoryview(bytearray(min(PIECE, stored.nbytes)))
        with self._storage.reader(path, 0, stored.nbytes) as reader:
            for at in range(0, stored.nbytes, PIECE):
                piece = buffer[: stored.nbytes - at]
                reader.fill(piece)
                crc = crc32c(piece, crc)
        if crc != stored.crc32c:
            raise self.damaged(path, crc, stored)
        _checked[local.path] = key
        return stored.nbytes

    def damaged(self, path: str, crc: int, stored: StoredPartition) -> DamagedFileError:
        what = f"is damaged: its CRC32C is {crc:08x}, not {stored.crc32c:08x}"
        return DamagedFileError(f"{path}: {what}", "Put it right by ltdesk ingest --check with the file it came from.")
