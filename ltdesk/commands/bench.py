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
from ltdesk.commands.bench_tables import VARIANTS, as_variants_table
from ltdesk.commands.requests import open_requested
from ltdesk.commands.say import say
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
        figures = described(dataset, threads)
        if "analyses" in args.tables:
            figures |= _analyses(dataset, threads, args.rounds)
            say(as_table(figures))
        for name in [name for name in args.tables if name in VARIANTS]:
            figures[name] = VARIANTS[name](dataset, threads, args.rounds)
            say(f"\n{as_variants_table(name, figures[name])}")
        if peers:
            figures["peers"] = compare(dataset, cases(dataset.frame_shape), peers, threads, args.rounds)
            say(f"\n{as_peers_table(figures['peers'])}")
    if args.json:
        write_text(args.json, json.dumps(figures, indent=1) + "\n")
    return 0


def _analyses(dataset: Dataset, threads: int, rounds: int) -> dict[str, Any]:
    todo = cases(dataset.frame_shape)
    with tqdm(total=rounds * len(todo), desc="bench", disable=None) as bar:
        plain = time_cases(dataset, todo, threads, rounds, lambda: _step(bar))
    return as_figures(dataset, todo, plain)


def described(dataset: Dataset, threads: int) -> dict[str, Any]:
    """The machine and the scan, as JSON values."""
    return {
        "machine": f"{cpu_name()}, Python {platform.python_version()}, {sys.platform}",
        "threads": threads,
        "format": dataset.format,
        "shape": list(dataset.shape),
        "dtype": dataset.dtype.str,
        "bytes": dataset.nbytes,
    }


def cpu_name() -> str:
    """What the system calls its processor, and how many of its cores this process may use."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{default_threads()} cores of {names[0] if names else platform.processor() or platform.machine()}"


def as_figures(dataset: Dataset, todo: list[Case], plain: list[float]) -> dict[str, Any]:
    """What was measured, as JSON values."""
    one_pass = min(plain)
    return {
        "read_ms": one_pass * 1e3,
        "read_gb_s": dataset.nbytes / one_pass / 1e9,
        "peak_memory_mb": peak_memory(),
        "cases": {
            case.name: {
                "ms": min(case.seconds) * 1e3,
                "gb_s": dataset.nbytes / min(case.seconds) / 1e9,
                "passes": min(case.seconds) / one_pass,
                "memory_mb": case.memory / 1e6,
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
        figures["machine"],
        "",
        "| analysis | ms | GB/s | of the bandwidth | passes | MB beside the page cache |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {case['ms']:.0f} | {case['gb_s']:.1f} | {100 / case['passes']:.0f} % | {case['passes']:.2f} | "
        f"{case['memory_mb']:.0f} |"
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
