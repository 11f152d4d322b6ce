"""The files under packaging/cluster, at work: HDFS by their configuration, scheduler and worker by their units."""

from __future__ import annotations

import configparser
import json
import os
import shlex
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import ltdesk
from ltdesk.engine.ingest import ingest
from ltdesk.engine.open import open_dataset
from tests.cluster.hdfs import Hdfs, why_not
from tests.dask_processes import until
from tests.ports import free_port

FOLDER = Path(__file__).resolve().parents[2] / "packaging" / "cluster"
UNITS = sorted((FOLDER / "systemd").glob("*.service"))
HOST = "127.0.0.2"
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300), pytest.mark.xdist_group("hdfs")]


def unit(path: Path) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(path)
    return parser["Service"]


def settings() -> dict[str, str]:
    """``cluster.env`` as systemd reads it."""
    lines = (line.strip() for line in (FOLDER / "cluster.env").read_text().splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def command(path: Path, environment: dict[str, str]) -> list[str]:
    """A unit's command as systemd makes it, with this test's Python in the place of the installed one."""
    line = unit(path)["ExecStart"].replace("%H", HOST)
    program, *words = shlex.split(string.Template(line).substitute(environment))
    assert program == "/opt/ltdesk/bin/dask"
    return [sys.executable, "-m", "dask", *words]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hdfs, str]]:
    """HDFS of one DataNode, and the scheduler's address, with a worker on the DataNode's host."""
    if reason := why_not():
        pytest.skip(reason)
    folder, port = tmp_path_factory.mktemp("deployed"), free_port()
    own = {
        "LTDESK_NAMENODE": "127.0.0.1",
        "LTDESK_SCHEDULER": f"tcp://127.0.0.1:{port}",
        "LTDESK_HDFS": str(folder),
        "LTDESK_HDFS_DATA_DIRS": str(folder / "data"),
        "LTDESK_CACHE_DIR": str(folder / "cache"),
        "LTDESK_THREADS": "2",
    }
    environment = {**settings(), **own}
    assert set(own) <= set(settings()), "cluster.env has them all"
    hdfs = Hdfs(folder, datanodes=1, configuration=FOLDER / "hadoop", environment=environment)
    processes: list[subprocess.Popen[bytes]] = []
    try:
        hdfs.start()
        for name, change in (("scheduler", ("8786", str(port))), ("worker", ("/run/ltdesk", str(folder)))):
            words = command(FOLDER / "systemd" / f"ltdesk-{name}.service", environment)
            words = [change[1] if word == change[0] else word for word in words]
            words = [":0" if word == ":8787" else word for word in words]
            with (folder / f"{name}.log").open("wb") as log:
                processes.append(
                    subprocess.Popen(words, cwd=folder, env={**os.environ, **environment}, stdout=log, stderr=log)
                )
        yield hdfs, own["LTDESK_SCHEDULER"]
    finally:
        for process in processes:
            process.kill()
            process.wait()
        hdfs.stop()


def test_a_job_maps_the_blocks_of_its_host(deployed: tuple[Hdfs, str], tmp_path: Path) -> None:
    hdfs, scheduler = deployed
    array = np.random.default_rng(0).integers(0, 9999, (16, 32, 64, 64), dtype=np.uint16)
    np.save(tmp_path / "scan.npy", array)
    with open_dataset(str(tmp_path / "scan.npy")) as source:
        uri = ingest(source, hdfs.uri("/scans/first"), replication=1).uri
    with ltdesk.connect(scheduler, timeout=60) as executor, ltdesk.open(uri) as stored:  # type: ignore[attr-defined]
        until(lambda: len(executor.workers) == 1, "the worker joins")
        results = ltdesk.run(stored, ltdesk.SumFrame(), executor=executor)
    np.testing.assert_array_equal(results["sum_frame"], array.sum(axis=(0, 1), dtype=np.uint64))
    assert results.execution["bytes_mapped"] == array.nbytes, "none went over the network"
    assert results.execution["local_share"] == 1.0, "the worker goes by the DataNode's name"
    assert results.execution["threads"] == 2


def test_a_folder_for_scans_is_made_as_the_manual_says(deployed: tuple[Hdfs, str]) -> None:
    hdfs, _ = deployed
    lines = [line for line in (FOLDER / "README.md").read_text().splitlines() if "hdfs dfs -" in line]
    assert len(lines) == 2
    for line in lines:
        hdfs.shell(*shlex.split(line.partition("hdfs dfs ")[2].replace("/scans", "/made")))  # another test makes /scans
    reply = json.loads(hdfs.get(f"http://{hdfs.netloc}/webhdfs/v1/made?op=GETFILESTATUS"))
    assert reply["FileStatus"]["permission"] == "1777"


