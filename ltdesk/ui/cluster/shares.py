"""How much of a job was done beside its bytes, and what each node gave: from what the job says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ltdesk.ui.cluster.trying import plural
from ltdesk.ui.look.figures import rate_text
from ltdesk.ui.look.sizes import size_text

WAYS = (
    ("bytes_mapped", "mapped on the spot"),
    ("bytes_read", "read from a disk"),
    ("bytes_network", "over the network"),
)


def share_text(execution: Mapping[str, Any]) -> str:
    """``98 % local``; empty for a job on this machine, or where no host is nearer to the bytes than another."""
    share = execution.get("local_share")
    return "" if share is None else f"{int(100 * share)} % local"


def share_detail(execution: Mapping[str, Any]) -> str:
    """A line for where partitions ran, one for how bytes came, one for each node; empty for a job on this machine."""
    if execution.get("executor") != "cluster":
        return ""
    lines = []
    if execution.get("partitions_with_holder"):
        on, of = execution["partitions_on_holder"], execution["partitions_with_holder"]
        lines.append(f"{on} of {plural(of, 'partition')} ran on a host that holds it")
    ways = (
        ("bytes_mapped", "mapped on the spot"),
        ("bytes_read", "read from a disk"),
        ("bytes_network", "over the network"),
    )
    came = [f"{size_text(execution[key])} {words}" for key, words in ways if execution.get(key)]
    if came:
        lines.append(", ".join(came))
    for host, node in execution.get("nodes", {}).items():
        parts = plural(int(node["partitions"]), "partition")
        lines.append(f"{host}: {parts}, {size_text(node['bytes'])}, {rate_text(node['MB_per_s'] * 1e6)}")
    return "\n".join(lines)
