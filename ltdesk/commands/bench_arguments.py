"""The words of ``ltdesk bench``."""

from __future__ import annotations

import argparse

from ltdesk.commands.run_arguments import add_layout, positive

TABLES = ("analyses", "pixels", "layouts", "scale")
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
    parser.add_argument(
        "--tables",
        type=tables,
        default=("analyses",),
        metavar="NAME,...",
        help="analyses: all of them on the file; pixels: one mask on one thread in other pixel types; layouts: raw, "
        "chunked and compressed files; scale: 1/4, 1 and 4 times the file, on 1 and more threads; or all. "
        "They need disk and page cache: pixels 2.4 GB, layouts 1.4 GB, scale 5.3 times the file",
    )
    add_layout(parser)


def tables(text: str) -> tuple[str, ...]:
    """Names of tables."""
    names = TABLES if text == "all" else tuple(text.split(","))
    if unknown := set(names) - set(TABLES):
        raise argparse.ArgumentTypeError(f"'{sorted(unknown)[0]}' is none of {', '.join(TABLES)}")
    return names
