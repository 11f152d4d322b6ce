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
    parser.add_argument(
        "--peers",
        nargs="?",
        const="all",
        metavar="NAME,…",
        help="compare with other programs, in turn on the same file: numpy, libertem-pipelined, libertem-dask, "
        "py4dstem, hyperspy; without names, with all that are set up",
    )
    parser.add_argument(
        "--peers-in",
        default="build/peers",
        metavar="FOLDER",
        help="where benchmarks/peers/set_up.py made their environments; build/peers by default",
    )
    add_layout(parser)
