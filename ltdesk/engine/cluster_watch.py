"""What does not report itself: tasks that are overdue, workers that answer nothing, a scheduler that is lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from ltdesk.engine.cluster_dispatch import Dispatch
from ltdesk.engine.cluster_joining import Joining
from ltdesk.engine.cluster_link import Link
from ltdesk.engine.cluster_run import ClusterRun, Flight
from ltdesk.errors import ClusterError

log = logging.getLogger(__name__)

TICK = 0.1
LONGEST_TASK = 60.0
"""Seconds more that a worker may take that still answers: its first task opens the scan and compiles."""
RETRY = 0.5
"""Seconds between two attempts to reach a scheduler that is lost."""
WORKERS_PATIENCE = 120.0
"""Seconds that a job waits for a worker to join where there are none."""


class Watch:
    """Looks ten times a second.

    lost_at : when the connection was lost, on the monotonic clock; None while it is there
    closed : a lost connection is no longer looked for
    """

    def __init__(self, dispatch: Dispatch, joining: Joining, timeout: float, lost_patience: float) -> None:
        self._dispatch, self._joining = dispatch, joining
        self._timeout, self._lost_patience = timeout, lost_patience
        self.lost_at: float | None = None
        self.closed = False

    async def keep(self) -> None:
        """See to all that is under way, and to the connection when it is lost."""
        while True:
            await self._watch_while_up()
            if not await self._come_back():
                return

    async def _watch_while_up(self) -> None:
        """See to what is overdue, to jobs that were cancelled, and to whether the scheduler is still there."""
        loop = asyncio.get_running_loop()
        no_workers_since = loop.time()
        while self._dispatch.link.is_up:
            await asyncio.sleep(TICK)
            now = loop.time()
            if len(self._dispatch.roster) or not self._dispatch.runs:
                no_workers_since = now
            for run in list(self._dispatch.runs):
                self._see_to(run, now)
                if now - no_workers_since > WORKERS_PATIENCE:
                    self._dispatch.end(
                        run,
                        ClusterError(
                            f"{self._dispatch.link.address}: has no workers", "Start some: dask worker ADDRESS."
                        ),
                    )
            self._dispatch.pump()

    def _see_to(self, run: ClusterRun, now: float) -> None:
        run.tell(self._dispatch.roster)
        if run.stop_by is not None and now > run.stop_by:
            self._dispatch.end(run)
        for flight in [flight for flight in run.flights if now > flight.due and not flight.late]:
            if flight.asked:
                self._give_to_others(flight)
            else:
                flight.asked, flight.due = True, now + LONGEST_TASK
                self._dispatch.spawn(self._ask(flight))

    async def _ask(self, flight: Flight) -> None:
        """See whether a worker still answers that lets a task wait; if not, others get its work until it does."""
        worker = flight.worker
        asked = asyncio.ensure_future(self._dispatch.link.ask(worker.address))
        with contextlib.suppress(OSError):
            try:
                await asyncio.wait_for(asyncio.shield(asked), self._dispatch.patience)
            except TimeoutError:
                self._dispatch.roster.set_silent(worker, True)
                for waiting in list(worker.flights):
                    self._give_to_others(waiting)
                self._dispatch.pump()
                await asked
        self._dispatch.roster.set_silent(worker, False)

    def _give_to_others(self, flight: Flight) -> None:
        log.warning("%s lets a task wait; its partitions are given to others", flight.worker.address)
        flight.late = True
        flight.run.give_back(flight.indices)

    async def _come_back(self) -> bool:
        """Connect again and go on, as long as jobs wait for that; otherwise they fail. Whether it is back."""
        self.lost_at = time.monotonic()
        self._take_all_back()
        await self._dispatch.link.close()  # it would look for the scheduler too
        while not self.closed and time.monotonic() < self.lost_at + self._lost_patience:
            try:
                fresh = await Link.connect(self._dispatch.link.address, 0, 0, self._timeout)
            except ClusterError as error:
                log.info("%s", error)
                await asyncio.sleep(RETRY)
                continue
            self._dispatch.link, self.lost_at = fresh, None
            await self._joining.listen()
            return True
        self._give_up()
        return False

    def _take_all_back(self) -> None:
        """What was under way waits again: the workers of a scheduler that comes back know nothing of it."""
        self._joining.forget_all()
        for run in list(self._dispatch.runs):
            run.refused.clear()
            for flight in list(run.flights):
                self._dispatch.drop(flight)
                run.give_back(flight.indices)
        self._dispatch.pump()

    def _give_up(self) -> None:
        self._dispatch.error = ClusterError(
            f"{self._dispatch.link.address}: the connection to the scheduler is lost",
            "Connect again when it is back, and run again.",
        )
        for run in list(self._dispatch.runs):
            self._dispatch.end(run, self._dispatch.error)
