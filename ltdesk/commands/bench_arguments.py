"""The words of ``ltdesk bench``."""

from __future__ import annotations

import argparse

from ltdesk.commands.run_arguments import add_layout, positive

HELP = "the analyses against this machine's memory bandwidth"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All arguments of the command."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="a scan; by default the demo scan")
    parser.add_argument("--size", choices=("small", "medium"), default="medium", help="of the demo scan: 75 MB, 2.1 GB")
    parser.add_argument("--threads", type=positive, metavar="N", help="by default one a core")
    parser.add_argument("--rounds", type=positive, default=5, metavar="N", help="the least time of N counts")
    parser.add_argument("--json", metavar="FILE", help="write the figures here")
    add_layout(parser)
