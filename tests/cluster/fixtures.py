"""A real HDFS, and dask workers beside its DataNodes, once a session, started when the first test needs them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ltdesk.engine.cluster import ClusterExecutor
from ltdesk.engine.storage.web_hdfs import WebHdfsStorage
from ltdesk.engine.storage.web_hdfs_blocks import DATA_DIRS
from ltdesk.engine.storage.web_hdfs_clients import AUTH, TOKEN
from tests.cluster.available_hdfs import AvailableHdfs
from tests.cluster.hdfs import Hdfs, NoHdfs, class_path, why_not
from tests.cluster.secure_hdfs import Realm, SecureHdfs, why_not_secure
from tests.dask_processes import DaskProcesses, until
from tests.engine.storage.storage_suite import Place


def pytest_itemcollected(item: pytest.Item) -> None:
    """Tests with HDFS have time for its start, and run one after another: some of them break it.

    Not in `pytest_collection_modifyitems`: xdist may have looked for groups by then, and each of its workers would
    start an HDFS.
    """
    if {"hdfs", "secure_hdfs", "available_hdfs"} & set(getattr(item, "fixturenames", ())):
        for mark in (pytest.mark.cluster, pytest.mark.timeout(300), pytest.mark.xdist_group("hdfs")):
            item.add_marker(mark)


@pytest.fixture(scope="session")
def hdfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hdfs]:
    """Three DataNodes, announced as 127.0.0.2 to 127.0.0.4; who breaks one puts it right."""
    must_be_possible()
    cluster = Hdfs(tmp_path_factory.mktemp("hdfs"))
    cluster.start()
    yield cluster
    cluster.stop()


def must_be_possible() -> None:
    """Skips where there can be no HDFS."""
    if reason := why_not():
        pytest.skip(reason)
    try:
        class_path()
    except NoHdfs as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def available_hdfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AvailableHdfs]:
    """Two NameNodes, one of them on standby, and two DataNodes; not for longer than the tests that break it."""
    must_be_possible()
    cluster = AvailableHdfs(tmp_path_factory.mktemp("available"))
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def secure_hdfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureHdfs]:
    """Two DataNodes that let nobody in by name."""
    if reason := why_not() or why_not_secure():
        pytest.skip(reason)
    realm = Realm()
    try:
        cluster = SecureHdfs(tmp_path_factory.mktemp("secure"), realm)
        cluster.start()
        yield cluster
        cluster.stop()
    finally:
        realm.stop()


@pytest.fixture(scope="session")
def dask_nodes(hdfs: Hdfs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskProcesses]:
    """A scheduler, and a worker beside each DataNode: it announces the same host, and may map that node's blocks."""
    processes = DaskProcesses(tmp_path_factory.mktemp("dask"))
    for number, host in enumerate(hdfs.hosts):
        processes.start_worker(f"node{number}", host, {DATA_DIRS: str(hdfs.data_folder(number))})
    yield processes
    processes.stop()


@pytest.fixture
def near(dask_nodes: DaskProcesses) -> Iterator[ClusterExecutor]:
    """An executor on these workers, all of which are there."""
    with ClusterExecutor(dask_nodes.address, timeout=150, patience=2) as executor:
        until(lambda: len(executor.workers) == len(dask_nodes.workers), "the workers join")
        yield executor


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (DATA_DIRS, AUTH, TOKEN):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def place(hdfs: Hdfs, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A folder of this test's own."""
    with WebHdfsStorage(hdfs.netloc) as storage:
        folder = f"/tests/{abs(hash(request.node.nodeid)):x}"
        storage.make_folder(folder)
        yield Place(storage, folder)
        storage.remove(folder)


@pytest.fixture
def local_reads(hdfs: Hdfs, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a host that has all three data folders."""
    folders = [f"[DISK]file://{hdfs.data_folder(number)}" for number in range(len(hdfs.hosts))]
    monkeypatch.setenv(DATA_DIRS, ", ".join(folders))
