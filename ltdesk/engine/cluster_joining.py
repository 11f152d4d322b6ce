"""Workers that join a cluster and leave it: they are met before they get work, and what they held goes to others."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from ltdesk.engine.cluster_dispatch import KILLED, Dispatch
from ltdesk.errors import ClusterError

log = logging.getLogger(__name__)

AGAIN = 0.1
"""Seconds between two attempts to meet a worker."""


class Joining:
    """Keeps the roster, by what the scheduler tells.

    left_out : why a worker gets no work, by its address
    """

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch
        self.left_out: dict[str, ClusterError] = {}
        self._meeting: dict[str, asyncio.Task[Any]] = {}

    async def listen(self) -> None:
        """Meet those that are there, and those that come."""
        with contextlib.suppress(OSError, TimeoutError):  # lost again: the watch sees it
            await self._dispatch.link.listen(self._event)
            for address in await self._dispatch.link.workers():
                self._meet(address)

    async def first(self, seconds: float) -> None:
        """Wait for those that are there. Raises ClusterError where all are left out."""
        met = asyncio.gather(*self._meeting.values(), return_exceptions=True)
        with contextlib.suppress(TimeoutError):  # those that take longer join when they answer
            await asyncio.wait_for(asyncio.shield(met), seconds)
        if self.left_out and not len(self._dispatch.roster):
            raise next(iter(self.left_out.values()))

    def forget_all(self) -> None:
        """The scheduler is lost, and its workers with it."""
        for meeting in self._meeting.values():
            meeting.cancel()
        for worker in self._dispatch.roster:
            self._dispatch.roster.remove(worker.address)

    def _event(self, message: dict[str, Any]) -> None:
        if message.get("action") == "add-worker":
            self._meet(message["worker"])
        elif message.get("action") == "remove-worker":
            self._leave(message)

    def _meet(self, address: str) -> None:
        if address not in self._dispatch.roster and address not in self._meeting:
            self._meeting[address] = self._dispatch.spawn(self._join(address))

    async def _join(self, address: str) -> None:
        """Take a worker in once it answers; one that has other versions is left out."""
        try:
            while self._dispatch.link.is_up and not await self._has_joined(address):
                await asyncio.sleep(AGAIN)
        except ClusterError as error:
            log.warning("a worker is left out: %s", error)
            self.left_out[address] = error
        finally:
            self._meeting.pop(address, None)
        self._dispatch.pump()

    async def _has_joined(self, address: str) -> bool:
        """Whether a worker was taken in, or is gone. Raises ClusterError where it has other versions."""
        try:
            if identity := (await self._dispatch.link.workers()).get(address):
                self._dispatch.roster.add(await self._dispatch.link.meet(address, identity))
        except (OSError, TimeoutError):
            return False
        return True

    def _leave(self, message: dict[str, Any]) -> None:
        address = message["worker"]
        self._dispatch.roster.remove(address)
        self.left_out.pop(address, None)
        if meeting := self._meeting.get(address):
            meeting.cancel()
        held, died = set(message.get("processing-tasks", ())), not message.get("expected")
        for run in list(self._dispatch.runs):
            for key in held & run.resent.keys():  # before it was let go, dask had given it to this worker
                run.killed(run.resent.pop(key), address, KILLED)
            for flight in [flight for flight in run.flights if flight.worker.address == address or flight.key in held]:
                self._dispatch.drop(flight)
                if flight.key in held and died and not flight.late:
                    run.resent[flight.key] = flight.indices
                    run.killed(flight.indices, address, KILLED)
                else:
                    run.give_back(flight.indices)
            self._dispatch.check(run)
        self._dispatch.pump()
