"""The words of ``ltdesk ingest``."""

from __future__ import annotations

import argparse

from ltdesk.commands.run_arguments import add_layout, positive

HELP = "copy a scan into a cluster's storage: resumable, verified"
EXAMPLES = """\
example:
  ltdesk ingest scan.h5 webhdfs://namenode:9870/scans/monday
  ltdesk run webhdfs://namenode:9870/scans/monday -o bf.npz --detector bf=disk:64,64,12 --on tcp://scheduler:8786
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All arguments of the command."""
    parser.add_argument("file", metavar="FILE", help="the scan")
    parser.add_argument("uri", metavar="URI", help="webhdfs://[USER@]NAMENODE:9870/path or file:///path, name included")
    parser.add_argument("--replication", type=positive, default=2, metavar="N", help="copies that HDFS keeps (2)")
    parser.add_argument("--in-flight", type=positive, default=4, metavar="N", help="uploads at a time (4)")
    parser.add_argument("--check", action="store_true", help="read what is there already, and replace what is damaged")
    add_layout(parser)
