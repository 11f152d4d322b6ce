"""``ltdesk bench --peers``: the analyses against other programs, as figures and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tqdm import tqdm

from ltdesk.engine.bench import Case
from ltdesk.engine.bench_pairs import Compared, Comparison, Pair
from ltdesk.engine.dataset import Dataset


def compare(
    dataset: Dataset, todo: Sequence[Case], peers: Mapping[str, list[str]], threads: int, rounds: int
) -> dict[str, Any]:
    """What was measured, as JSON values, by the peers' names."""
    figures = {}
    comparison = Comparison(dataset, todo, threads)
    try:
        with tqdm(total=len(todo) * len(peers), desc="check", disable=None) as bar:
            comparison.check()
            for name, command in peers.items():
                bar.set_description(name)
                figures[name] = as_figures(comparison.against(name, command, rounds, lambda: _step(bar)))
    finally:
        comparison.close()
    return figures


def as_figures(compared: Compared) -> dict[str, Any]:
    """One peer's, as JSON values."""
    return {
        "version": compared.version,
        "open_s": compared.opened,
        "peak_memory_mb": compared.peak_mb,
        "cases": {pair.case: _pair(pair) for pair in compared.pairs},
    }


def as_peers_table(figures: Mapping[str, Any]) -> str:
    """The figures as a Markdown table: how many times our time each peer takes, and its best time."""
    names = list(figures)
    cases = list(dict.fromkeys(case for peer in figures.values() for case in peer["cases"]))
    titles = " | ".join(figures[name]["version"] or name for name in names)
    lines = [
        f"| analysis | ltdesk ms | {titles} | the fastest peer |",
        "|---" * (len(names) + 3) + "|",
    ]
    lines += [_row(case, [figures[name]["cases"][case] for name in names]) for case in cases]
    memory = ", ".join(f"{figures[name]['version'] or name} {figures[name]['peak_memory_mb']:.0f}" for name in names)
    return "\n".join([*lines, "", f"Peak memory in MB, mapped pages included: {memory}.", *_reasons(figures)])


def _row(case: str, cells: Sequence[Mapping[str, Any]]) -> str:
    timed = [cell for cell in cells if "ms" in cell]
    ours = f"{min(cell['ours_ms'] for cell in timed):.0f}" if timed else "—"
    fastest = f"**{min(cell['times'] for cell in timed):.1f}**" if timed else "—"
    texts = [f"{cell['times']:.1f} ({cell['ms']:.0f} ms)" if "ms" in cell else "—" for cell in cells]
    return f"| {case} | {ours} | {' | '.join(texts)} | {fastest} |"


def _reasons(figures: Mapping[str, Any]) -> Iterator[str]:
    """Why there is no figure, a line for each peer and reason."""
    for name, peer in figures.items():
        reasons: dict[str, list[str]] = {}
        for case, cell in peer["cases"].items():
            if "reason" in cell:
                reasons.setdefault(cell["reason"], []).append(case)
        for reason, without in reasons.items():
            yield f"{peer['version'] or name} without {', '.join(without)}: {reason}."


def _pair(pair: Pair) -> dict[str, Any]:
    if pair.reason is not None:
        return {"reason": pair.reason}
    return {
        "ours_ms": min(pair.ours) * 1e3,
        "ms": min(pair.theirs) * 1e3,
        "times": pair.times,
        "first_ms": pair.first * 1e3,
        "rounds": len(pair.ours),
    }


def _step(bar: tqdm[Any]) -> None:
    bar.update()
