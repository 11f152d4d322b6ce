"""What every storage must do. Subclass `StorageSuite` and give it the fixture `place`: a storage and a folder in it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pytest

from ltdesk.engine.storage import NotLocal, Storage
from ltdesk.engine.storage.checksums import Sums
from ltdesk.engine.storage.storage import in_pieces
from ltdesk.errors import JobCancelled, NotInStorage, StorageError

MIB = 1 << 20
NAMES = ["a.raw", "with space", "ünïcode-µ", "per%20cent", "a#b?c&d=e", "plus+comma,", "a'b\"c", "ﬁ~!@$^()[]{}"]


class Place(NamedTuple):
    """A folder of a test's own in a storage."""

    storage: Storage
    folder: str

    def path(self, name: str = "a.raw") -> str:
        return f"{self.folder}/{name}"

    def write(self, name: str, content: bytes) -> str:
        path = self.path(name)
        self.storage.write(path, lambda: in_pieces(memoryview(content)), len(content))
        return path

    def read(self, path: str, offset: int, nbytes: int) -> bytes:
        buffer = bytearray(nbytes)
        self.storage.read(path, offset, memoryview(buffer))
        return bytes(buffer)

    def names(self) -> list[str]:
        return [entry.name for entry in self.storage.list(self.folder)]


def content(nbytes: int, seed: int = 0) -> bytes:
    return np.random.default_rng(seed).bytes(nbytes)


def sums_of(*pieces: bytes, storage: Storage | None = None) -> Sums:
    sums = storage.new_sums() if storage else Sums()
    for piece in pieces:
        sums.update(memoryview(piece))
    return sums


