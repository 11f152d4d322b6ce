"""`ltdesk bench --peers`: real peers' processes, and some that fail in every way."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from ltdesk.analysis import SumFrame, SumSignal, VirtualDetector
from ltdesk.cli import main
from ltdesk.commands.bench_peers import as_figures, as_peers_table
from ltdesk.engine.bench import Case, cases
from ltdesk.engine.bench_pairs import Compared, Comparison, Pair
from ltdesk.engine.bench_peer import Peer, PeerError
from ltdesk.engine.open import open_dataset
from ltdesk.errors import LtdeskError
from ltdesk.geometry import Disk

SCRIPTS = Path(__file__).parents[2] / "benchmarks" / "peers"
SHAPE = (5, 7, 20, 24)
TODO = [
    Case("sum_frame", (SumFrame(),)),
    Case("sum_signal", (SumSignal(),)),
    Case("disk", (VirtualDetector(Disk(cy=9.5, cx=11.5, r=4), name="disk"),)),
]
FAKE = """
import sys
sys.path.insert(0, {folder!r})
import h5py, numpy as np
from protocol import NotOffered, serve

class Fake:
    version = "Fake 1"
    def open(self, path, dataset, threads):
        print("a library that talks")
        with h5py.File(path) as file:
            self.scan = file[dataset][()]
    def prepare(self, analyses, masks):
        (one,) = analyses
        work = {{
            "sum_frame": lambda: {{"sum_frame": self.scan.sum(axis=(0, 1), dtype="u8")}},
            "sum_signal": lambda: {{"sum_signal": self.scan.sum(axis=(2, 3), dtype="u8")}},
            "virtual_detector": lambda: {{one["name"]: np.einsum("yxij,ij->yx", self.scan, masks[one["mask"]])}},
        }}
        {change}
        return work[one["kind"]]

