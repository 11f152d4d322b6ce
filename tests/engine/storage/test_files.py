"""Storage in a directory: the suite, and what is of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ltdesk.engine import file_uris
from ltdesk.engine.file_uris import native, storage_path
from ltdesk.engine.open import local_path
from ltdesk.engine.storage import open_storage, web_hdfs_clients
from ltdesk.engine.storage.files import FileStorage
from ltdesk.engine.storage.storage import PIECE, in_pieces
from ltdesk.errors import NotInStorage, StorageError, UsageError
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

    def test_a_link_that_leads_nowhere_hides_nothing_else(self, place: Place, tmp_path: Path) -> None:
        place.write("a.raw", b"1")
        for name, target in (("dangling", "nowhere"), ("loop", "loop"), ("below", "a.raw/below")):
            try:
                (tmp_path / name).symlink_to(target)
            except OSError as error:
                pytest.skip(f"links can't be made here: {error}")
        assert place.names() == ["a.raw", "below", "dangling", "loop"]
        with pytest.raises(NotInStorage, match="dangling: is not there"):
            place.storage.stat(place.path("dangling"))

    def test_what_vanishes_while_it_is_listed_is_left_out(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("a.raw", "b.raw"):
            place.write(name, b"1")
        ask = os.stat

        def vanish(path: str, **options: Any) -> os.stat_result:
            if str(path).endswith("a.raw"):
                os.unlink(path)
            return ask(path, **options)

        monkeypatch.setattr(os, "stat", vanish)
        found = place.storage.list(place.folder)
        monkeypatch.undo()
        assert [entry.name for entry in found] == ["b.raw"]

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


@pytest.mark.parametrize("path", ["/data/a b%", "/d/ünï#?&", "/x", "/C:/x", "/caf\udce9"])
def test_a_uri_names_its_path(path: str) -> None:
    uri = FileStorage().uri(path)
    assert open_storage(uri)[1] == path
    assert local_path(uri) == path


@pytest.mark.parametrize(
    ("given", "path", "uri", "written"),
    [
        (r"C:\scans\one", "/C:/scans/one", "file:///C:/scans/one", r"C:\scans\one"),
        ("c:/a b#\\", "/c:/a b#", "file:///c:/a%20b%23", r"c:\a b#"),
        ("C:\\", "/C:", "file:///C:", "C:\\"),
        (r"\\server\share\x", "//server/share/x", "file://server/share/x", r"\\server\share\x"),
        ("file:///C%3A/scans", "/C:/scans", "file:///C:/scans", r"C:\scans"),
        ("file://localhost/C:/scans/../x", "/C:/x", "file:///C:/x", r"C:\x"),
    ],
)
def test_paths_of_windows(given: str, path: str, uri: str, written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_uris, "WINDOWS", True)
    storage, found = open_storage(given)
    assert (found, storage.uri(found), native(found)) == (path, uri, written)
    assert open_storage(uri)[1] == path
    assert local_path(uri) == written


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("ftp://node/scan", "is no storage"),
        ("file://node/scan", "names a file on node"),
        ("file://[node/scan", "is no URI: Invalid IPv6 URL"),
        ("webhdfs://[node/scan", "is no URI: Invalid IPv6 URL"),
        ("webhdfs:///scan", "names no NameNode"),
        ("webhdfs://user@/scan", "names no NameNode"),
        ("webhdfs://,/scan", "names no NameNode"),
        ("webhdfs://node/caf\udce9", r"caf\\xe9: its name is not UTF-8"),
        ("/a\0b", "null byte"),
    ],
)
def test_uris_that_make_no_sense(uri: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        open_storage(uri)
    assert caught.value.way_out


def test_a_user_without_a_name_can_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user is but a number."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(web_hdfs_clients, "getuser", nobody)
    with pytest.raises(StorageError, match=r"node:9870: asks for a user's name.*webhdfs://USER@"):
        open_storage("webhdfs://node/scan")
    storage, _ = open_storage("webhdfs://me@node/scan")
    storage.close()


def test_pieces_are_bounded_and_whole() -> None:
    data = bytes(range(256)) * (PIECE // 256) + b"rest"
    pieces = list(in_pieces(memoryview(data)))
    assert [len(piece) for piece in pieces] == [PIECE, 4]
    assert b"".join(pieces) == data
