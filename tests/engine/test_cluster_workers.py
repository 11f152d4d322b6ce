"""Which workers are near the bytes: hosts go by several names, and storages call them by one of these."""

from __future__ import annotations

import pytest

from ltdesk.engine.cluster_workers import Roster, Worker


def near(holder: str, address: str = "tcp://10.0.0.5:40123", name: str = "", names: tuple[str, ...] = ()) -> bool:
    roster = Roster()
    roster.add(Worker("tcp://10.9.9.9:1", "another", names=frozenset({"another.lab"})))
    roster.add(Worker(address, name or address, names=frozenset(names)))
    return roster.near((holder, "no.such.host")) == {address}


@pytest.mark.parametrize(
    ("holder", "given"),
    [
        ("10.0.0.5", {}),
        ("10.0.0.5", {"address": "tcp://192.168.1.5:1", "names": ("10.0.0.5",)}),
        ("fe80::5", {"address": "tls://[fe80::5]:40123"}),
        ("node5", {"address": "tcp://node5:40123"}),
        ("node5", {"name": "node5"}),
        ("node5", {"name": "node5-1"}),
        ("node5.lab", {"names": ("node5.lab",)}),
        ("Node5.LAB", {"names": ("node5.lab",)}),
        ("node5", {"names": ("node5.lab",)}),
        ("node5.lab", {"names": ("node5",)}),
    ],
)
def test_a_host_is_known_by_address_and_by_name(holder: str, given: dict[str, str]) -> None:
    assert near(holder, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("holder", "given"),
    [
        ("10.0.0.50", {}),
        ("10.1.1.1", {"names": ("10.0.0.6",)}),
        ("node50", {"name": "node5"}),
        ("node5.office", {"names": ("node5.lab",)}),
        ("lab", {"names": ("node5.lab",)}),
        ("10", {}),
    ],
)
def test_a_host_is_not_taken_for_another(holder: str, given: dict[str, str]) -> None:
    assert not near(holder, **given)  # type: ignore[arg-type]


def test_workers_that_answer_nothing_or_left_are_not_near() -> None:
    roster = Roster()
    both = [Worker(f"tcp://10.0.0.5:{port}", f"node5-{port}", threads=2) for port in (1, 2)]
    for worker in both:
        roster.add(worker)
    assert roster.near(("node5",)) == {worker.address for worker in both}
    roster.set_silent(both[0], True)
    assert roster.near(("node5",)) == {both[1].address}
    assert roster.threads == 2
    roster.set_silent(both[0], False)
    roster.remove(both[1].address)
    assert roster.near(("node5",)) == {both[0].address}
    assert roster.near(()) == frozenset()
