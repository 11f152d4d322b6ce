"""``ltdesk [FILE]``: the window."""

from __future__ import annotations

import argparse


def main(args: argparse.Namespace) -> int:
    """Open the window on what was named."""
    from ltdesk.ui.start import main as run_window

    return int(run_window(args.file))
