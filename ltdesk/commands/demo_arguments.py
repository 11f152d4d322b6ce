"""The words of ``ltdesk demo``."""

from __future__ import annotations

import argparse

HELP = "make the demo scan, a simulated particle field, and open it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All arguments of the command."""
    parser.add_argument("--size", choices=("small", "medium", "large"), default="small", help="75 MB, 2.1 GB or 34 GB")
    parser.add_argument("--out", metavar="FILE", help="write it here and open no window")
