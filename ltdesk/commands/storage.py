"""``ltdesk storage``: the ingested scans of a storage."""

from __future__ import annotations

import argparse
import json
from typing import Any

from tqdm import tqdm

from ltdesk.commands.say import say
from ltdesk.engine.storage import Storage, open_storage
from ltdesk.engine.stored_scans import Stored, look, look_inside, remove, verify
from ltdesk.errors import StorageError


def main(args: argparse.Namespace) -> int:
    """List, verify or remove."""
    storage, path = open_storage(args.uri)
    with storage:
        {"ls": _list, "verify": _verify, "rm": _remove}[args.action](args, storage, path)
    return 0


def _list(args: argparse.Namespace, storage: Storage, path: str) -> None:
    found = look(storage, path)
    for stored in look_inside(storage, path) if found.state == "folder" else (found,):
        say(json.dumps(_facts(stored)) if args.json else _line(stored))


def _verify(_args: argparse.Namespace, storage: Storage, path: str) -> None:
    with tqdm(unit="B", unit_scale=True, desc="verify", disable=None) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        problems = verify(storage, path, show)
    for problem in problems:
        say(problem)
    if problems:
        raise StorageError(f"{storage.uri(path)}: {len(problems)} partitions are not as they should be", _PUT_RIGHT)
    say(f"{storage.uri(path)}: every partition has its checksum")


_PUT_RIGHT = "Put it right by ltdesk ingest --check with the file it came from."


def _remove(_args: argparse.Namespace, storage: Storage, path: str) -> None:
    remove(storage, path)


def _facts(stored: Stored) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "uri": stored.uri,
        "name": stored.name,
        "state": stored.state,
        "bytes": stored.nbytes,
        "problem": stored.problem,
    }
    if stored.sidecar is not None:
        names = ("scan_shape", "frame_shape", "dtype", "frames_good", "frames_expected", "replication", "note")
        facts |= {name: getattr(stored.sidecar, name) for name in names}
        facts["partitions"] = len(stored.sidecar.partitions)
        facts["source"] = stored.sidecar.source.identity.path
    return facts


def _line(stored: Stored) -> str:
    shape = ""
    if stored.sidecar is not None:
        (sy, sx), (ky, kx) = stored.sidecar.scan_shape, stored.sidecar.frame_shape
        shape = f"{sy} x {sx} of {ky} x {kx} {stored.sidecar.dtype}"
    size = f"{stored.nbytes / 1e9:.3f} GB" if stored.nbytes else ""
    return f"{stored.state:<10} {size:>12}  {shape:<28} {stored.name}  {stored.problem}".rstrip()
