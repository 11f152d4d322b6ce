"""Questions to HDFS's NameNodes, by the clients of the package ``hdfs``: asked until one answers or time is over."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from getpass import getuser
from typing import Any, TypeVar

import requests
from hdfs.client import Client, InsecureClient, TokenClient, _Request, _to_error
from hdfs.util import HdfsError

from ltdesk.engine.storage.storage import Room
from ltdesk.errors import LtdeskError, NotInStorage, StorageError

T = TypeVar("T")
AUTH, TOKEN = "LTDESK_HDFS_AUTH", "LTDESK_HDFS_TOKEN"
"""Environment: ``simple`` (the default) or ``kerberos``; a delegation token, which goes before both."""

Operation = Callable[..., requests.Response]


class Unserved(StorageError):
    """No data node serves it, at the moment."""


def _operation(name: str, method: str) -> Operation:
    """One that the package lacks, or follows redirects of where we need to know the node."""
    made: Operation = _Request(method, allow_redirects=False).to_method(name)
    return made


LIST: Operation = Client._list_status
STAT: Operation = Client._get_file_status
MAKE_FOLDERS: Operation = Client._mkdirs
RENAME: Operation = Client._rename
DELETE: Operation = Client._delete
LOCATE = _operation("GET_BLOCK_LOCATIONS", "GET")
OPEN = _operation("OPEN", "GET")
CREATE = _operation("CREATE", "PUT")
CHECKSUM = _operation("GETFILECHECKSUM", "GET")

PASSING = frozenset({"RetriableException", "StandbyException", "SafeModeException", "ServerTooBusyException"})
"""What a NameNode says that starts, or is not the one in charge: soon it, or another, is."""
TRANSPORT = (requests.exceptions.RequestException, OSError)


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds.

    Attributes
    ----------
    connect : for a connection
    answer : for a NameNode's answer
    reading, writing : for a data node to give, or take, anything at all
    in_all : for the storage to answer again, once it has answered; the first question is asked once
    """

    connect: float = 5.0
    answer: float = 15.0
    reading: float = 10.0
    writing: float = 60.0
    in_all: float = 60.0

    def pauses(self) -> Iterator[float]:
        """Pauses between attempts, the longer the more there were, until time is over."""
        end, pause = time.monotonic() + self.in_all, 0.1
        while time.monotonic() + pause < end:
            yield pause
            pause = min(2.0, pause * 2)


