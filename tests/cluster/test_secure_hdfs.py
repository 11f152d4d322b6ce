"""HDFS with Kerberos on: in by a ticket, or by a delegation token; with TLS and without."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ltdesk.analysis import SumFrame
from ltdesk.engine.ingest import ingest
from ltdesk.engine.local import LocalExecutor
from ltdesk.engine.open import open_dataset
from ltdesk.engine.storage.web_hdfs import WebHdfsStorage
from ltdesk.engine.storage.web_hdfs_blocks import DATA_DIRS
from ltdesk.engine.storage.web_hdfs_clients import AUTH, TOKEN
from ltdesk.errors import StorageError
from tests.cluster.secure_hdfs import SecureHdfs
from tests.engine.executor_suite import job_for
from tests.engine.storage.storage_suite import Place, StorageSuite


@pytest.fixture
def ticket(secure_hdfs: SecureHdfs, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is let in by Kerberos."""
    for name, value in secure_hdfs.realm.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(AUTH, "kerberos")


@pytest.fixture
def token(secure_hdfs: SecureHdfs, monkeypatch: pytest.MonkeyPatch) -> str:
    """This process is let in by a token, and by nothing else."""
    found = secure_hdfs.token()
    for name in secure_hdfs.realm.environment:
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv(TOKEN, found)
    return found


@pytest.fixture
def trusted(secure_hdfs: SecureHdfs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(secure_hdfs.authority))


@pytest.fixture
def local_reads(secure_hdfs: SecureHdfs, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [str(secure_hdfs.data_folder(number)) for number in range(len(secure_hdfs.hosts))]
    monkeypatch.setenv(DATA_DIRS, ",".join(folders))


def place_in(netloc: str, secure: bool, request: pytest.FixtureRequest) -> Iterator[Place]:
    with WebHdfsStorage(netloc, secure) as storage:
        folder = f"/tests/{abs(hash(request.node.nodeid)):x}"
        storage.make_folder(folder)
        yield Place(storage, folder)
        storage.remove(folder)


class TestByTicket(StorageSuite):
    @pytest.fixture
    def place(self, secure_hdfs: SecureHdfs, ticket: None, request: pytest.FixtureRequest) -> Iterator[Place]:
        yield from place_in(secure_hdfs.netloc, False, request)


class TestByTokenOverTls(StorageSuite):
    @pytest.fixture
    def place(
        self, secure_hdfs: SecureHdfs, token: str, trusted: None, request: pytest.FixtureRequest
    ) -> Iterator[Place]:
        yield from place_in(secure_hdfs.secure_netloc, True, request)


@pytest.mark.parametrize("tls", [False, True])
def test_a_scan_is_ingested_and_its_blocks_are_mapped(
    secure_hdfs: SecureHdfs, ticket: None, trusted: None, tls: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = np.random.default_rng(1).integers(0, 9999, (8, 16, 64, 64), dtype=np.uint16)
    np.save(tmp_path / "scan.npy", array)
    where = f"swebhdfs://{secure_hdfs.secure_netloc}" if tls else f"webhdfs://{secure_hdfs.netloc}"
    with open_dataset(str(tmp_path / "scan.npy")) as source:
        uri = ingest(source, f"{where}/scan-{tls}").uri
    found = {}
    for folders in ("", ",".join(str(secure_hdfs.data_folder(number)) for number in range(len(secure_hdfs.hosts)))):
        monkeypatch.setenv(DATA_DIRS, folders)
        with open_dataset(uri) as stored, LocalExecutor(2) as local:
            results = local.submit(job_for(stored, SumFrame()), stored).result(120)
        np.testing.assert_array_equal(results["sum_frame"], array.sum(axis=(0, 1), dtype=np.uint64))
        found[bool(folders)] = results.execution["bytes_mapped"], results.execution["bytes_network"]
    assert found == {False: (0, array.nbytes), True: (array.nbytes, 0)}


def test_a_ticket_tells_the_room_that_is_left(secure_hdfs: SecureHdfs, ticket: None) -> None:
    with WebHdfsStorage(secure_hdfs.netloc) as storage:
        room = storage.room("/")
    assert room is not None
    assert room.nodes == len(secure_hdfs.hosts)


def test_nobody_is_let_in_by_name(secure_hdfs: SecureHdfs, monkeypatch: pytest.MonkeyPatch) -> None:
    said = r"lets nobody in by name alone.*kinit and set LTDESK_HDFS_AUTH=kerberos"
    with WebHdfsStorage(f"hdfs@{secure_hdfs.netloc}") as storage, pytest.raises(StorageError, match=said):
        storage.list("/")


def test_kerberos_without_a_ticket(secure_hdfs: SecureHdfs, ticket: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KRB5CCNAME", "KRB5_CLIENT_KTNAME"):
        monkeypatch.setenv(name, os.devnull)
    with WebHdfsStorage(secure_hdfs.netloc) as storage, pytest.raises(StorageError, match="Get a ticket by kinit"):
        storage.list("/")


def test_a_token_that_is_none_and_one_that_is_cancelled(
    secure_hdfs: SecureHdfs, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WebHdfsStorage(secure_hdfs.netloc) as storage:
        storage.list("/")
        secure_hdfs.cancel(token)
        with pytest.raises(StorageError, match=r"the token is refused.*set LTDESK_HDFS_TOKEN"):
            storage.list("/")
    monkeypatch.setenv(TOKEN, "nonsense")
    with WebHdfsStorage(secure_hdfs.netloc) as storage, pytest.raises(StorageError, match="the token is refused"):
        storage.list("/")


def test_a_certificate_that_is_not_trusted(secure_hdfs: SecureHdfs, ticket: None) -> None:
    said = r"no NameNode is trusted: .*certificate.*Set REQUESTS_CA_BUNDLE"
    with WebHdfsStorage(secure_hdfs.secure_netloc, True) as storage, pytest.raises(StorageError, match=said):
        storage.list("/")
