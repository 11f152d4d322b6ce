"""Bytes from and to HDFS's data nodes: streamed in large pieces, from another node where one fails."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Self
from urllib.parse import urlsplit

import requests
import urllib3
from hdfs.util import HdfsError
from requests.adapters import HTTPAdapter

from ltdesk.engine.storage.storage import PIECE, Pieces
from ltdesk.engine.storage.web_hdfs_calls import CREATE, OPEN, Calls
from ltdesk.engine.storage.web_hdfs_errors import Unserved, reason, refused
from ltdesk.errors import LtdeskError, StorageError

NO_ANSWER = (requests.exceptions.RequestException, urllib3.exceptions.HTTPError)
BROKEN = (*NO_ANSWER, OSError)
LASTING = ("AccessControlException", "SecurityException", "FileNotFoundException", "FileAlreadyExistsException")
"""What a data node refuses, and every other would too."""
WRITES = 5
"""Attempts to write a file, each from its start; more where nodes don't answer, until patience ends: a NameNode names
dead ones for a while."""
_LEFT_OUT = re.compile(r"\b\d+ node\(s\) are excluded")
"""In a node's own words: it found no place for a block, beside nodes that didn't answer it."""
BLOCK_UNIT = 1 << 20
"""Block sizes are multiples of this: NameNodes refuse smaller ones, and those that are no multiple of 512."""

Nodes = Callable[[], dict[tuple[str, str], str]]


def data_session() -> requests.Session:
    """For data nodes: they close each connection after its answer, and take what redirects give them as it is."""
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_connections=16, pool_maxsize=64))
    return session


class Excluded:
    """Nodes that failed, as the NameNode is told to leave them out."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._names: list[str] = []

    def add(self, url: str) -> None:
        """The node behind a URL; without any effect where the NameNode doesn't know it by that."""
        parts = urlsplit(url)
        with suppress(LtdeskError):
            name = self._nodes().get((parts.hostname or "", str(parts.port)))
            if name and name not in self._names:
                self._names.append(name)

    def forget(self) -> bool:
        """Let all of them in again; whether there were any."""
        had = bool(self._names)
        self._names.clear()
        return had

    @property
    def params(self) -> dict[str, str]:
        return {"excludedatanodes": ",".join(self._names)} if self._names else {}


class Download:
    """Reads on in a file. A stream that breaks goes on from another copy, at the byte that was reached."""

    def __init__(
        self, calls: Calls, session: requests.Session, path: str, offset: int, nbytes: int, nodes: Nodes
    ) -> None:
        self._calls, self._session, self._path = calls, session, path
        self._at, self._end = offset, offset + nbytes
        self._excluded = Excluded(nodes)
        self._url = ""
        self._stream: requests.Response | None = None

    @property
    def host(self) -> str:
        """The data node that was last read from."""
        return urlsplit(self._url).hostname or ""

    def fill(self, buffer: memoryview) -> None:
        """Raises StorageError where nothing comes for as long as `Patience.in_all`."""
        done, pauses = 0, self._calls.patience.pauses()
        while done < len(buffer):
            try:
                got = self._more(buffer[done : done + PIECE])
            except (*BROKEN, Unserved) as error:
                self._fail(error, pauses)
                continue
            done, self._at = done + got, self._at + got
            pauses = self._calls.patience.pauses()  # time runs from the first failure

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _more(self, buffer: memoryview) -> int:
        if self._stream is None:
            self._stream = self._open()
        got = int(self._stream.raw.readinto(buffer))
        if not got:
            raise urllib3.exceptions.ProtocolError(f"ended at byte {self._at:,}")
        return got

    def _open(self) -> requests.Response:
        params = {"offset": self._at, "length": self._end - self._at, **self._excluded.params}
        self._url = ""
        self._url = self._calls.data_url(OPEN, self._path, **params)
        patience = self._calls.patience
        stream = self._session.get(self._url, stream=True, timeout=(patience.connect, patience.reading))
        if not stream.ok:
            self._refused(stream)
        length = int(stream.headers.get("Content-Length", self._end - self._at))
        if length < self._end - self._at:
            stream.close()
            where = f"{self._calls.where}{self._path}: ends at byte {self._at + length:,}, not {self._end:,}"
            raise StorageError(where, "It was cut: ingest the scan again.")
        return stream

    def _refused(self, stream: requests.Response) -> None:
        error = refused(stream)
        stream.close()
        if error.exception in LASTING or "out of the range" in str(error):
            raise self._calls.translated(error, self._path)
        raise Refused(error)

    def _fail(self, error: Exception, pauses: Iterator[float]) -> None:
        """Leave the node out; where none is left, try all again."""
        self.close()
        if isinstance(error, Unserved):
            self._excluded.forget()
        elif self._url:
            self._excluded.add(self._url)
        pause = next(pauses, None)
        if pause is not None:
            time.sleep(pause)
        elif isinstance(error, Unserved):
            raise error
        else:
            where = f"{self._calls.where}{self._path}"
            raise StorageError(f"{where}: no data node gives byte {self._at:,}: {reason(error)}", _NODES) from error


