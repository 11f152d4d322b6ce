"""Storage in HDFS: the suite, and what is of its own."""

from __future__ import annotations

import getpass
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from ltdesk.engine.storage import NotLocal, open_storage
from ltdesk.engine.storage.checksums import Sums
from ltdesk.engine.storage.web_hdfs import WebHdfsStorage
from ltdesk.engine.storage.web_hdfs_blocks import DATA_DIRS
from ltdesk.engine.storage.web_hdfs_clients import AUTH, TOKEN
from ltdesk.engine.storage.web_hdfs_errors import translated
from ltdesk.errors import NotInStorage, StorageError, UsageError
from tests.cluster.hdfs import Hdfs
from tests.engine.storage.storage_suite import MIB, Place, StorageSuite, content
from tests.ports import free_port


class TestWebHdfsStorage(StorageSuite):
    pass


def test_each_file_lies_on_two_hosts_in_one_block(place: Place, hdfs: Hdfs) -> None:
    path = place.write("a.raw", content(3 * MIB + 1))
    assert set(hdfs.copies(place.storage, path)) <= set(hdfs.hosts)
    assert len(place.storage.blocks(path)) == 1
    assert place.storage.stat(path).replication == 2


def test_a_larger_replication(place: Place, hdfs: Hdfs) -> None:
    place.storage.write(place.path(), lambda: [memoryview(b"abc")], 3, replication=3)
    assert set(hdfs.copies(place.storage, place.path(), 3)) == set(hdfs.hosts)


@pytest.mark.parametrize("nbytes", [1, 700, 2 * MIB + 100])
def test_hdfs_tells_the_checksum_that_is_computed_here(place: Place, nbytes: int) -> None:
    """So nothing has to be read back."""
    storage, data = place.storage, content(nbytes)
    assert isinstance(storage, WebHdfsStorage)
    path = place.write("a.raw", data)
    sums = Sums(chunked=True)
    sums.update(memoryview(data))
    assert storage._tells(path, sums)
    assert not storage._tells(path, Sums(chunked=True))


def test_the_holder_maps_others_read(place: Place, hdfs: Hdfs, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place.write("a.raw", content(1000))
    holders = hdfs.copies(place.storage, path)
    with pytest.raises(NotLocal, match=f"{DATA_DIRS} is not set"):
        place.storage.local_file(path)
    for number, host in enumerate(hdfs.hosts):
        monkeypatch.setenv(DATA_DIRS, f"/nowhere,{hdfs.data_folder(number)}")
        if host in holders:
            assert place.storage.local_file(path).path.startswith(str(hdfs.data_folder(number)))
        else:
            with pytest.raises(NotLocal, match="not here"):
                place.storage.local_file(path)


def test_the_first_name_node_is_down(hdfs: Hdfs, place: Place) -> None:
    place.write("a.raw", b"abc")
    closed = free_port()
    storage, path = open_storage(f"webhdfs://{getpass.getuser()}@127.0.0.1:{closed},{hdfs.netloc}{place.folder}")
    with storage:
        assert [entry.name for entry in storage.list(path)] == ["a.raw"]
        assert storage.read_bytes(f"{path}/a.raw") == b"abc"


def test_a_rename_that_was_done_before_its_name_node_was_lost(hdfs: Hdfs, place: Place) -> None:
    """The next one knows only that the old name is gone."""
    place.write("b.raw", b"abc")
    netloc = f"127.0.0.1:{free_port()},{hdfs.netloc}"
    with WebHdfsStorage(netloc) as storage:
        storage.rename(place.path("a.raw"), place.path("b.raw"))
    with WebHdfsStorage(netloc) as storage, pytest.raises(NotInStorage, match=r"a\.raw: is not there"):
        storage.rename(place.path("a.raw"), place.path("c.raw"))
    assert place.read(place.path("b.raw"), 0, 3) == b"abc"


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "no.such.host.invalid:9870", "127.0.0.1:{port},127.0.0.1:{port}"])
def test_no_name_node_is_said_at_once(host: str) -> None:
    port = free_port()
    storage, path = open_storage(f"webhdfs://{host.format(port=port)}/scans")
    with storage, pytest.raises(StorageError, match=r"no NameNode answers: (Connection refused|Name or service)"):
        storage.list(path)


