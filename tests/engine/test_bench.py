"""`ltdesk bench`: its tables are there in text and JSON, and a result that numpy does not confirm ends it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ltdesk import cli
from ltdesk.engine import bench_variants
from ltdesk.engine.assembly import Assembly
from ltdesk.engine.bench import cases, check
from ltdesk.engine.bench_memory import STATUS, PeakMemory
from ltdesk.engine.local import LocalExecutor
from ltdesk.engine.open import open_dataset
from ltdesk.errors import LtdeskError


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan.npy"
    np.save(path, np.random.default_rng(0).poisson(90, (6, 9, 32, 32)).astype(np.uint16))
    return path


@pytest.fixture
def bench(tmp_path: Path, scan: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command for some tables on small files, and gives what it wrote as JSON."""
    monkeypatch.setattr(bench_variants, "VARIANT_BYTES", 1 << 17)
    monkeypatch.setattr("tqdm.tqdm.monitor_interval", 0)  # else a thread of its own stays

    def run(tables: str) -> Any:
        figures = tmp_path / "figures.json"
        asked = ["bench", str(scan), "--rounds", "2", "--threads", "2", "--tables", tables, "--json", str(figures)]
        assert cli.main(asked) == 0
        return json.loads(figures.read_text())

    return run


def must_be_shown(rows: Any, printed: str) -> None:
    for name, row in rows.items():
        assert f"| {name} |" in printed
        assert row["ms"] > 0
        assert row["gb_s"] > 0


@pytest.mark.timeout(600)  # compiles everything
def test_analyses(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    found = bench("analyses")
    assert list(found["cases"]) == [case.name for case in cases((32, 32))]
    must_be_shown(found["cases"], capsys.readouterr().out)


@pytest.mark.timeout(600)  # compiles a mask for nine types
def test_pixels_and_layouts(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    found = bench("pixels,layouts")
    assert tuple(found["pixels"]["rows"]) == bench_variants.PIXELS
    assert list(found["layouts"]["rows"]) == list(bench_variants.LAYOUTS)
    must_be_shown(found["pixels"]["rows"] | found["layouts"]["rows"], capsys.readouterr().out)


@pytest.mark.timeout(600)
def test_scale(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rows = bench("scale")["scale"]["rows"]
    assert {name: row["gb"] for name, row in rows.items()} == {
        f"{factor}, {threads}": scan_rows * 9 * 2048 / 1e9
        for factor, scan_rows in (("0.25", 2), ("1", 6), ("4", 24))
        for threads in (1, 2)
    }
    assert capsys.readouterr().out.count("0.00 GB") == 6


def test_an_unknown_table(scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["bench", str(scan), "--tables", "analyses,pixel"])
    assert "'pixel' is none of analyses" in capsys.readouterr().err


@pytest.mark.parametrize("name", [case.name for case in cases((32, 32))])
def test_a_wrong_result_is_not_timed(scan: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    results = Assembly.results

    def off_by_a_little(self: Assembly, execution: Any = None) -> Any:
        found = results(self, execution)
        for array in found.arrays.values():
            array += np.ones(1, array.dtype)[0] * max(1, int(np.nanmax(np.abs(array)) / 1000))
        return found

    monkeypatch.setattr(Assembly, "results", off_by_a_little)
    case = next(case for case in cases((32, 32)) if case.name == name)
    with (
        open_dataset(str(scan)) as dataset,
        LocalExecutor(1) as executor,
        pytest.raises(LtdeskError, match="is not what numpy gives"),
    ):
        check(executor, dataset, case)


def test_files_hold_what_their_names_say(tmp_path: Path, scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_variants, "VARIANT_BYTES", 1 << 18)
    with open_dataset(str(scan)) as source:
        for name, path in bench_variants.pixel_files(tmp_path, source).items():
            with open_dataset(str(path)) as dataset:
                assert dataset.dtype.str == np.dtype(name).str
                assert (1 << 17) < dataset.nbytes <= 1 << 18
                np.testing.assert_array_equal(dataset.frame(1, 5), np.minimum(source.frame(1, 5), 255))
        for path in bench_variants.layout_files(tmp_path, source).values():
            with open_dataset(str(path)) as dataset:
                assert dataset.scan_shape == (14, 9)
                np.testing.assert_array_equal(dataset.frame(13, 5), source.frame(1, 5))


@pytest.mark.skipif(not STATUS.exists(), reason="only Linux says")
def test_memory_beside_files_is_seen() -> None:
    with PeakMemory() as peak:
        block = np.ones(64 << 20, np.uint8)
    with PeakMemory() as later:
        pass
    assert peak.nbytes >= block.nbytes
    del block
    assert later.nbytes > 0