def test_the_daemons_say_what_they_do(deployed: tuple[Hdfs, str]) -> None:
    """Hadoop logs nothing where its configuration's folder has no log4j.properties."""
    hdfs, _ = deployed
    assert "INFO" in hdfs.log("name")
    assert "INFO" in hdfs.log("data0")


def test_only_the_group_may_look_into_the_data_folder(deployed: tuple[Hdfs, str]) -> None:
    """As the units have it: the worker's user is in the DataNode's group."""
    hdfs, _ = deployed
    folders = [hdfs.root / "data", *(hdfs.root / "data" / "current").glob("BP-*")]
    assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o750, 0o750]
    worker = unit(FOLDER / "systemd" / "ltdesk-worker.service")
    assert worker["SupplementaryGroups"] == unit(FOLDER / "systemd" / "ltdesk-datanode.service")["Group"]


def test_the_script_of_hadoop_finds_what_it_wants() -> None:
    """Without the one it says that JAVA_HOME is not set; without the other it wants to write in its own folder."""
    assert Path(settings()["JAVA_HOME"]).is_absolute()
    assert Path(settings()["HADOOP_LOG_DIR"]).is_relative_to(settings()["LTDESK_HDFS"])


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_systemd_understands_the_units(path: Path, tmp_path: Path) -> None:
    """Where there is a systemd to ask; its complaints about programs that are not installed here do not count."""
    service = unit(path)
    assert service["EnvironmentFile"] == "/etc/ltdesk/cluster.env"
    for name in string.Template(service["ExecStart"]).get_identifiers():
        assert name in settings()
    if analyze := shutil.which("systemd-analyze"):
        text = path.read_text().replace(service["ExecStart"].split()[0], sys.executable)
        (tmp_path / path.name).write_text(text.replace("/opt/hadoop/bin/hdfs", sys.executable))
        done = subprocess.run([analyze, "verify", str(tmp_path / path.name)], capture_output=True, text=True)
        said = [line for line in done.stderr.splitlines() if path.stem in line]
        assert said == [], done.stderr


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """The containers, by name."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
    return found


def test_containers_run_what_the_units_run(services: dict[str, dict[str, Any]]) -> None:
    names = sorted(name for name in services if name.startswith("worker"))
    assert names == ["worker1", "worker2"]
    for name in names:
        worker, node = services[name], services[name.replace("worker", "datanode")]
        assert worker["volumes"][0].split(":")[0] == node["volumes"][1].split(":")[0]
        words = shlex.split(worker["command"])
        assert words[words.index("--name") + 1] == node["hostname"], "tasks go where the blocks are"
        told = shlex.split(unit(FOLDER / "systemd" / "ltdesk-worker.service")["ExecStart"])
        for option in ("--memory-limit", "--nworkers"):
            assert words[words.index(option) + 1] == told[told.index(option) + 1]
        assert {"--no-nanny", "--no-dashboard"} <= {*words} & {*told}
        assert (node["user"], worker["group_add"]) == ("root", ["0"]), "the group may look into the data folder"


def test_containers_of_hadoop_run_by_a_shell_of_ours(services: dict[str, dict[str, Any]]) -> None:
    """apache/hadoop's entry point ends in an unquoted ``$@``; its Java 8 ends where HADOOP_OPTS has --add-opens."""
    nodes = {name: service for name, service in services.items() if service["image"].startswith("apache/hadoop")}
    assert sorted(nodes) == ["datanode1", "datanode2", "namenode"]
    for name, node in nodes.items():
        assert node["entrypoint"] == ["sh", "-c"]
        assert len(node["command"]) == 1, "what follows would be the script's own name"
        assert "HADOOP_OPTS" not in node["environment"]
        if name != "namenode":
            assert f"-Ddfs.datanode.hostname={node['hostname']}" in shlex.split(node["command"][0])


def test_containers_of_ltdesk_come_from_no_registry(services: dict[str, dict[str, Any]]) -> None:
    """Without a policy Compose looks there first for an image that is not built yet."""
    built = [service for service in services.values() if "build" in service]
    assert len(built) == 3
    assert all((service["image"], service["pull_policy"]) == ("ltdesk", "never") for service in built)


def test_containers_are_open_to_this_machine_alone(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 4
    assert all(port.startswith("127.0.0.1:") for port in ports)
