"""From a URI to a Storage and a path in it."""

from __future__ import annotations

import os
import posixpath
import re
from urllib.parse import SplitResult, unquote

from ltdesk.engine.file_uris import must_be_text, path_of_uri, split_uri, storage_path
from ltdesk.engine.storage.files import FileStorage
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

        must_be_text(uri)
        path = posixpath.normpath("/" + _sound(uri, unquote(parts.path)).strip("/"))
        return WebHdfsStorage(parts.netloc, secure=parts.scheme == "swebhdfs"), path
    local = path_of_uri(uri) if parts.scheme == "file" else os.path.expanduser(uri)
    return FileStorage(), storage_path(_sound(uri, local))


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
    parts = split_uri(uri)
    if scheme in REMOTE and not parts.netloc.rpartition("@")[2].strip(","):
        raise UsageError(f"{uri}: names no NameNode", f"Write {scheme}://NAMENODE:9870/PATH.")
    return parts


def _sound(uri: str, path: str) -> str:
    if "\0" in path:
        raise UsageError(f"{uri!r}: has a null byte in its path", "Check the path.")
    return path
