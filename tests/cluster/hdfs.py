"""A real HDFS for the tests: a NameNode and DataNodes on loopback, each a JVM, from Maven's artefacts.

DataNode k announces itself as host 127.0.0.(k+1), so that blocks lie on hosts that differ. The jars are fetched once,
into ``.cache/hadoop``. ``python -m tests.cluster.hdfs`` starts one by hand, prints its URL, and stops it on Ctrl-C.
"""

from __future__ import annotations

import getpass
import hashlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from ltdesk.engine.storage import Storage
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
POM = Path(__file__).with_name("pom.xml")
CACHE = ROOT / ".cache" / "hadoop"
READY_MAY_TAKE = 180.0  # seconds; 8 to 11 on two cores

NAMENODE = "org.apache.hadoop.hdfs.server.namenode.NameNode"
DATANODE = "org.apache.hadoop.hdfs.server.datanode.DataNode"
JVM = [
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.net.preferIPv4Stack=true",
    # Jersey 1, which answers WebHDFS, generates classes: without this the first call fails, not the start.
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
]
PLACES = frozenset(
    f"dfs.{name}"
    for name in (
        "namenode.rpc-address", "namenode.http-address", "namenode.datanode.registration.ip-hostname-check",
        "datanode.hostname", "datanode.address", "datanode.http.address", "datanode.ipc.address",
    )
) | {"fs.defaultFS"}  # fmt: skip
"""Properties that several nodes on one machine need, whatever the configuration."""
LOGGING = """\
log4j.rootLogger=INFO,err
log4j.appender.err=org.apache.log4j.ConsoleAppender
log4j.appender.err.target=System.err
log4j.appender.err.layout=org.apache.log4j.PatternLayout
log4j.appender.err.layout.ConversionPattern=%d{ISO8601} %p %c{2}: %m%n
log4j.logger.http.requests=WARN
"""


class NoHdfs(Exception):
    """There can be no HDFS here, for this reason."""


def why_not() -> str:
    """Why there can be no HDFS here; empty where there can."""
    if not sys.platform.startswith("linux"):
        return "HDFS for the tests needs the loopback addresses 127.0.0.2 to 127.0.0.4, which only Linux has at once"
    if not shutil.which("java"):
        return "there is no Java for HDFS (Debian: default-jre-headless)"
    if not jars_folder().is_dir() and not shutil.which("mvn"):
        return "there is no Maven to fetch HDFS (Debian: maven)"
    return ""


def jars_folder() -> Path:
    return CACHE / hashlib.sha256(POM.read_bytes()).hexdigest()[:16]


def class_path() -> str:
    """The jars, fetched on first use. Raises NoHdfs with what Maven says where it fails."""
    folder = jars_folder()
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / "fetching.lock"):  # two Mavens at once spoil each other's downloads
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=CACHE) as name:
                fetch_jars(Path(name) / "jars")
                os.replace(Path(name) / "jars", folder)
    return ":".join(str(jar) for jar in sorted(folder.glob("*.jar")))


def fetch_jars(folder: Path) -> None:
    folder.mkdir()
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={folder}", "-DincludeScope=runtime"]
    done = subprocess.run(["mvn", "-q", "-B", "-f", str(POM), *goal], capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stdout.splitlines() if "[ERROR]" in line] or [f"exit status {done.returncode}"]
        raise NoHdfs(f"Maven could not fetch HDFS: {said[0]}")
    # The published jars have no webapps/, but their HTTP servers want the folders on the class path.
    with zipfile.ZipFile(folder / "webapps.jar", "w") as jar:
        for name in ("webapps/", "webapps/static/", "webapps/hdfs/", "webapps/datanode/"):
            jar.writestr(name, "")


