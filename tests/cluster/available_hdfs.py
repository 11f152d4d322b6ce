"""HDFS with two NameNodes of which either can be in charge: the edits that they share lie in a folder.

Who is in charge is said by Hadoop's own command (``hdfs haadmin``), as an administrator would: there is no ZooKeeper.
"""

from __future__ import annotations

import getpass
import shutil
import signal
from pathlib import Path

from tests.cluster.hdfs import NAMENODE, Hdfs
from tests.ports import free_port

ADMIN = "org.apache.hadoop.hdfs.tools.DFSHAAdmin"
SERVICE, NAMES = "ltdesk", ("nn1", "nn2")


class AvailableHdfs(Hdfs):
    """A cluster whose NameNode may be lost.

    active : the NameNode in charge
    """

    def __init__(self, root: Path, datanodes: int = 2) -> None:
        super().__init__(root, datanodes)
        self._ports = {name: (free_port(), free_port()) for name in NAMES}
        self.active = NAMES[0]
        self._hangs = False

    @property
    def netloc(self) -> str:
        """Host and port of the NameNode in charge."""
        return self.netloc_of(self.active)

    @property
    def standby(self) -> str:
        return next(name for name in NAMES if name != self.active)

    def netloc_of(self, name: str) -> str:
        return f"127.0.0.1:{self._ports[name][1]}"

    def uri(self, path: str) -> str:
        """By both NameNodes, the first one first."""
        return f"webhdfs://{getpass.getuser()}@{','.join(map(self.netloc_of, NAMES))}{path}"

    def start_namenode(self) -> None:
        """Both; the second begins with what the first one is formatted as."""
        if not (self.root / NAMES[0] / "current").is_dir():
            status = self._spawn("format", NAMENODE, self._own(NAMES[0]), "-format", "-nonInteractive").wait(60)
            assert status == 0, self.log("format")
            shutil.copytree(self.root / NAMES[0], self.root / NAMES[1])
        for name in NAMES:
            self.start_one(name)
        self.wait_until(lambda: all(self._role(name) == "standby" for name in NAMES))
        self.put_in_charge(self.active)

    def start_one(self, name: str) -> None:
        """Start a NameNode; it is on standby."""
        self.processes[name] = self._spawn(name, NAMENODE, self._own(name))

    def put_in_charge(self, name: str) -> None:
        """Make it the active one, the other having been fenced off (by a command that does nothing)."""
        words = ["-transitionToActive", name] if name == self.active else ["-failover", self.active, name]
        status = self._spawn("admin", ADMIN, {}, *words).wait(60)
        assert status == 0, self.log("admin")
        self.active = name

    def kill_active(self) -> None:
        self.signal(self.active, signal.SIGKILL)

    def fail_over(self, by: signal.Signals = signal.SIGKILL) -> None:
        """Kill the NameNode in charge, or stop it, and put the other in its place."""
        self.signal(self.active, by)
        self.put_in_charge(self.standby)
        self._hangs = by == signal.SIGSTOP

    def repair(self) -> None:
        """Start the NameNode again that was lost: it is on standby, and could take over."""
        if self._hangs:
            self.signal(self.standby, signal.SIGKILL)
            self._hangs = False
        if self.standby not in self.processes:
            self.start_one(self.standby)
            self.wait_until(self._standby_is_ready)

    def _standby_is_ready(self) -> bool:
        bean = self.bean(self.netloc_of(self.standby), "NameNode", "FSNamesystemState")
        return bean.get("FSState") == "Operational" and bean["NumLiveDataNodes"] == len(self.hosts)

    def log(self, name: str) -> str:
        return super().log(self.active if name == "name" else name)

    def _role(self, name: str) -> str:
        return str(self.bean(self.netloc_of(name), "NameNode", "NameNodeStatus").get("State", ""))

    def _properties(self) -> dict[str, str]:
        service = f"dfs.namenode.%s-address.{SERVICE}.%s"
        addresses = {
            service % (kind, name): f"127.0.0.1:{port}"
            for name, ports in self._ports.items()
            for kind, port in zip(("rpc", "http"), ports, strict=True)
        }
        return super()._properties() | addresses | {
            "fs.defaultFS": f"hdfs://{SERVICE}",
            "dfs.nameservices": SERVICE,
            f"dfs.ha.namenodes.{SERVICE}": ",".join(NAMES),
            f"dfs.client.failover.proxy.provider.{SERVICE}":
                "org.apache.hadoop.hdfs.server.namenode.ha.RequestHedgingProxyProvider",  # see packaging/cluster
            "dfs.ha.fencing.methods": "shell(true)",
            "dfs.namenode.shared.edits.dir": f"file://{self.root}/shared",
            "dfs.ha.tail-edits.period": "1",
            "ipc.client.connect.max.retries": "1",
            "ha.failover-controller.cli-check.rpc-timeout.ms": "1000",
            "ha.failover-controller.graceful-fence.rpc-timeout.ms": "1000",
        }  # fmt: skip

    def _data_properties(self, number: int) -> dict[str, str]:
        # A NameNode put in charge takes for stale what it was told before, until the next whole report: by default that
        # comes after six hours, and a DataNode may be quicker than the command that puts one in charge.
        return super()._data_properties(number) | {"dfs.blockreport.intervalMsec": "3000"}

    def _own(self, name: str) -> dict[str, str]:
        """A NameNode's properties."""
        given = super()._name_properties()
        for key in ("dfs.namenode.rpc-address", "dfs.namenode.http-address"):
            del given[key]
        return given | {"dfs.namenode.name.dir": f"file://{self.root}/{name}", "dfs.ha.namenode.id": name}
