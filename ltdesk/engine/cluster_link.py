"""The connection to a scheduler: all that the executor says to dask, and what it hears."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from distributed.utils_comm import gather_from_workers

from ltdesk.engine.cluster_connect import OURS, PACKAGES, check_versions, connect_client, start_cluster
from ltdesk.engine.cluster_run import ClusterRun, Flight
from ltdesk.engine.cluster_tasks import Answer, cancel_here, corners_of, describe_here, run_task
from ltdesk.engine.cluster_workers import Worker

log = logging.getLogger(__name__)

HEARD_AGAIN = 0.05
"""Seconds after which a word to ourselves is repeated: the first came before the scheduler knew that we listen."""
CLOSING_MAY_TAKE = 1.0
"""Seconds: a client whose scheduler is gone would go on looking for it."""


class Link:
    """Use `connect` to make one; everything in its event loop.

    address : of the scheduler
    """

    def __init__(self, address: str, client: Any, cluster: Any, timeout: float) -> None:
        self.address = address
        self._client, self._cluster, self._timeout = client, cluster, timeout
        self._listens = False

    @classmethod
    async def connect(cls, address: str | None, workers: int, threads: int, timeout: float) -> Link:
        """To the scheduler at `address`, or to one that is started here. Raises ClusterError."""
        cluster = await start_cluster(workers, threads) if address is None else None
        address = str(cluster.scheduler_address) if address is None and cluster is not None else str(address)
        try:
            return cls(address, await connect_client(address, timeout), cluster, timeout)
        except BaseException:
            if cluster is not None:
                await cluster.close()
            raise

    @property
    def is_up(self) -> bool:
        return bool(self._client.status == "running")

    async def listen(self, handler: Callable[[dict[str, Any]], None]) -> None:
        """Call `handler` with what the scheduler tells everyone: workers that come and go.

        On return it has heard that we listen, so a worker that is not among its workers then will be told of. That we
        listen, and what we ask, go separate ways: a word of our own that comes back shows it. Raises OSError,
        TimeoutError.
        """
        self._client.subscribe_topic("all", lambda event: handler(event[1]))
        self._listens = True
        own, heard = f"ltdesk {self._client.id}", asyncio.Event()
        self._client.subscribe_topic(own, lambda event: heard.set())
        async with asyncio.timeout(self._timeout):
            while not heard.is_set():
                await self._client.scheduler.log_event(topic=own, msg="")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(heard.wait(), HEARD_AGAIN)
        self._client.unsubscribe_topic(own)

    async def close(self) -> None:
        if self._listens and self.is_up:  # else the scheduler tells us that we are gone, and logs that it can't
            self._client.unsubscribe_topic("all")
        with _without_its_words(), contextlib.suppress(OSError, TimeoutError):
            await self._client.close(timeout=CLOSING_MAY_TAKE)
        if self._cluster is not None:
            with contextlib.suppress(OSError, TimeoutError):
                await self._cluster.close()

    # --- workers ---------------------------------------------------------------------------------------------

    async def workers(self) -> dict[str, dict[str, Any]]:
        """What the scheduler knows of its workers, by address. Raises OSError, TimeoutError."""
        identity = await asyncio.wait_for(self._client.scheduler.identity(n_workers=-1), self._timeout)
        return dict(identity["workers"])

    async def meet(self, address: str, identity: dict[str, Any]) -> Worker:
        """A worker, once it has said what its host is called.

        Raises ClusterError where its versions differ, OSError or TimeoutError where it doesn't answer.
        """
        scheduler, message = self._client.scheduler, {"op": "versions", "packages": OURS}
        asked = scheduler.broadcast(msg=message, workers=[address], on_error="ignore")
        answers = await asyncio.wait_for(asked, self._timeout)
        if address not in answers:
            raise OSError(f"{address} does not answer")
        check_versions("the worker", address, answers[address], tuple(PACKAGES))
        if identity.get("memory_limit"):
            log.info("%s has a memory limit, and dask counts mapped files in: use --memory-limit 0", address)
        names = await asyncio.wait_for(self.ask(address), self._timeout)
        return Worker(
            address, str(identity["name"]), int(identity["nthreads"]), frozenset(names), await _is_reachable(address)
        )

    async def ask(self, address: str) -> list[str]:
        """What a worker's host is called; waits for as long as the worker doesn't answer. Raises OSError."""
        found: dict[str, list[str]] = await self._client.run(describe_here, workers=[address])
        return found[address]

    async def tell_cancelled(self, token: str, workers: Iterable[str]) -> None:
        """Workers stop a job's tasks; one that doesn't answer isn't waited for."""
        with contextlib.suppress(OSError, TimeoutError):
            told = self._client.run(cancel_here, token, workers=list(workers), on_error="ignore")
            await asyncio.wait_for(told, self._timeout)

    # --- tasks -----------------------------------------------------------------------------------------------

    def send(self, run: ClusterRun, flight: Flight, spec: bytes | None) -> Any:
        """A task on its way to a worker, or to another one where that is gone: dask's future of it."""
        return self._client.submit(
            run_task,
            run.token,
            spec,
            corners_of(run.plan[index] for index in flight.indices),
            key=flight.key,
            workers=[flight.worker.address],
            allow_other_workers=True,
            pure=False,
        )

    async def answer(self, flight: Flight) -> Answer | None:
        """What a task gave back; None where it was lost on the way. Raises KilledWorker, OSError.

        Fetched for itself: `Client.gather` fetches what is done in batches, and one worker that hangs would hold up
        the answers of all.
        """
        if (error := await flight.future.exception()) is not None:
            raise error
        if flight.future.status != "finished":
            return None
        if flight.worker.direct:
            # it has the answer, unless dask gave the task to another: asking who has it would cost as much
            where: dict[Any, list[str]] = {flight.key: [flight.worker.address]}
            data = (await gather_from_workers(where, rpc=self._client.rpc))[0]
            if flight.key in data:
                return _as_answer(data[flight.key])
        response = await self._client.scheduler.gather(keys=[flight.key])
        return _as_answer(response["data"][flight.key]) if response["status"] == "OK" else None


@contextlib.contextmanager
def _without_its_words() -> Iterator[None]:
    """dask takes it for an error, and writes a line or a page of it, when a client is closed that looks for its
    scheduler: that it is lost was said before."""

    def is_news(record: logging.LogRecord) -> bool:
        cancelled = record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)
        return not cancelled and not record.getMessage().startswith("Failed to reconnect to scheduler")

    logger = logging.getLogger("distributed.client")
    logger.addFilter(is_news)
    try:
        yield
    finally:
        logger.removeFilter(is_news)


async def _is_reachable(address: str) -> bool:
    """Whether results can be fetched from a worker itself: clusters often show only their scheduler to the outside."""
    parts = urlsplit(address)
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(parts.hostname, parts.port), 1)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _as_answer(value: Any) -> Answer:
    assert isinstance(value, Answer)
    return value