serve(Fake())
"""


@pytest.fixture
def comparison(tmp_path: Path) -> Iterator[Comparison]:
    with open_dataset(written(tmp_path / "a.h5")) as dataset:
        comparison = Comparison(dataset, TODO, threads=2)
        try:
            comparison.check()
            yield comparison
        finally:
            comparison.close()


def written(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file["scan/data"] = np.random.default_rng(3).integers(0, 900, SHAPE).astype("<u2")
    return path


def fake(folder: Path, change: str = "") -> list[str]:
    """The command of a peer that computes everything, but for what `change` does to its work."""
    script = folder / "fake.py"
    script.write_text(FAKE.format(folder=str(SCRIPTS), change=change))
    return [sys.executable, str(script)]


def test_pairs_are_timed_in_turn(comparison: Comparison, tmp_path: Path) -> None:
    compared = comparison.against("fake", fake(tmp_path), rounds=3)
    assert (compared.peer, compared.version) == ("fake", "Fake 1")
    assert [pair.case for pair in compared.pairs] == ["sum_frame", "sum_signal", "disk"]
    for pair in compared.pairs:
        assert pair.reason is None
        assert len(pair.ours) == len(pair.theirs) == 3
        assert pair.times > 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("work['sum_signal'] = lambda: 1 / 0", "division by zero"),
        ("if one['kind'] == 'sum_signal': raise NotOffered('has no sum of frames')", "has no sum of frames"),
        ("work['sum_signal'] = lambda: {'sum_signal': self.scan.sum(axis=(2, 3)) + 9}", "differs from numpy's by"),
        ("work['sum_signal'] = lambda: {'sum_signal': self.scan.sum(axis=(3, 2)).T}", "differs from numpy's by inf"),
        ("work['sum_signal'] = lambda: {}", "differs from numpy's by inf"),
        ("work['sum_signal'] = lambda: {'sum_signal': self.scan.sum(axis=(2, 3)) * np.nan}", "differs from numpy's"),
    ],
    ids=["raises", "not offered", "wrong", "other shape", "missing", "nan"],
)
def test_what_a_peer_cannot_do_is_a_row_with_its_reason(
    comparison: Comparison, tmp_path: Path, change: str, reason: str
) -> None:
    first, second, third = comparison.against("fake", fake(tmp_path, change), rounds=1).pairs
    assert second.reason is not None
    assert reason in second.reason
    assert not second.ours
    assert first.reason is None
    assert third.reason is None


def test_a_peer_that_dies_gives_its_last_word_for_the_rest(comparison: Comparison, tmp_path: Path) -> None:
    change = "if one['kind'] == 'sum_signal': import os; print('out of luck', file=sys.stderr, flush=True); os._exit(7)"
    first, second, third = comparison.against("fake", fake(tmp_path, change), rounds=1).pairs
    assert first.reason is None
    assert second.reason == third.reason == "fake: its process ended with 7: out of luck"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ([str(SCRIPTS / "no such program")], "fake: cannot be started"),
        ([sys.executable, "-c", "raise ImportError('no library')"], "ended with 1: ImportError: no library"),
        ([sys.executable, "-c", "print('hello', flush=True); input(); input()"], "fake: is no peer: it said 'hello'"),
    ],
    ids=["absent", "broken", "something else"],
)
def test_a_peer_that_does_not_start(comparison: Comparison, command: list[str], reason: str) -> None:
    compared = comparison.against("fake", command, rounds=1)
    assert [pair.case for pair in compared.pairs] == [case.name for case in TODO]
    for pair in compared.pairs:
        assert pair.reason is not None
        assert reason in pair.reason


def test_a_peer_that_never_answers_is_given_up() -> None:
    with (
        Peer("fake", [sys.executable, "-c", "import time; time.sleep(600)"], timeout=0.2) as peer,
        pytest.raises(PeerError, match=r"fake: no answer within 0\.2 s"),
    ):
        peer.ask("open")


def test_peers_need_a_dataset_of_an_hdf5_file(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones(SHAPE, "<u2"))
    with (
        open_dataset(tmp_path / "a.npy") as dataset,
        pytest.raises(LtdeskError, match=r"a\.npy: peers are compared on"),
    ):
        Comparison(dataset, TODO, threads=1)


def test_the_table_names_the_fastest_and_why_there_is_no_figure() -> None:
    slow = Compared(
        "slow", "Slow 2", peak_mb=100, pairs=[Pair("com", 1.0, [0.1, 0.2], [0.9, 1.6]), Pair("sum", reason="no")]
    )
    fast = Compared("fast", "Fast 1", peak_mb=50, pairs=[Pair("com", 1.0, [0.1], [0.3]), Pair("sum", reason="none")])
    table = as_peers_table({"slow": as_figures(slow), "fast": as_figures(fast)})
    assert "| analysis | ltdesk ms | Slow 2 | Fast 1 | the fastest peer |" in table
    assert "| com | 100 | 8.5 (900 ms) | 3.0 (300 ms) | **3.0** |" in table
    assert "| sum | — | — | — | — |" in table
    assert "Slow 2 without sum: no." in table
    assert "Slow 2 100, Fast 1 50" in table


def test_numpy_computes_every_case_of_the_bench(tmp_path: Path) -> None:
    """The real peer, by the command line, in this environment instead of its own."""
    path = written(tmp_path / "a.h5")
    commands = {"numpy": [sys.executable, str(SCRIPTS / "numpy_peer.py")]}
    (tmp_path / "peers.json").write_text(json.dumps(commands))
    words = ["bench", path, "--peers", "--peers-in", tmp_path, "--rounds", "1", "--json", tmp_path / "out.json"]
    command = [sys.executable, "-m", "ltdesk", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=280)
    assert "the fastest peer" in done.stdout
    found = json.loads((tmp_path / "out.json").read_text())["peers"]["numpy"]
    assert found["version"] == f"numpy {np.__version__}"
    assert list(found["cases"]) == [case.name for case in cases(SHAPE[2:])]
    assert [cell["reason"] for cell in found["cases"].values() if "reason" in cell] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--peers"], "no peers are set up there"),
        (["--peers", "imagej", "--peers-in", "."], "there is no such peer. Peers are numpy"),
    ],
)
def test_peers_that_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "peers.json").write_text(json.dumps({"numpy": ["python"]}))
    assert main(["bench", str(written(tmp_path / "a.h5")), *words]) == 2
    assert message in capsys.readouterr().err
