"""Connecting to a dask scheduler, with clear errors, and seeing to it that all have the same versions."""

from __future__ import annotations

import asyncio
import logging
import ssl
import warnings
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import dask
from distributed import Client, LocalCluster
from distributed.comm.core import FatalCommClosedError
from distributed.versions import get_versions

from ltdesk.errors import ClusterError, UsageError

log = logging.getLogger(__name__)

PROTOCOLS = ("tcp", "tls")
OUR_WAY = {
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.allowed-failures": 0,
    "distributed.worker.profile.enabled": False,
}
"""Which worker does what is decided here, by where the bytes are; dask would move waiting tasks regardless. How many
workers a partition has taken along is counted here; dask would give it to the next ones before we hear of it. Nor is it
to look a hundred times a second at what each thread does: nobody reads that."""
PACKAGES = {"ltdesk": 9, "python": 2, "numpy": 2, "numba": 2, "distributed": 9}
"""What has to be the same everywhere, with how many parts of the version count: numbers are to be the same to the
byte, and dask's messages have no versions of their own."""
OURS = ["ltdesk", "numba"]
"""Those that dask doesn't look at by itself."""
ON_SCHEDULER = ("ltdesk", "python", "distributed")
"""It computes nothing, but it reads which function a task calls."""

warnings.filterwarnings("ignore", "Mismatched versions found")  # dask's own look at them; what matters is said below


async def start_cluster(workers: int, threads: int) -> Any:
    """A cluster of processes on this machine."""
    with dask.config.set(OUR_WAY):
        return await LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=workers,
            threads_per_worker=threads,
            asynchronous=True,
            dashboard_address=None,
            memory_limit=0,  # dask counts mapped files as memory taken, and would pause and kill
            silence_logs=logging.CRITICAL,
        )


async def connect_client(address: str, timeout: float) -> Any:
    """A client of the scheduler at `address`. Raises ClusterError within about `timeout` seconds."""
    check_address(address)
    client: Any = Client(  # type: ignore[no-untyped-call]
        address, asynchronous=True, timeout=timeout, set_as_default=False, name="ltdesk"
    )
    try:
        await asyncio.wait_for(client, timeout + 1)
        versions = await asyncio.wait_for(client.scheduler.versions(packages=OURS), timeout)
    except (OSError, TimeoutError, ValueError, RuntimeError, TypeError, MemoryError) as error:
        await client.close()
        if address.startswith("tls:") and (distrust := _distrust(address, error)):
            raise distrust from error
        reason = " ".join(str(error).split()) or "no answer"
        if isinstance(error, MemoryError):  # the first bytes are a length to dask: "HTTP/1.1" is one of three exabytes
            reason = "what answers there is something else"
        raise ClusterError(
            f"{address}: there is no dask scheduler that answers within {timeout:g} s ({reason})",
            "Check host and port: dask scheduler says them when it starts.",
        ) from error
    except asyncio.CancelledError:
        await client.close()
        raise
    try:
        check_versions("the scheduler", address, versions, ON_SCHEDULER)
    except ClusterError:
        await client.close()
        raise
    return client


def _distrust(address: str, error: BaseException) -> ClusterError | None:
    """What is wrong with certificates; None where it is something else."""
    way_out = "See distributed.comm.tls in dask's configuration: ca-file, client.cert and client.key."
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    if any(isinstance(cause, TypeError) and "ssl_context" in str(cause) for cause in causes):
        return ClusterError(f"{address}: there are no certificates here to connect with", way_out)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ClusterError(f"{address}: its certificate is not trusted here ({cause.verify_message})", way_out)
    if any(isinstance(cause, ssl.SSLError | FatalCommClosedError) for cause in causes):
        return ClusterError(f"{address}: it does not trust the certificate given, or speaks no TLS", way_out)
    if any(isinstance(cause, ValueError) for cause in causes):  # it greeted before tornado could ask for TLS
        return ClusterError(f"{address}: it speaks no TLS", way_out)
    return None


def check_address(address: str) -> None:
    """Raises UsageError for what is no scheduler's address."""
    parts = urlsplit(address)
    try:
        whole = parts.scheme in PROTOCOLS and parts.hostname and parts.port
    except ValueError:  # the port is no number
        whole = None
    if not whole:
        raise UsageError(f"{address}: is not a scheduler's address", "Write it like tcp://host:8786.")


def check_versions(who: str, address: str, theirs: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Raises ClusterError where versions differ in what matters."""
    ours, found = versions_of(get_versions(OURS)), versions_of(theirs)
    differ = [name for name in names if _counted(name, ours.get(name)) != _counted(name, found.get(name))]
    if differ:
        there = ", ".join(f"{name} {found.get(name) or 'missing'} (here {ours.get(name)})" for name in differ)
        raise ClusterError(f"{address}: {who} has {there}", "Install the same versions on both sides.")


def own_versions() -> dict[str, str]:
    """Versions here of what has to be the same everywhere, by name."""
    found = versions_of(get_versions(OURS))
    return {name: version for name in PACKAGES if (version := found.get(name))}


def versions_of(answer: Mapping[str, Any]) -> dict[str, str | None]:
    """Version by name, from what dask's own look at the installed packages gives."""
    python = ".".join(str(answer["host"]["python"]).split(".")[:3])
    return {**answer["packages"], "python": python}


def _counted(name: str, version: str | None) -> list[str] | None:
    return version.split(".")[: PACKAGES[name]] if version else None
