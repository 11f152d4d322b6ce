"""The words of ``ltdesk info``."""

from __future__ import annotations

import argparse

from ltdesk.commands.run_arguments import add_layout

HELP = "what is in a file: format, datasets, shapes, dtype, calibration, good frames"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All arguments of the command."""
    parser.add_argument("file", metavar="FILE", help="a scan: a path or URI")
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.add_argument("--check", action="store_true", help="read all frames and count NaN and infinite pixels")
    add_layout(parser)