class StorageSuite:
    """Every storage does exactly this."""

    @pytest.mark.parametrize("nbytes", [0, 1, 511, 513, MIB, 3 * MIB + 5])
    def test_what_is_written_is_read(self, place: Place, nbytes: int) -> None:
        data = content(nbytes)
        path = place.write("a.raw", data)
        assert place.storage.stat(path).size == nbytes
        assert place.storage.read_bytes(path) == data
        for offset, count in ((0, 1), (nbytes // 2, nbytes // 3), (nbytes - 1, 1), (nbytes, 0)):
            if 0 <= offset <= offset + count <= nbytes:
                assert place.read(path, offset, count) == data[offset : offset + count]

    def test_a_reader_reads_on(self, place: Place) -> None:
        data = content(2 * MIB + 7)
        path = place.write("a.raw", data)
        with place.storage.reader(path, 3, len(data) - 3) as reader:
            for start, stop in ((3, 10), (10, 10), (10, MIB + 1), (MIB + 1, len(data))):
                buffer = bytearray(stop - start)
                reader.fill(memoryview(buffer))
                assert buffer == data[start:stop]

    def test_an_array_is_filled_in_place(self, place: Place) -> None:
        data = content(1000)
        path = place.write("a.raw", data)
        target = np.zeros(900, np.uint8)
        place.storage.read(path, 50, memoryview(target[100:].data))
        assert target.tobytes() == bytes(100) + data[50:850]

    def test_reading_past_the_end_is_an_error(self, place: Place) -> None:
        path = place.write("a.raw", content(100))
        for offset, nbytes in ((50, 51), (100, 1), (200, 1)):
            with pytest.raises(StorageError, match=r"a\.raw"):
                place.read(path, offset, nbytes)

    @pytest.mark.parametrize("name", NAMES)
    def test_any_name(self, place: Place, name: str) -> None:
        path = place.write(name, b"abc")
        assert place.names() == [name]
        assert place.storage.stat(path).path == path
        assert place.storage.read_bytes(path) == b"abc"
        place.storage.rename(path, place.path(name + "2"))
        assert place.names() == [name + "2"]

    def test_list_and_stat(self, place: Place) -> None:
        place.write("sub/b", b"12")
        place.write("a", b"1")
        folder, file = place.storage.list(place.folder)[::-1]
        assert (file.name, file.is_folder, file.size, file.path) == ("a", False, 1, place.path("a"))
        assert (folder.name, folder.is_folder, folder.size, folder.path) == ("sub", True, 0, place.path("sub"))
        assert place.storage.stat(place.path("a")) == file
        assert place.storage.stat(place.folder).is_folder
        assert place.storage.list(place.path("sub"))[0].path == place.path("sub/b")
        assert file.mtime_ns > 1_700_000_000 * 10**9

    def test_what_is_not_there_is_said(self, place: Place) -> None:
        storage, path = place.storage, place.path("missing")
        for ask in (storage.stat, storage.list, storage.read_bytes, storage.blocks):
            with pytest.raises(NotInStorage, match="missing") as caught:
                ask(path)
            assert caught.value.way_out
        with pytest.raises(NotInStorage):
            place.read(path, 0, 1)
        with pytest.raises(StorageError):
            storage.rename(path, place.path("b"))
        with pytest.raises(NotLocal):
            storage.local_file(path)
        storage.remove(path)

    def test_a_file_is_no_folder(self, place: Place) -> None:
        path = place.write("a.raw", b"123")
        with pytest.raises(StorageError, match="is a file, not a folder"):
            place.storage.list(path)
        with pytest.raises(NotInStorage):
            place.storage.stat(f"{path}/below")
        with pytest.raises(StorageError):
            place.write("a.raw/below", b"1")
        assert place.storage.read_bytes(path) == b"123"

    def test_folders_are_made_once(self, place: Place) -> None:
        for _ in range(2):
            place.storage.make_folder(place.path("a/b/c"))
        assert place.storage.stat(place.path("a/b/c")).is_folder
        with pytest.raises(StorageError):
            place.write("a/b", b"a folder is there")
        assert place.storage.stat(place.path("a/b")).is_folder

    def test_rename_replaces(self, place: Place) -> None:
        old, new = place.write("old", b"old"), place.write("new", b"new")
        place.storage.rename(new, old)
        assert place.names() == ["old"]
        assert place.storage.read_bytes(old) == b"new"
        place.storage.make_folder(place.path("sub"))
        place.storage.rename(old, place.path("sub/moved"))
        assert place.names() == ["sub"]

    def test_put_replaces_at_once_and_leaves_nothing_else(self, place: Place) -> None:
        path = place.path("a.json")
        for data in (b"first", b"second"):
            place.storage.put(path, data)
            assert place.storage.read_bytes(path) == data
            assert place.names() == ["a.json"]

    def test_a_write_that_breaks_off(self, place: Place) -> None:
        """What the source of the pieces raises comes through as it is."""

        def pieces() -> Iterable[memoryview]:
            yield memoryview(bytes(1000))
            raise JobCancelled("stopped by the test")

        with pytest.raises(JobCancelled, match="by the test"):
            place.storage.write(place.path(), pieces, 2000)

    @pytest.mark.parametrize("nbytes", [999, 1001])
    def test_more_or_less_than_was_said_is_an_error(self, place: Place, nbytes: int) -> None:
        with pytest.raises(StorageError):
            place.storage.write(place.path(), lambda: [memoryview(bytes(1000))], nbytes)

    def test_remove_takes_folders_with_all_in_them(self, place: Place) -> None:
        place.write("sub/a", b"1")
        place.write("sub/deep/b", b"1")
        place.write("c", b"1")
        place.storage.remove(place.path("sub"))
        place.storage.remove(place.path("c"))
        assert place.names() == []

    @pytest.mark.parametrize("read", [False, True])
    @pytest.mark.parametrize("nbytes", [1, 512, 700, MIB + 3])
    def test_checksums(self, place: Place, nbytes: int, read: bool) -> None:
        data = content(nbytes)
        path, storage = place.write("a.raw", data), place.storage
        other = bytes([data[0] ^ 1]) + data[1:]
        for _ in range(2):  # a storage may learn what it can tell at the first
            assert storage.holds(path, sums_of(data[: nbytes // 3], data[nbytes // 3 :], storage=storage), read)
            assert storage.holds(path, Sums.known(sums_of(data).crc, nbytes), read)
            assert not storage.holds(path, sums_of(other, storage=storage), read)
            assert not storage.holds(path, sums_of(data[:-1], storage=storage), read)
            assert not storage.holds(path, Sums.known(sums_of(data).crc, nbytes + 1), read)

    @pytest.mark.parametrize("nbytes", [1, 2 * MIB + 1])
    def test_a_file_is_one_block(self, place: Place, nbytes: int) -> None:
        (block,) = place.storage.blocks(place.write("a.raw", content(nbytes)))
        assert (block.offset, block.size, block.corrupt) == (0, nbytes, False)

    def test_the_local_file_has_the_same_bytes(self, place: Place, local_reads: None) -> None:
        data = content(MIB + 1)
        path = place.write("a.raw", data)
        local = place.storage.local_file(path)
        with open(local.path, "rb") as file:
            assert file.read() == data
        assert local.size == len(data)
        assert place.storage.local_file(path).key == local.key
        place.storage.remove(path)
        assert place.storage.local_file(place.write("a.raw", data[::-1])).key != local.key

    def test_several_threads(self, place: Place) -> None:
        contents = {f"file{i}": content(300_000 + i, i) for i in range(6)}
        wrong: list[str] = []

        def work(name: str, data: bytes) -> None:
            path = place.write(name, data)
            if place.storage.read_bytes(path) != data or place.read(path, 100, 1000) != data[100:1100]:
                wrong.append(name)

        threads = [threading.Thread(target=work, args=item) for item in contents.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert place.names() == sorted(contents)
