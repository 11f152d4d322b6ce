"""The further tables of ``ltdesk bench``: pixel types, layouts, sizes and threads."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ltdesk.engine.bench import Case, cases
from ltdesk.engine.bench_variants import (
    Variant,
    layout_files,
    opened,
    pixel_files,
    scale_files,
    time_variants,
)
from ltdesk.engine.dataset import Dataset

Figures = dict[str, Any]
MASK, FUSED = "ring", "sum + com + ring"


def pixels(dataset: Dataset, threads: int, rounds: int) -> Figures:
    """One mask on one thread, in each pixel type."""
    with _opened(pixel_files, dataset) as files:
        return _timed([Variant(name, _case(MASK, one), one, 1) for name, one in files.items()], rounds)


def layouts(dataset: Dataset, threads: int, rounds: int) -> Figures:
    """One mask on all threads, in each layout."""
    with _opened(layout_files, dataset) as files:
        return _timed([Variant(name, _case(MASK, one), one, threads) for name, one in files.items()], rounds)


def scale(dataset: Dataset, threads: int, rounds: int) -> Figures:
    """Several analyses in one job, on files of several sizes, on one thread and on all."""
    with _opened(scale_files, dataset) as files:
        variants = [
            Variant(f"{name}, {count}", _case(FUSED, one), one, count)
            for name, one in files.items()
            for count in sorted({1, threads})
        ]
        return _timed(variants, rounds)


VARIANTS: dict[str, Callable[[Dataset, int, int], Figures]] = {"pixels": pixels, "layouts": layouts, "scale": scale}


def as_variants_table(name: str, figures: Figures) -> str:
    """The figures of a table as Markdown."""
    return {"pixels": _pixels_table, "layouts": _layouts_table, "scale": _scale_table}[name](figures)


@contextmanager
def _opened(write: Callable[[Path, Dataset], dict[str, Path]], dataset: Dataset) -> Iterator[dict[str, Dataset]]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ltdesk-bench-", ignore_cleanup_errors=True))
        yield opened(stack, write(Path(folder), dataset))


def _case(name: str, dataset: Dataset) -> Case:
    return next(case for case in cases(dataset.frame_shape) if case.name == name)


def _timed(variants: list[Variant], rounds: int) -> Figures:
    with tqdm(total=rounds * len(variants), desc="bench", disable=None) as bar:
        plain = time_variants(variants, rounds, lambda: _step(bar))
    return {
        "analyses": variants[0].case.name,
        "read_gb_s": max(plain),
        "rows": {
            variant.name: {
                "ms": min(variant.case.seconds) * 1e3,
                "gb": variant.dataset.nbytes / 1e9,
                "gb_s": variant.gb_s,
                "threads": variant.threads,
                "memory_mb": variant.case.memory / 1e6,
            }
            for variant in variants
        },
    }


def _step(bar: tqdm[Any]) -> None:
    bar.update()


def _pixels_table(figures: Figures) -> str:
    rows = figures["rows"]
    first = next(iter(rows))
    lines = [f"| pixels: {figures['analyses']}, 1 thread | GB/s | times as long as {first} a byte |", "|---|---|---|"]
    lines += [f"| {name} | {row['gb_s']:.1f} | {rows[first]['gb_s'] / row['gb_s']:.2f} |" for name, row in rows.items()]
    return "\n".join(lines)


def _layouts_table(figures: Figures) -> str:
    threads = next(iter(figures["rows"].values()))["threads"]
    lines = [
        f"| layout: {figures['analyses']}, {threads} threads; reading takes {figures['read_gb_s']:.1f} GB/s "
        "| GB/s of frames | of the bandwidth | MB beside the page cache |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {row['gb_s']:.1f} | {100 * row['gb_s'] / figures['read_gb_s']:.0f} % | {row['memory_mb']:.0f} |"
        for name, row in figures["rows"].items()
    ]
    return "\n".join(lines)


def _scale_table(figures: Figures) -> str:
    rows = list(figures["rows"].values())
    lines = [
        f"| size: {figures['analyses']} | threads | ms | ms a GB | MB beside the page cache |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['gb']:.2f} GB | {row['threads']} | {row['ms']:.0f} | {row['ms'] / row['gb']:.1f} | "
        f"{row['memory_mb']:.0f} |"
        for row in sorted(rows, key=lambda row: (row["threads"], row["gb"]))
    ]
    return "\n".join(lines)
