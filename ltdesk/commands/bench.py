"""``ltdesk bench``: the analyses against this machine's memory bandwidth, and against other programs."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ltdesk.commands.bench_peers import as_peers_table, compare
from ltdesk.commands.requests import open_requested
from ltdesk.engine.atomic import write_text
from ltdesk.engine.bench import Case, cases, time_cases
from ltdesk.engine.bench_peer import peer_commands
from ltdesk.engine.dataset import Dataset
from ltdesk.engine.local import default_threads


def main(args: argparse.Namespace) -> int:
    """Time all cases on the file or the demo scan and print a table."""
    threads = args.threads or default_threads()
    peers = peer_commands(Path(args.peers_in), args.peers) if args.peers else {}
    with open_requested(args, args.file or _demo(args.size)) as dataset:
        todo = cases(dataset.frame_shape)
        with tqdm(total=args.rounds * len(todo), desc="bench", disable=None) as bar:
            plain = time_cases(dataset, todo, threads, args.rounds, lambda: _step(bar))
        figures = as_figures(dataset, todo, plain, threads)
        print(as_table(figures))
        if peers:
            figures["peers"] = compare(dataset, cases(dataset.frame_shape), peers, threads, args.rounds)
            print(f"\n{as_peers_table(figures['peers'])}")
    if args.json:
        write_text(args.json, json.dumps(figures, indent=1) + "\n")
    return 0


def as_figures(dataset: Dataset, todo: list[Case], plain: list[float], threads: int) -> dict[str, Any]:
    """What was measured, as JSON values."""
    one_pass = min(plain)
    return {
        "machine": f"{platform.machine()}, Python {platform.python_version()}, {sys.platform}",
        "threads": threads,
        "format": dataset.format,
        "shape": list(dataset.shape),
        "dtype": dataset.dtype.str,
        "bytes": dataset.nbytes,
        "read_ms": one_pass * 1e3,
        "read_gb_s": dataset.nbytes / one_pass / 1e9,
        "peak_memory_mb": peak_memory(),
        "cases": {
            case.name: {
                "ms": min(case.seconds) * 1e3,
                "gb_s": dataset.nbytes / min(case.seconds) / 1e9,
                "passes": min(case.seconds) / one_pass,
            }
            for case in todo
        },
    }


def as_table(figures: dict[str, Any]) -> str:
    """The figures as a Markdown table."""
    shape = "x".join(str(n) for n in figures["shape"])
    lines = [
        f"{shape} {figures['dtype']} {figures['format']}, {figures['threads']} threads; a pass is "
        f"{figures['read_ms']:.0f} ms ({figures['read_gb_s']:.1f} GB/s); "
        f"peak memory {figures['peak_memory_mb']:.0f} MB, mapped pages included",
        "",
        "| analysis | ms | GB/s | passes |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {case['ms']:.0f} | {case['gb_s']:.1f} | {case['passes']:.2f} |"
        for name, case in figures["cases"].items()
    ]
    return "\n".join(lines)


def peak_memory() -> float:
    """The most memory this process had at once, in MB; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _step(bar: tqdm[Any]) -> None:
    bar.update()


def _demo(size: Any) -> str:
    from ltdesk.engine.demo import ensure_demo

    return str(ensure_demo(size))
