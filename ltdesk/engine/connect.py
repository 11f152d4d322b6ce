"""From an address to an executor that runs jobs elsewhere."""

from __future__ import annotations

from typing import Any

from ltdesk.engine.executor import Executor
from ltdesk.errors import UsageError


def connect(address: str, token: str | None = None, timeout: float = 5.0, **options: Any) -> Executor:
    """An executor on the workers of the dask scheduler at ``tcp://host:8786``; `token` is for servers.

    `options` are those of the executor's kind. Raises ClusterError, UsageError.
    """
    if address.startswith(("http://", "https://")):
        raise UsageError(f"{address}: this version connects to dask schedulers only", "Write it like tcp://host:8786.")
    from ltdesk.engine.cluster import ClusterExecutor  # loads dask

    return ClusterExecutor(address, timeout=timeout, **options)
