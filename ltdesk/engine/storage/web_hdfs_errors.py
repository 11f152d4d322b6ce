"""What HDFS says, and what goes wrong on the way to it, as errors that users see."""

from __future__ import annotations

import re
from http.client import BadStatusLine, RemoteDisconnected

import requests
from hdfs.client import _to_error
from hdfs.util import HdfsError

from ltdesk.engine.storage.web_hdfs_clients import AUTH, TOKEN, token
from ltdesk.errors import LtdeskError, NotInStorage, StorageError


class Unserved(StorageError):
    """No data node serves it, at the moment."""


def silent(where: str, problems: list[Exception]) -> StorageError:
    """What is said where no NameNode does what it is asked."""
    if all(getattr(problem, "exception", "") == "StandbyException" for problem in problems):
        return StorageError(f"{where}: no NameNode is in charge, all that are given are on standby", _OTHER)
    said = [problem for problem in problems if isinstance(problem, HdfsError)]
    problem = (said or problems)[-1]
    if isinstance(problem, requests.exceptions.SSLError) and "CERTIFICATE" in str(problem):
        way_out = "Set REQUESTS_CA_BUNDLE to the certificate of its authority."
        return StorageError(f"{where}: no NameNode is trusted: {reason(problem)}", way_out)
    if isinstance(problem, requests.exceptions.SSLError):
        return StorageError(f"{where}: does not speak TLS: {reason(problem)}", "Check the port, or use webhdfs://.")
    return StorageError(f"{where}: no NameNode answers: {reason(problem)}", _ASK_ADMIN)


_OTHER = "Give the other NameNodes, too, as in webhdfs://a:9870,b:9870, or have one made active (hdfs haadmin)."
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
    if "InvalidToken" in exception + said or (exception in UNREADABLE_TOKEN and token()):
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
    if isinstance(error, BadStatusLine) and not isinstance(error, RemoteDisconnected):  # it holds what came: any bytes
        return "what answers there is something else"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return re.sub(r"^<?[\w.]+\(.*?\): |^<[^>]*>: ", "", str(error)) or type(error).__name__


def _inner(error: BaseException) -> BaseException | None:
    for candidate in (getattr(error, "reason", None), *error.args, error.__cause__):
        if isinstance(candidate, BaseException) and candidate is not error:
            return candidate
    return None