class Hdfs:
    """A cluster. `start` it, `stop` it; in between its nodes can be killed, paused and started again.

    root : its data and logs
    hosts : what the DataNodes announce themselves as
    port : of the NameNode's HTTP
    configuration : a folder of Hadoop's settings to go by, with the environment that they name, but for ports
    """

    def __init__(
        self,
        root: Path,
        datanodes: int = 3,
        configuration: Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.root, self._configured, self._environment = root, configuration is not None, environment or {}
        self.hosts = [f"127.0.0.{number + 2}" for number in range(datanodes)]
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._jvm = [*JVM]
        # The kernel ends a process with the thread that started it: this one stays.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="hdfs")
        self.port, self._rpc_port = free_port(), free_port()
        self._data_ports = [[free_port() for _ in range(3)] for _ in self.hosts]
        self._class_path = f"{configuration}:{class_path()}" if configuration else class_path()
        root.mkdir(parents=True, exist_ok=True)
        (root / "log4j.properties").write_text(LOGGING)

    @property
    def netloc(self) -> str:
        """Host and port of the NameNode, as in a URI."""
        return f"127.0.0.1:{self.port}"

    def uri(self, path: str) -> str:
        return f"webhdfs://{getpass.getuser()}@{self.netloc}{path}"

    def data_folder(self, number: int) -> Path:
        """Where a DataNode keeps its blocks."""
        return self.root / f"data{number}"

    def start(self) -> None:
        """Returns when every DataNode is known and files can be written."""
        try:
            for number in range(len(self.hosts)):  # they wait for the NameNode
                self.start_datanode(number)
            self.start_namenode()
            self.wait_until(self.is_ready)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)
            process.kill()  # what it holds is for nobody
        for process in self.processes.values():
            process.wait()
        self.processes.clear()
        self._starter.shutdown()

    def start_namenode(self) -> None:
        if not (self.root / "name" / "current").is_dir():
            status = self._spawn("format", NAMENODE, self._name_properties(), "-format", "-nonInteractive").wait(60)
            assert status == 0, self.log("format")
        self.processes["name"] = self._spawn("name", NAMENODE, self._name_properties())

    def start_datanode(self, number: int) -> None:
        self.processes[f"data{number}"] = self._spawn(f"data{number}", DATANODE, self._data_properties(number))

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the NameNode (``name``) or a DataNode (``data0`` …); after SIGKILL it is gone."""
        self.processes[name].send_signal(number)
        if number == signal.SIGKILL:
            self.processes.pop(name).wait()

    @contextmanager
    def without(self, *names: str) -> Iterator[None]:
        """Kill nodes at once, and start them again in the end."""
        for name in names:
            self.signal(name, signal.SIGKILL)
        try:
            yield
        finally:
            for name in names:
                self.start_namenode() if name == "name" else self.start_datanode(int(name.removeprefix("data")))
            self.wait_until(self.is_ready)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """A node that answers nothing and closes nothing."""
        self.signal(name, signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(name, signal.SIGCONT)
            self.wait_until(self.is_ready)

    def node(self, host: str) -> str:
        """The name of the DataNode that announces itself as a host."""
        return f"data{self.hosts.index(host)}"

    def state(self) -> dict[str, Any]:
        """What the NameNode says of itself: NumLiveDataNodes, UnderReplicatedBlocks, …; nothing while it is down."""
        return self.bean(self.netloc, "NameNode", "FSNamesystemState")

    def bean(self, netloc: str, service: str, name: str) -> dict[str, Any]:
        """What a daemon says of itself; nothing while it doesn't answer."""
        try:
            beans: list[dict[str, Any]] = json.loads(
                self.get(f"http://{netloc}/jmx?qry=Hadoop:service={service},name={name}")
            )["beans"]
            return beans[0] if beans else {}
        except (OSError, http.client.HTTPException, ValueError):  # it may be starting, or ending
            return {}

    def get(self, url: str) -> bytes:
        """What a daemon's web page has. Raises OSError, HTTPException."""
        with urllib.request.urlopen(url, timeout=5) as reply:
            found: bytes = reply.read()
            return found

    def is_ready(self) -> bool:
        """Every node is there, by what both sides say: for 12 s the NameNode counts a node that was killed as live."""
        state = self.state()
        counts = [state.get(f"Num{name}") for name in ("LiveDataNodes", "StaleDataNodes", "StaleStorages")]
        numbers = range(len(self.hosts))
        return counts == [len(self.hosts), 0, 0] and state["FSState"] == "Operational" and all(map(self._runs, numbers))

    def _runs(self, number: int) -> bool:
        """Whether a DataNode is in touch with the NameNode."""
        netloc = f"{self.hosts[number]}:{self._data_ports[number][1]}"
        actors = json.loads(self.bean(netloc, "DataNode", "DataNodeInfo").get("BPServiceActorInfo", "[]"))
        return bool(actors) and all(actor["ActorState"] == "RUNNING" for actor in actors)

    def copies(self, storage: Storage, path: str, count: int = 2) -> tuple[str, ...]:
        """The hosts that hold a file of one block, once the NameNode has heard of `count` copies.

        A write ends when one copy is finished; who asks then may be told of that one alone.
        """
        found: tuple[str, ...] = ()

        def are_known() -> bool:
            nonlocal found
            found = storage.blocks(path)[0].hosts
            return len(set(found)) == count

        self.wait_until(are_known)
        return found

    def wait_until(self, condition: Callable[[], bool], seconds: float = READY_MAY_TAKE) -> None:
        """Ask ten times a second. Fails with the logs' ends when a process ends meanwhile, or the time is over."""
        end = time.monotonic() + seconds
        while not condition():
            gone = [name for name, process in self.processes.items() if process.poll() is not None]
            assert not gone, f"{gone[0]} ended: {self.log(gone[0])}"
            assert time.monotonic() < end, f"not so after {seconds:.0f} s: {self.state()} {self.log('name')}"
            time.sleep(0.1)

    def shell(self, *words: str) -> None:
        """What ``hdfs dfs`` does. Fails with what it says."""
        name, main = f"dfs{words[0]}", "org.apache.hadoop.fs.FsShell"
        assert self._spawn(name, main, {}, *words).wait(READY_MAY_TAKE) == 0, self.log(name)

    def log(self, name: str) -> str:
        """The end of a process's log."""
        return (self.root / f"{name}.log").read_text(errors="replace")[-4000:]

    def _spawn(self, name: str, main: str, properties: dict[str, str], *words: str) -> subprocess.Popen[bytes]:
        given = self._properties() | properties
        if self._configured:
            given = {key: value for key, value in given.items() if key in PLACES}
        options = [f"-D{key}={value}" for key, value in given.items()]
        logging = [] if self._configured else [f"-Dlog4j.configuration=file:{self.root}/log4j.properties"]
        temporary = self.root / "java"  # what a killed one leaves goes with the rest
        temporary.mkdir(parents=True, exist_ok=True)
        java = [
            "java",
            *self._jvm,
            f"-Djava.io.tmpdir={temporary}",
            *logging,
            "-cp",
            self._class_path,
            main,
            *options,
            *words,
        ]
        # setpriv has the kernel end it should this process die; it runs java in its own place
        guard = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HADOOP_")}
        environment |= self._environment

        def start() -> subprocess.Popen[bytes]:
            with (self.root / f"{name}.log").open("ab") as log:
                return subprocess.Popen(
                    [*guard, *java], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                    start_new_session=True,
                )  # fmt: skip

        return self._starter.submit(start).result()

    def _properties(self) -> dict[str, str]:
        return {
            "fs.defaultFS": f"hdfs://127.0.0.1:{self._rpc_port}",
            "hadoop.tmp.dir": f"{self.root}/tmp",
            "hadoop.http.staticuser.user": getpass.getuser(),
            "dfs.client.use.datanode.hostname": "true",
            "dfs.heartbeat.interval": "1",
        }

    def _name_properties(self) -> dict[str, str]:
        return {
            "dfs.namenode.name.dir": f"file://{self.root}/name",
            "dfs.namenode.rpc-address": f"127.0.0.1:{self._rpc_port}",
            "dfs.namenode.http-address": self.netloc,
            "dfs.namenode.datanode.registration.ip-hostname-check": "false",
            # A DataNode is dead after 2 * recheck + 10 * heartbeat = 12 s, stale (asked last) after 3 s.
            "dfs.namenode.heartbeat.recheck-interval": "1000",
            "dfs.namenode.stale.datanode.interval": "3000",
            "dfs.namenode.avoid.read.stale.datanode": "true",
            "dfs.namenode.avoid.write.stale.datanode": "true",
            "dfs.namenode.redundancy.interval.seconds": "1s",
            "dfs.namenode.safemode.extension": "0",
        }

    def _data_properties(self, number: int) -> dict[str, str]:
        host, (transfer, http, ipc) = self.hosts[number], self._data_ports[number]
        return {
            "dfs.datanode.hostname": host,
            # To the NameNode all come from 127.0.0.1: ports must differ, and peers must go by the host's name.
            "dfs.datanode.use.datanode.hostname": "true",
            "dfs.datanode.address": f"{host}:{transfer}",
            "dfs.datanode.http.address": f"{host}:{http}",
            "dfs.datanode.ipc.address": f"{host}:{ipc}",
            "dfs.datanode.data.dir": f"file://{self.data_folder(number)}",
        }


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="hdfs-") as name:
        cluster = Hdfs(Path(name))
        try:
            cluster.start()
            print(cluster.uri("/"), *map(str, map(cluster.data_folder, range(3))), flush=True)
            signal.pause()
        except KeyboardInterrupt:
            pass
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
