"""From a URI to a Storage and a path in it."""

from __future__ import annotations

import os
import posixpath
import re
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import url2pathname

from ltdesk.engine.storage.files import FileStorage, storage_path
from ltdesk.engine.storage.storage import Storage
from ltdesk.errors import UsageError

REMOTE = ("webhdfs", "swebhdfs")


def open_storage(uri: str) -> tuple[Storage, str]:
    """The storage that a URI (or plain path) names, and the path in it.

    ``file:///path``, ``webhdfs://[USER@]NAMENODE:9870/path``, ``swebhdfs://…`` with TLS; several NameNodes as
    ``a:9870,b:9870``. Nothing is asked of the storage yet. Raises UsageError for a URI that makes no sense.
    """
    parts = _split(uri)
    if parts.scheme in REMOTE:
        from ltdesk.engine.storage.web_hdfs import WebHdfsStorage  # requests takes its time to load

        return WebHdfsStorage(parts.netloc, secure=parts.scheme == "swebhdfs"), _path(uri, unquote(parts.path))
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise UsageError(f"{uri}: names a folder on {parts.netloc}", "Write file:///path for one on this machine.")
        return FileStorage(), _path(uri, storage_path(url2pathname(parts.path)))
    return FileStorage(), _path(uri, storage_path(os.path.expanduser(uri)))


def is_remote(uri: str) -> bool:
    """Whether a URI names something that isn't in this machine's file system."""
    return _split(uri).scheme in REMOTE


def _split(uri: str) -> SplitResult:
    """A drive's letter is no scheme."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/", uri)
    if found is None:
        return SplitResult("", "", uri, "", "")
    scheme = found[1].lower()
    if scheme not in ("file", *REMOTE):
        raise UsageError(f"{uri}: {scheme}: is no storage", "Give file:///PATH or webhdfs://NAMENODE:9870/PATH.")
    parts = urlsplit(uri.replace("?", "%3F").replace("#", "%23"))  # names of files may have them
    if scheme in REMOTE and not parts.netloc:
        raise UsageError(f"{uri}: names no NameNode", f"Write {scheme}://NAMENODE:9870/PATH.")
    return parts


def _path(uri: str, path: str) -> str:
    if "\0" in path:
        raise UsageError(f"{uri!r}: has a null byte in its path", "Check the path.")
    return posixpath.normpath("/" + path.strip("/"))
