"""A plug-in format whose partitions wait, fail or kill their process on command, in whatever process they are read.

Commands are files in the folder of the scan: `Commands` writes them. The format is installed as any plug-in's is, by an
entry point on the workers' path.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ltdesk.engine.dataset import Dataset, Tile
from ltdesk.engine.formats.format import Format
from ltdesk.engine.open import open_dataset
from ltdesk.job import DatasetRef, Partition

HEAD = b'{"gated": '
WAITS_MOST = 60.0


class GatedScan(Dataset):
    """What lies in another file, behind a gate."""

    def __init__(self, path: str, ref: DatasetRef) -> None:
        self.inner = open_dataset(json.loads(Path(path).read_bytes())["gated"])
        inner = self.inner
        own = inner.ref.model_copy(update={"uri": ref.uri})
        super().__init__(
            own, inner.scan_shape, inner.frame_shape, inner.dtype, "gated", frames_good=inner.frames_good,
            frames_expected=inner.frames_expected,
        )  # fmt: skip
        self.commands = Commands(Path(path).parent)

    def _read_frame(self, y: int, x: int) -> NDArray[Any]:
        return self.inner.frame(y, x)

    def tiles(self, partition: Partition) -> Iterator[Tile]:
        self.commands.obey(partition.index)
        yield from self.inner.tiles(partition)

    def identity(self) -> Any:
        return self.inner.identity()

    def close(self) -> None:
        self.inner.close()


FORMAT = Format("gated", (".gated",), lambda _path, head: head.startswith(HEAD), GatedScan)


class Commands:
    """What happens to partitions: nothing, until something is commanded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def scan(self, inner: str) -> GatedScan:
        """The scan over a file, in this process."""
        path = self.folder / "scan.gated"
        path.write_bytes(HEAD + json.dumps(inner).encode() + b"}")
        return GatedScan(str(path), DatasetRef(uri=str(path)))

    def shut(self) -> None:
        """From now on, partitions wait."""
        self.shut_at(0)

    def shut_at(self, index: int) -> None:
        """A partition waits, and those after it in the plan."""
        (self.folder / "shut").write_text(str(index))

    def open(self) -> None:
        (self.folder / "shut").unlink()

    def kill_at(self, index: int) -> None:
        """A partition kills the process that reads it."""
        (self.folder / f"kill-{index}").touch()

    def fail_at(self, index: int, times: int = 1000) -> None:
        """A partition can't be read, so many times."""
        for number in range(times):
            (self.folder / f"fail-{index}-{number}").touch()

    @property
    def begun(self) -> dict[int, set[int]]:
        """Ids of the processes that have begun a partition, by its index."""
        found: dict[int, set[int]] = {}
        for path in self.folder.glob("begun-*"):
            _, index, process = path.name.split("-")
            found.setdefault(int(index), set()).add(int(process))
        return found

    def processes(self) -> set[int]:
        return {process for processes in self.begun.values() for process in processes}

    def _shut_at(self) -> float:
        try:
            return float((self.folder / "shut").read_text() or "inf")
        except FileNotFoundError:
            return float("inf")

    def obey(self, index: int) -> None:
        (self.folder / f"begun-{index}-{os.getpid()}").touch()
        end = time.monotonic() + WAITS_MOST
        while index >= self._shut_at() and time.monotonic() < end:
            time.sleep(0.01)
        if (self.folder / f"kill-{index}").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        for path in sorted(self.folder.glob(f"fail-{index}-*"))[:1]:
            path.unlink(missing_ok=True)
            raise OSError(5, "Input/output error", str(self.folder / "scan.gated"))


def install(folder: Path) -> str:
    """Make a folder that, on Python's path, installs the format as a plug-in; its path."""
    info = folder / "ltdesk_gated-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ltdesk-gated\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ltdesk.formats]\ngated = tests.faults.gated_scan:FORMAT\n")
    return str(folder)