_NODES = "Check the cluster's data nodes."


class Refused(OSError):
    """A data node does not do what it was asked; another may."""

    def __init__(self, error: HdfsError) -> None:
        super().__init__(str(error))
        self.error = error


def upload(
    calls: Calls,
    session: requests.Session,
    path: str,
    pieces: Pieces,
    nbytes: int,
    replication: int,
    nodes: Nodes,
) -> None:
    """Write a file as one block, from its start again at another node where one fails.

    Raises StorageError; what `pieces` raises comes through.
    """
    excluded, pauses, broken = Excluded(nodes), calls.patience.pauses(), 0
    block = max(1, -(-nbytes // BLOCK_UNIT)) * BLOCK_UNIT
    while True:
        options = {"overwrite": "true", "blocksize": block, "replication": replication, **excluded.params}
        url = ""
        try:
            url = calls.data_url(CREATE, path, **options)
            _send(calls, session, url, path, _Body(pieces(), nbytes, path))
            return
        except BROKEN as error:
            broken, pause = broken + 1, next(pauses, None)
            if broken >= WRITES and (pause is None or not _is_for_a_while(error)):
                raise _not_written(calls, path, error) from error
            excluded.add(url)
            time.sleep(0.1 if pause is None else pause)
        except Unserved:  # none is left, or a NameNode that has just started knows none yet
            if excluded.forget():
                continue
            pause = next(pauses, None)
            if pause is None:
                raise
            time.sleep(pause)


def _is_for_a_while(error: Exception) -> bool:
    """Is it nodes that don't answer, us or the node that writes? On a full cluster none is left out."""
    return isinstance(error, NO_ANSWER) or _LEFT_OUT.search(str(error)) is not None


def _not_written(calls: Calls, path: str, error: Exception) -> LtdeskError:
    if isinstance(error, Refused):
        return calls.translated(error.error, path)
    return StorageError(f"{calls.where}{path}: no data node takes it: {reason(error)}", _NODES)


def _send(calls: Calls, session: requests.Session, url: str, path: str, body: _Body) -> None:
    timeout = (calls.patience.connect, calls.patience.writing)
    data: Any = body if len(body) else b"".join(body)
    headers = {"content-type": "application/octet-stream"}
    answer = session.put(url, data=data, timeout=timeout, headers=headers, allow_redirects=False)
    if not answer.ok:
        error = refused(answer)
        if error.exception in LASTING or "QuotaExceeded" in (error.exception or ""):
            raise calls.translated(error, path)
        raise Refused(error)


class _Body:
    """What requests iterates once; with a length it is sent as it is, not in HTTP's chunks."""

    def __init__(self, pieces: Iterable[memoryview], nbytes: int, path: str) -> None:
        self._pieces, self._nbytes, self._path = pieces, nbytes, path

    def __len__(self) -> int:
        return self._nbytes

    def __iter__(self) -> Iterator[memoryview]:
        done = 0
        for piece in self._pieces:
            done += len(piece)
            if done > self._nbytes:
                break
            yield piece
        if done != self._nbytes:
            raise StorageError(f"{self._path}: {done:,} of {self._nbytes:,} bytes came", "Try again.")