def test_what_answers_is_not_even_http() -> None:
    """A dask scheduler, say, which greets with bytes of its own: they are not shown."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with server.accept()[0] as connection:
                connection.sendall(b"*\0\0\0\0\0\0\0\x83\xabcompression\xc0\r\n\r\n")
                connection.recv(1 << 16)

        thread = threading.Thread(target=greet)
        thread.start()
        with (
            WebHdfsStorage(f"127.0.0.1:{server.getsockname()[1]}") as storage,
            pytest.raises(StorageError, match=r"no NameNode answers: what answers there is something else\. Check"),
        ):
            storage.list("/")
        thread.join()


def test_another_user_may_not_write(place: Place, hdfs: Hdfs) -> None:
    place.write("a.raw", b"abc")
    storage, path = open_storage(f"webhdfs://nobody@{hdfs.netloc}{place.folder}")
    with storage:
        assert storage.read_bytes(f"{path}/a.raw") == b"abc"
        attempts: list[Callable[[], None]] = [
            lambda: storage.put(f"{path}/b.raw", b"1"),
            lambda: storage.make_folder(f"{path}/sub"),
            lambda: storage.remove(f"{path}/a.raw"),
            lambda: storage.rename(f"{path}/a.raw", f"{path}/c.raw"),
        ]
        for refused in attempts:
            with pytest.raises(StorageError, match=r"Permission denied: user=nobody.*Ask the storage's owner"):
                refused()


@pytest.mark.parametrize(
    ("uri", "urls"),
    [
        ("webhdfs://node/scans", ["http://node:9870"]),
        ("swebhdfs://node/scans", ["https://node:9871"]),
        ("webhdfs://me@a:1,b:2/scans", ["http://a:1", "http://b:2"]),
        ("webhdfs://[::1]:5/scans", ["http://[::1]:5"]),
    ],
)
def test_uris(uri: str, urls: list[str]) -> None:
    storage, path = open_storage(uri)
    with storage:
        assert isinstance(storage, WebHdfsStorage)
        assert [client.url for client in storage._calls.clients] == urls
        assert path == "/scans"
        assert storage.uri("/a b/ü") == uri.removesuffix("scans") + "a%20b/%C3%BC"


class Answers(BaseHTTPRequestHandler):
    """Keeps what it was asked, and answers with what it is told to."""

    asked: list[dict[str, list[str]]]
    status, answer = 200, b'{"FileStatuses": {"FileStatus": []}}'

    def do_GET(self) -> None:
        self.asked.append(parse_qs(urlsplit(self.path).query))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[tuple[str, type[Answers]]]:
    """Something that speaks HTTP, and how it answers."""

    class Own(Answers):
        asked: list[dict[str, list[str]]] = []  # noqa: RUF012

    with HTTPServer(("127.0.0.1", 0), Own) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        yield f"127.0.0.1:{http.server_port}", Own
        http.shutdown()
        thread.join()


def test_simple_authentication(server: tuple[str, type[Answers]]) -> None:
    for netloc, user in ((server[0], getpass.getuser()), (f"me@{server[0]}", "me")):
        with WebHdfsStorage(netloc) as storage:
            storage.list("/")
        assert server[1].asked[-1]["user.name"] == [user]


def test_no_tls_where_tls_is_asked_for(server: tuple[str, type[Answers]]) -> None:
    said = r"does not speak TLS: .*Check the port, or use webhdfs://"
    with WebHdfsStorage(server[0], secure=True) as storage, pytest.raises(StorageError, match=said):
        storage.list("/")


def test_a_token(server: tuple[str, type[Answers]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "secret")
    with WebHdfsStorage(server[0]) as storage:
        storage.list("/")
    assert server[1].asked == [{"op": ["LISTSTATUS"], "delegation": ["secret"]}]


def test_kerberos_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(AUTH, "kerberos")
    for name in ("requests_kerberos", "hdfs.ext.kerberos"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(StorageError, match=r"Kerberos needs a package.*ltdesk\[kerberos\]"):
        WebHdfsStorage("node")
    monkeypatch.setenv(AUTH, "magic")
    with pytest.raises(StorageError, match="simple or kerberos"):
        WebHdfsStorage("node")


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (404, b"<html>not here</html>", "HDFS: .*not here"),
        (404, b'{"detail": "Not Found"}', "does not answer as WebHDFS does"),
        (401, b"who are you?", "Authentication failure"),
        (200, b"<html>a login page</html>", "does not answer as WebHDFS does"),
        (200, b"{}", "does not answer as WebHDFS does"),
    ],
)
def test_what_is_no_web_hdfs(server: tuple[str, type[Answers]], status: int, answer: bytes, reason: str) -> None:
    server[1].status, server[1].answer = status, answer
    with WebHdfsStorage(server[0]) as storage:
        for ask in (storage.list, storage.stat, storage.blocks):
            with pytest.raises(StorageError, match=reason):
                ask("/scan")


@pytest.mark.parametrize(
    ("exception", "message", "kind", "reason"),
    [
        ("FileNotFoundException", "File does not exist: /a", NotInStorage, "is not there"),
        (
            "IOException",
            "File /a could only be written to 0 of the 1 nodes.\n\tat",
            StorageError,
            "full",
        ),
        ("DSQuotaExceededException", "The DiskSpace quota of /a is exceeded", StorageError, "quota is used up"),
        ("IOException", "No active nodes contain this block", StorageError, "no data node has it"),
        ("InvalidPathException", "Invalid path name a:b", StorageError, "takes no such name"),
        ("SomethingElse", "surprise\n\tat java.lang", StorageError, "SomethingElse: surprise"),
    ],
)
def test_what_hdfs_says_in_words(exception: str, message: str, kind: type[StorageError], reason: str) -> None:
    error = translated(exception, message, "webhdfs://node/a")
    assert isinstance(error, kind)
    assert error.what.startswith("webhdfs://node/a: ")
    assert reason in error.what
    assert error.way_out
    assert "\tat" not in str(error)


def test_names_that_hdfs_does_not_take(place: Place) -> None:
    with pytest.raises(StorageError, match=r"takes no such name|Invalid"):
        place.write("a:b", b"1")


def test_a_reader_fills_arrays_across_pieces(place: Place) -> None:
    data = np.frombuffer(content(5 * MIB), np.uint8)
    path = place.write("a.raw", data.tobytes())
    target = np.zeros((5, MIB), np.uint8)
    with place.storage.reader(path, 0, data.size) as reader:
        for row in target:
            reader.fill(memoryview(row.data))
    np.testing.assert_array_equal(target.ravel(), data)


def test_a_uri_without_a_host_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        open_storage("webhdfs:/scans")


def test_nodes_have_the_same_names_wherever_they_are_told(place: Place, hdfs: Hdfs) -> None:
    storage, path = place.storage, place.write("a.raw", b"abc")
    assert isinstance(storage, WebHdfsStorage)
    hdfs.copies(storage, path)
    holders = storage._nodes_of(path)
    by_http = {name: address for name, address in holders.items() if name[1] != "0"}
    assert len(by_http) == 2
    live = storage._calls.live_nodes()
    assert {name: live[name] for name in by_http} == by_http
