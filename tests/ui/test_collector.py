"""Garbage goes while the event loop runs, in the GUI thread alone."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from ltdesk.ui.collector import Collector


class Node:
    """Part of a cycle that only the collector can free."""

    died_in: list[threading.Thread]

    def __init__(self) -> None:
        self.self = self

    def __del__(self) -> None:
        Node.died_in.append(threading.current_thread())


@pytest.fixture
def collector(qapp: object) -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()
    collector.deleteLater()


def test_cycles_made_by_threads_are_freed_in_the_gui_thread(collector: Collector, qtbot) -> None:
    Node.died_in = []
    made = threading.Thread(target=lambda: [Node() for _ in range(3000)])
    made.start()
    made.join()
    assert not Node.died_in
    collector._settling = 0
    qtbot.waitUntil(lambda: len(Node.died_in) == 3000)
    assert set(Node.died_in) == {threading.main_thread()}


def test_after_it_python_collects_by_itself_again(qapp: object) -> None:
    collector = Collector()
    assert not gc.isenabled()
    assert gc.get_freeze_count()
    collector.close()
    assert gc.isenabled()
    assert not gc.get_freeze_count()
    node = weakref.ref(Node())
    Node.died_in = []
    gc.collect()
    assert node() is None
