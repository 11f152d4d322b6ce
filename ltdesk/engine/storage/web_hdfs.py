"""Storage in HDFS, over WebHDFS: names by the NameNodes, bytes straight from and to the data nodes."""

from __future__ import annotations

import builtins
import posixpath
from urllib.parse import quote

from ltdesk.engine.storage.checksums import Sums, agrees, is_composite
from ltdesk.engine.storage.storage import PIECE, Block, Entry, LocalFile, NotLocal, Pieces, Room, Storage
from ltdesk.engine.storage.web_hdfs_blocks import DATA_DIRS, Located, block_file, data_folders, located
from ltdesk.engine.storage.web_hdfs_calls import (
    CHECKSUM,
    DELETE,
    LIST,
    LOCATE,
    MAKE_FOLDERS,
    RENAME,
    STAT,
    Calls,
    Patience,
)
from ltdesk.engine.storage.web_hdfs_data import BROKEN, Download, data_session, upload
from ltdesk.errors import NotInStorage, StorageError


class WebHdfsStorage(Storage):
    """Files of a cluster."""

    is_remote = True

    def __init__(self, netloc: str, secure: bool = False, patience: Patience | None = None) -> None:
        """Nothing is asked yet.

        netloc : ``[USER@]HOST[:PORT]``, several NameNodes with commas
        secure : by TLS
        """
        self._calls = Calls(netloc, secure, patience or Patience())
        self._data = data_session()
        self._located: dict[str, Located] = {}
        self._tells_md5 = True

    def uri(self, path: str) -> str:
        return self._calls.where + quote(path)

    def list(self, folder: str) -> builtins.list[Entry]:
        statuses = self._calls.told(LIST, folder, "FileStatuses")["FileStatus"]
        if any(status["type"] == "FILE" and not status["pathSuffix"] for status in statuses):
            raise StorageError(f"{self.uri(folder)}: is a file, not a folder", "Choose another path.")
        return sorted((_entry(folder, status) for status in statuses), key=lambda entry: entry.path)

    def stat(self, path: str) -> Entry:
        return _entry(path, self._calls.told(STAT, path, "FileStatus") | {"pathSuffix": ""})

    def reader(self, path: str, offset: int, nbytes: int) -> Download:
        return Download(self._calls, self._data, path, offset, nbytes, lambda: self._nodes_of(path))

    def write(self, path: str, pieces: Pieces, nbytes: int, replication: int = 2) -> None:
        upload(self._calls, self._data, path, pieces, nbytes, replication, self._calls.live_nodes)

    def new_sums(self) -> Sums:
        return Sums(chunked=self._tells_md5)

    def holds(self, path: str, sums: Sums, read: bool = False) -> bool:
        if self.stat(path).size != sums.size:
            return False
        if not read and self._tells(path, sums):
            return True
        return self._crc(path, sums.size) == sums.crc

    def blocks(self, path: str, wait: bool = True) -> tuple[Block, ...]:
        found = self._locate(path, wait)
        return tuple(Block(block.offset, block.size, block.hosts, block.corrupt) for block in found)

    def local_file(self, path: str) -> LocalFile:
        folders = data_folders()
        if not folders:
            raise NotLocal(f"{DATA_DIRS} is not set: there is no data node on this host that ltdesk knows of")
        known = self._located.get(path)
        if known is not None:
            try:
                return block_file(known, folders)
            except NotLocal:  # it may have been written anew
                pass
        return block_file(self._one_block(path), folders)

    def room(self, path: str) -> Room | None:
        """As the NameNode sums it up over all data nodes."""
        return self._calls.room()

    def make_folder(self, path: str) -> None:
        self._calls.ask(MAKE_FOLDERS, path)

    def rename(self, path: str, to: str) -> None:
        self._calls.ask(RENAME, path, lambda: self._moved(path, to), destination=to, renameoptions="OVERWRITE")

    def remove(self, path: str) -> None:
        self._located.pop(path, None)
        self._calls.ask(DELETE, path, recursive="true")

    def close(self) -> None:
        self._calls.close()
        self._data.close()

    def _tells(self, path: str, sums: Sums) -> bool:
        """Whether HDFS knows a checksum of the file from when it was written, and it is the same."""
        try:
            url = self._calls.data_url(CHECKSUM, path)
            patience = self._calls.patience
            answer = self._data.get(url, timeout=(patience.connect, patience.writing))
            told = answer.json()["FileChecksum"]
            self._tells_md5 = not is_composite(told)
            return agrees(told, sums)
        except (*BROKEN, StorageError, KeyError, TypeError, ValueError):
            return False

    def _crc(self, path: str, nbytes: int) -> int:
        """CRC32C of what is read back."""
        sums, buffer = Sums(), memoryview(bytearray(PIECE))
        with self.reader(path, 0, nbytes) as reader:
            while sums.size < nbytes:
                piece = buffer[: min(PIECE, nbytes - sums.size)]
                reader.fill(piece)
                sums.update(piece)
        return sums.crc

    def _moved(self, path: str, to: str) -> bool:
        """Whether a rename whose answer was lost was done."""
        return not self._is_there(path) and self._is_there(to)

    def _is_there(self, path: str) -> bool:
        try:
            self.stat(path)
        except NotInStorage:
            return False
        return True

    def _locate(self, path: str, wait: bool = True) -> builtins.list[Located]:
        found = located(self._calls.told(LOCATE, path, "LocatedBlocks", wait))
        if len(found) == 1:
            self._located[path] = found[0]
        return found

    def _one_block(self, path: str) -> Located:
        try:
            found = self._locate(path)
        except StorageError as error:
            raise NotLocal(str(error)) from error
        if len(found) != 1:
            raise NotLocal(f"{self.uri(path)}: is in {len(found)} blocks, not one")
        return found[0]

    def _nodes_of(self, path: str) -> dict[tuple[str, str], str]:
        return {name: address for block in self._locate(path) for name, address in block.nodes.items()}


def _entry(path: str, status: dict[str, object]) -> Entry:
    folder = status["type"] == "DIRECTORY"
    return Entry(
        path=posixpath.join(path, str(status["pathSuffix"])) if status["pathSuffix"] else path,
        is_folder=folder,
        size=int(str(status["length"])),
        mtime_ns=int(str(status["modificationTime"])) * 1_000_000,
        replication=int(str(status["replication"])),
    )
