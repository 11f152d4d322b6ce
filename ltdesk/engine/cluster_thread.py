"""The one thread in which all that concerns a cluster happens, one thing at a time: no locks, and dask's own way."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from tornado.ioloop import IOLoop

T = TypeVar("T")

log = logging.getLogger(__name__)

ENDING_MAY_TAKE = 1.0
"""Seconds that what goes on in the loop has to end once it is cancelled."""


class LoopThread:
    """A thread with an event loop."""

    def __init__(self, name: str) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main(ready)), name=name, daemon=True)
        self._thread.start()
        ready.wait()

    async def _main(self, ready: threading.Event) -> None:
        self.loop = asyncio.get_running_loop()
        self.loop.set_exception_handler(_handle)
        self._stop = asyncio.Event()
        ready.set()
        await self._stop.wait()
        await _end_others()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do `work` in the loop and wait for it; an interrupt of the waiting stops it. Not after `close`."""
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def call(self, function: Any, *args: Any) -> None:
        """Call a function in the loop, soon; nothing where the loop has ended."""
        if self._thread.is_alive() and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(function, *args)

    def close(self) -> None:
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


async def _end_others() -> None:
    """End what still goes on in this loop. A connection that was given up while it was made is then tornado's alone,
    which lets its socket go, open, with the loop."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=ENDING_MAY_TAKE)
    ours = IOLoop.current()
    for stream, _ in list(getattr(ours, "handlers", {}).values()):
        ours.close_fd(stream)


def _handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What no coroutine took care of. dask's senders wait with deadlines that pass after their connection is closed:
    asyncio would write of these to the terminal, beside a job that is done."""
    if isinstance(context.get("exception"), TimeoutError):
        log.debug("nobody waits for this any more: %s", context)
    else:
        loop.default_exception_handler(context)
