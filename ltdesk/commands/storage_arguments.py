"""The words of ``ltdesk storage``."""

from __future__ import annotations

import argparse

HELP = "the ingested scans of a storage: list, verify, remove"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All arguments of the command."""
    actions = parser.add_subparsers(dest="action", required=True)
    ls = actions.add_parser(
        "ls",
        help="what is in a folder: scans with their shapes and state",
        description="List scans with their shapes and state.",
    )
    ls.add_argument("--json", action="store_true", help="as one JSON object a line")
    verify = actions.add_parser(
        "verify",
        help="read a scan's files and compare their checksums",
        description="Read a scan's files and compare their checksums.",
    )
    rm = actions.add_parser("rm", help="remove a scan, nothing else", description="Remove a scan, nothing else.")
    for action in (ls, verify, rm):
        action.add_argument("uri", metavar="URI", help="webhdfs://[USER@]NAMENODE:9870/path or file:///path")
