"""Storage in a directory: the suite, and what is of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ltdesk.engine.storage import open_storage
from ltdesk.engine.storage.files import FileStorage, storage_path
from ltdesk.engine.storage.storage import PIECE, in_pieces
from ltdesk.errors import StorageError, UsageError
from tests.engine.storage.storage_suite import Place, StorageSuite


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(FileStorage(), storage_path(str(tmp_path)))


@pytest.fixture
def local_reads() -> None:
    """Files are always local."""


class TestFileStorage(StorageSuite):
    def test_a_write_that_breaks_off_leaves_nothing(self, place: Place) -> None:
        with pytest.raises(StorageError):
            place.storage.write(place.path(), lambda: [memoryview(b"abc")], 4)
        assert place.names() == []

    @pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are not POSIX here")
    def test_without_permission(self, place: Place, tmp_path: Path) -> None:
        """As another user where this one may write anywhere."""
        for folder in (tmp_path, *list(tmp_path.parents)[:-2]):
            folder.chmod(0o555 if folder == tmp_path else folder.stat().st_mode | 0o755)
        before = os.geteuid()
        os.seteuid(before or 65534)
        try:
            with pytest.raises(StorageError, match=r"a\.raw: Permission denied\. Ask its owner"):
                place.write("a.raw", b"1")
            with pytest.raises(StorageError, match=r"/b\.raw: Permission denied\. Ask its owner"):
                place.storage.put(place.path("b.raw"), b"1")
        finally:
            os.seteuid(before)

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
    def test_a_full_disk(self, place: Place, tmp_path: Path) -> None:
        (tmp_path / "a.raw").symlink_to("/dev/full")
        with pytest.raises(StorageError, match=r"a\.raw: No space left on device\. Free some space"):
            place.write("a.raw", b"1")


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///data/scans", "/data/scans"),
        ("file:/data/scans", "/data/scans"),
        ("file:///data/a%20b%25", "/data/a b%"),
        ("file:///data/a#b?c", "/data/a#b?c"),
        ("file://localhost/data/", "/data"),
        ("FILE:///data//x/../y", "/data/y"),
        ("/data/scans/", "/data/scans"),
        ("/data/a%20b:c", "/data/a%20b:c"),
    ],
)
def test_uris(uri: str, path: str) -> None:
    storage, found = open_storage(uri)
    assert isinstance(storage, FileStorage)
    assert found == path


@pytest.mark.parametrize("path", ["/data/a b%", "/d/ünï#?&", "/x"])
def test_a_uri_names_its_path(path: str) -> None:
    assert open_storage(FileStorage().uri(path))[1] == path


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("ftp://node/scan", "is no storage"),
        ("file://node/scan", "names a folder on node"),
        ("webhdfs:///scan", "names no NameNode"),
        ("/a\0b", "null byte"),
    ],
)
def test_uris_that_make_no_sense(uri: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        open_storage(uri)
    assert caught.value.way_out


def test_pieces_are_bounded_and_whole() -> None:
    data = bytes(range(256)) * (PIECE // 256) + b"rest"
    pieces = list(in_pieces(memoryview(data)))
    assert [len(piece) for piece in pieces] == [PIECE, 4]
    assert b"".join(pieces) == data
