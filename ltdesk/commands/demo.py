"""``ltdesk demo``: make the demo scan; open it."""

from __future__ import annotations

import argparse

from tqdm import tqdm

from ltdesk.commands.say import say


def main(args: argparse.Namespace) -> int:
    """Make the demo scan, at FILE or once in the cache; without FILE open it in the window."""
    from ltdesk.engine.demo import ensure_demo, make_demo

    with tqdm(desc="demo scan", unit="frame", disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        if args.out is not None:
            make_demo(args.out, args.size, progress=progress)
        else:
            path = ensure_demo(args.size, progress=progress)
    if args.out is not None:
        say(args.out)
        return 0
    from ltdesk.ui.start import main as run_window

    return int(run_window([str(path)]))
