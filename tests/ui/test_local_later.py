"""The local executor of the window, which is made when it is first needed."""

from __future__ import annotations

import threading

import pytest

from ltdesk.engine import warm_up
from ltdesk.ui.live.local_later import LocalExecutor


def test_nothing_is_compiled_ahead_for_a_window_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timer for it may come after the end; what it started then would go on without the program."""
    started: list[bool] = []
    monkeypatch.setattr(warm_up, "start_process", lambda: started.append(True))
    executor = LocalExecutor()
    executor.close()
    executor.compile_ahead()
    for thread in threading.enumerate():
        if thread.name == "ltdesk-warm-up":
            thread.join()
    assert started == []
