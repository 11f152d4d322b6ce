"""A folder in HDFS for a benchmark to work in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def folder_in_hdfs(uri: str | None, scratch: Path) -> Iterator[str]:
    """`uri`; where none is given, one in a NameNode and three DataNodes that run on this machine meanwhile."""
    if uri is not None:
        yield uri.rstrip("/")
        return
    from tests.cluster.hdfs import Hdfs

    hdfs = Hdfs(scratch / "hdfs")
    hdfs.start()
    try:
        yield hdfs.uri("/benchmark")
    finally:
        hdfs.stop()