class Calls:
    """What can be asked of a cluster's NameNodes.

    where : the cluster, as it is shown to users
    """

    def __init__(self, netloc: str, secure: bool, patience: Patience) -> None:
        user, _, hosts = netloc.rpartition("@")
        self.where = f"{'swebhdfs' if secure else 'webhdfs'}://{netloc}"
        self.patience = patience
        self.client = _client(_urls(hosts, secure), user, (patience.connect, patience.answer))
        self._answered = False

    def ask(
        self, operation: Operation, path: str, done: Callable[[], bool] = lambda: False, **params: Any
    ) -> requests.Response:
        """A NameNode's answer. Raises StorageError, NotInStorage.

        done : asked before another attempt, whether one that seemed to fail had its effect after all
        """
        pauses = self.patience.pauses() if self._answered else iter(())
        while True:
            try:
                answer = operation(self.client, path, **params)
                self._answered = True
                return answer
            except HdfsError as error:
                self._answered = True
                if error.exception not in PASSING:
                    raise self.translated(error, path) from error
                problem: Exception = error
            except TRANSPORT as error:
                problem = error
            except (KeyError, TypeError) as error:  # hdfs expects WebHDFS's form of errors
                raise self._no_web_hdfs() from error
            if (pause := next(pauses, None)) is None:
                raise _silent(self.where, problem) from problem
            time.sleep(pause)
            if self._answered and done():
                return requests.Response()

    def told(self, operation: Operation, path: str, name: str) -> Any:
        """What a NameNode's answer has by a name. Raises as `ask` does."""
        answer = self.ask(operation, path)
        try:
            return answer.json()[name]
        except (ValueError, KeyError, TypeError) as error:
            raise self._no_web_hdfs() from error

    def _no_web_hdfs(self) -> StorageError:
        return StorageError(f"{self.where}: does not answer as WebHDFS does", "Check host and port.")

    def data_url(self, operation: Operation, path: str, **params: Any) -> str:
        """The URL of a data node that the NameNode sends us to."""
        answer = self.ask(operation, path, **params)
        location = answer.headers.get("Location")
        if not location:
            raise StorageError(f"{self.where}: names no data node for {path}", "Check that it is WebHDFS, not HttpFS.")
        return location

    def live_nodes(self) -> dict[tuple[str, str], str]:
        """Data nodes by host and HTTP port as redirects name them: the address by which they can be excluded.

        Nothing where the NameNode doesn't tell.
        """
        return self._bean("NameNodeInfo", _live_nodes) or {}

    def room(self) -> Room | None:
        """Of all data nodes together; None where the NameNode doesn't tell."""
        return self._bean("FSNamesystemState", _room)

    def _bean(self, name: str, read: Callable[[Any], T]) -> T | None:
        """What the NameNode in charge says of itself, read; None where none says it."""
        for url in self.client.urls:
            query = f"{url.rstrip('/')}/jmx?qry=Hadoop:service=NameNode,name={name}"
            try:
                return read(self.client._request("GET", query).json())
            except (requests.exceptions.RequestException, ValueError, KeyError, IndexError, TypeError):
                continue
        return None

    def translated(self, error: HdfsError, path: str) -> LtdeskError:
        """What HDFS says, as an error that users see."""
        said = error.message.decode(errors="replace") if isinstance(error.message, bytes) else str(error.message)
        return translated(error.exception or "", said, f"{self.where}{path}")

    def close(self) -> None:
        self.client._session.close()


def _silent(where: str, problem: Exception) -> StorageError:
    if isinstance(problem, requests.exceptions.SSLError) and "CERTIFICATE" in str(problem):
        way_out = "Set REQUESTS_CA_BUNDLE to the certificate of its authority."
        return StorageError(f"{where}: no NameNode is trusted: {reason(problem)}", way_out)
    if isinstance(problem, requests.exceptions.SSLError):
        return StorageError(f"{where}: does not speak TLS: {reason(problem)}", "Check the port, or use webhdfs://.")
    return StorageError(f"{where}: no NameNode answers: {reason(problem)}", _ASK_ADMIN)


_ASK_ADMIN = "Check the address and that the cluster runs."


def refused(answer: requests.Response) -> HdfsError:
    """What a data node says where it doesn't do what it was asked."""
    try:
        return _to_error(answer)
    except (KeyError, TypeError):
        return HdfsError(f"HTTP status {answer.status_code}")
    except HdfsError as error:  # 401 is raised
        return error


def translated(exception: str, message: str, uri: str) -> LtdeskError:
    """HDFS's words as ours. `message` may have a Java stack trace after its first line."""
    said = message.strip().splitlines()[0] if message.strip() else exception
    if exception == "FileNotFoundException":
        return NotInStorage(f"{uri}: is not there", "Check the path.")
    if "InvalidToken" in exception + said or (exception in UNREADABLE_TOKEN and _token()):
        return StorageError(f"{uri}: the token is refused: {said}", _LET_IN)
    if said.startswith("Authentication"):
        return StorageError(f"{uri}: it lets nobody in by name alone: {said}", _LET_IN)
    if exception in ("AccessControlException", "SecurityException"):
        return StorageError(f"{uri}: {said}", "Ask the storage's owner for permission, or give another user.")
    if "QuotaExceeded" in exception:
        return StorageError(f"{uri}: the quota is used up: {said}", _FREE)
    if re.search(r"No active nodes|Failed to find datanode|Could not obtain block|BlockMissing", said + exception):
        return Unserved(f"{uri}: no data node has it that answers: {said}", _ASK_ADMIN)
    if re.search(r"could only be (written|replicated) to 0|No space left", said):
        return StorageError(f"{uri}: no data node takes it, they are full or down: {said}", _FREE)
    if exception in ("FileAlreadyExistsException", "ParentNotDirectoryException", "PathIsNotDirectoryException"):
        return StorageError(f"{uri}: {said}", "Choose another path.")
    if "out of the range" in said:
        return StorageError(f"{uri}: ends before: {said}", "It was cut: ingest the scan again.")
    if exception == "InvalidPathException":
        return StorageError(f"{uri}: HDFS takes no such name", "Choose another name.")
    return StorageError(f"{uri}: {exception or 'HDFS'}: {said}", _ASK_ADMIN)


