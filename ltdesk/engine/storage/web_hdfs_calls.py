"""Questions to HDFS's NameNodes, by the clients of the package ``hdfs``: asked until one answers or time is over."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import requests
from hdfs.client import Client, _Request
from hdfs.util import HdfsError

from ltdesk.engine.storage.storage import Room
from ltdesk.engine.storage.web_hdfs_clients import client_for, urls_of
from ltdesk.engine.storage.web_hdfs_errors import silent, translated
from ltdesk.errors import LtdeskError, StorageError

T = TypeVar("T")
Operation = Callable[..., requests.Response]


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
        timeout = (patience.connect, patience.answer)
        # One for each NameNode: who asks several, as the package can, isn't told which attempt got no answer.
        self.clients = tuple(client_for(url, user, timeout) for url in urls_of(hosts, secure))
        self._in_charge = 0
        self._answered = False

    def ask(
        self,
        operation: Operation,
        path: str,
        done: Callable[[], bool] = lambda: False,
        wait: bool = True,
        **params: Any,
    ) -> requests.Response:
        """The answer of the NameNode in charge. Raises StorageError, NotInStorage.

        done : asked where an attempt got no answer, whether it had its effect after all
        wait : ask again and again, if need be, for as long as patience lasts
        """
        pauses = (self.patience.pauses() if self._answered else None) if wait else iter(())
        lost = False
        while True:
            problems: list[Exception] = []
            for number in self._in_turn():
                try:
                    return self._asked(number, operation, path, params)
                except HdfsError as error:
                    if error.exception in PASSING:
                        problems.append(error)
                    elif lost and done():
                        return requests.Response()
                    else:
                        raise self.translated(error, path) from error
                except TRANSPORT as error:
                    problems.append(error)
                    lost = True
            pauses = pauses or self._first_pauses(problems)
            if (pause := next(pauses, None)) is None:
                raise silent(self.where, problems) from problems[-1]
            time.sleep(pause)
            if lost and done():
                return requests.Response()

    def _in_turn(self) -> Iterator[int]:
        """The NameNodes, first the one that was in charge."""
        count, first = len(self.clients), self._in_charge
        return ((first + number) % count for number in range(count))

    def _asked(self, number: int, operation: Operation, path: str, params: dict[str, Any]) -> requests.Response:
        try:
            answer = operation(self.clients[number], path, **params)
        except HdfsError as error:
            self._answered = True
            if error.exception not in PASSING:
                self._in_charge = number
            raise
        except (KeyError, TypeError) as error:  # hdfs expects WebHDFS's form of errors
            raise self._no_web_hdfs() from error
        self._answered, self._in_charge = True, number
        return answer

    def _first_pauses(self, problems: list[Exception]) -> Iterator[float]:
        """None, for a storage that has not answered yet; but where one NameNode is silent, another soon takes over."""
        waiting = [isinstance(problem, HdfsError) for problem in problems]
        return self.patience.pauses() if any(waiting) and not all(waiting) else iter(())

    def told(self, operation: Operation, path: str, name: str, wait: bool = True) -> Any:
        """What a NameNode's answer has by a name. Raises as `ask` does."""
        answer = self.ask(operation, path, wait=wait)
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
        for client in map(self.clients.__getitem__, self._in_turn()):
            query = f"{client.url}/jmx?qry=Hadoop:service=NameNode,name={name}"
            try:
                return read(client._request("GET", query).json())
            except (requests.exceptions.RequestException, ValueError, KeyError, IndexError, TypeError):
                continue
        return None

    def translated(self, error: HdfsError, path: str) -> LtdeskError:
        """What HDFS says, as an error that users see."""
        said = error.message.decode(errors="replace") if isinstance(error.message, bytes) else str(error.message)
        return translated(error.exception or "", said, f"{self.where}{path}")

    def close(self) -> None:
        for client in self.clients:
            client._session.close()


def _room(answer: Any) -> Room:
    """Raises KeyError for a NameNode that has just started, and has heard of no data nodes."""
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
