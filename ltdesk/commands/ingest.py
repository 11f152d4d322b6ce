"""``ltdesk ingest``: copy a scan into a storage."""

from __future__ import annotations

import argparse
import sys

from tqdm import tqdm

from ltdesk.commands.requests import open_requested
from ltdesk.commands.say import say
from ltdesk.engine.ingest import ingest
from ltdesk.engine.ingest_progress import Progress
from ltdesk.errors import JobCancelled


def main(args: argparse.Namespace) -> int:
    """Copy, with a progress bar on a terminal; print the URI that opens the scan."""
    with open_requested(args, args.file) as dataset:
        if dataset.note:
            print(f"ltdesk: {dataset.ref.uri}: {dataset.note}", file=sys.stderr)
        with tqdm(total=0, unit="B", unit_scale=True, desc="ingest", disable=None) as bar:

            def show(progress: Progress) -> None:
                bar.total, bar.initial = progress.bytes_total, progress.bytes_before
                bar.update(progress.bytes_done - bar.n)

            try:
                done = ingest(dataset, args.uri, args.replication, args.in_flight, args.check, progress=show)
            except KeyboardInterrupt:
                kept = f"stopped; {args.uri} keeps what was stored"
                raise JobCancelled(kept, "The same command goes on from there.") from None
    if not done.bytes_sent:
        print(f"ltdesk: {done.uri}: is there already, nothing was sent", file=sys.stderr)
    say(done.uri)
    return 0