UNREADABLE_TOKEN = ("NegativeArraySizeException", "EOFException", "ArrayIndexOutOfBoundsException")
"""What HDFS says of a token that is none."""
_LET_IN = (
    f"Get a ticket by kinit and set {AUTH}=kerberos, or set {TOKEN} to a delegation token that is neither expired nor "
    "cancelled."
)
_FREE = "Free some space, or have more given; what is there is kept, start it again to go on."


def reason(error: BaseException) -> str:
    """Why a connection failed, without the layers of libraries around it."""
    while (inner := _inner(error)) is not None:
        error = inner
    if isinstance(error, requests.exceptions.ConnectTimeout | TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return re.sub(r"^<?[\w.]+\(.*?\): |^<[^>]*>: ", "", str(error)) or type(error).__name__


def _inner(error: BaseException) -> BaseException | None:
    for candidate in (getattr(error, "reason", None), *error.args, error.__cause__):
        if isinstance(candidate, BaseException) and candidate is not error:
            return candidate
    return None


def _urls(hosts: str, secure: bool) -> str:
    """As the package takes them; 9870 and 9871 are WebHDFS's usual ports."""
    scheme, port = ("https", 9871) if secure else ("http", 9870)
    named = [host if re.search(r":\d+$", host) else f"{host}:{port}" for host in hosts.split(",") if host]
    return ";".join(dict.fromkeys(f"{scheme}://{host}" for host in named))  # hdfs never ends with one given twice


def _client(urls: str, user: str, timeout: tuple[float, float]) -> Client:
    """The client for the environment's kind of authentication. Raises StorageError where it is not installed."""
    if token := _token():
        return TokenClient(urls, token, timeout=timeout, session=requests.Session())
    if os.environ.get(AUTH, "simple").lower() == "simple":
        return InsecureClient(urls, user=user or getuser(), timeout=timeout, session=requests.Session())
    if os.environ[AUTH].lower() != "kerberos":
        raise StorageError(f"{AUTH}={os.environ[AUTH]}: is not known", "Set it to simple or kerberos.")
    try:
        from hdfs.ext.kerberos import KerberosClient
    except ImportError as error:
        raise StorageError(
            f"Kerberos needs a package: {error}", "Install it: pip install 'ltdesk[kerberos]'."
        ) from error
    return KerberosClient(urls, timeout=timeout, session=requests.Session())


def _token() -> str:
    return os.environ.get(TOKEN, "")


def _room(answer: Any) -> Room:
    """Raises KeyError for a NameNode on standby, which has heard of no data nodes."""
    state: dict[str, Any] = answer["beans"][0]
    if not state["NumLiveDataNodes"]:
        raise KeyError("NumLiveDataNodes")
    return Room(int(state["CapacityRemaining"]), int(state["CapacityTotal"]), int(state["NumLiveDataNodes"]))


def _live_nodes(answer: Any) -> dict[tuple[str, str], str]:
    nodes: dict[str, dict[str, str]] = json.loads(answer["beans"][0]["LiveNodes"])
    found = {}
    for name, node in nodes.items():
        host = name.rpartition(":")[0]
        for address in (node.get("infoAddr", ""), node.get("infoSecureAddr", "")):
            found[host, address.rpartition(":")[2]] = node["xferaddr"]
    return found
