"""HDFS's blocks: where they lie, and the files that data nodes keep them in, for who runs beside one."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

from ltdesk.engine.storage.storage import LocalFile, NotLocal

DATA_DIRS = "LTDESK_HDFS_DATA_DIRS"
"""Environment: the folders of this host's data node, as its ``dfs.datanode.data.dir`` has them."""


@dataclass(frozen=True, slots=True)
class Located:
    """A block and its copies.

    Attributes
    ----------
    pool, block, generation : name it
    offset, size : which bytes of the file
    hosts : as the data nodes announce themselves; their IP addresses say less (behind one address there may be several)
    nodes : (host, HTTP port) to the address by which the NameNode can be told to leave the node out
    corrupt : no copy is sound
    """

    pool: str
    block: int
    generation: int
    offset: int
    size: int
    hosts: tuple[str, ...]
    nodes: dict[tuple[str, str], str]
    corrupt: bool


def located(blocks: Any) -> list[Located]:
    """From the ``LocatedBlocks`` of GET_BLOCK_LOCATIONS."""
    return [_located(block) for block in blocks["locatedBlocks"]]


def _located(block: Any) -> Located:
    name, copies = block["block"], block["locations"]
    nodes = {
        (copy["hostName"], str(copy[port])): f"{copy['ipAddr']}:{copy['xferPort']}"
        for copy in copies
        for port in ("infoPort", "infoSecurePort")
    }
    return Located(
        pool=name["blockPoolId"], block=name["blockId"], generation=name["generationStamp"],
        offset=block["startOffset"], size=name["numBytes"], corrupt=block["isCorrupt"],
        hosts=tuple(copy["hostName"] for copy in copies), nodes=nodes,
    )  # fmt: skip


def data_folders() -> list[str]:
    """The folders that the environment names: by commas, also with ``[SSD]`` and ``file://`` as Hadoop writes them."""
    text = os.environ.get(DATA_DIRS, "")
    named = [part.strip() for part in text.split(",")]
    plain = [re.sub(r"^(\[\w+\])?(file:(//)?)?", "", part) for part in named]
    return [folder for folder in plain if folder]


def block_file(located: Located, folders: list[str]) -> LocalFile:
    """The finalized file of a block in this host's folders. Raises NotLocal with the reason."""
    for folder in folders:
        path = os.path.join(folder, "current", located.pool, "current", "finalized", *_subfolders(located.block))
        file = os.path.join(path, f"blk_{located.block}")
        try:
            status = os.stat(file)
            os.stat(f"{file}_{located.generation}.meta")  # of this generation, not one that was written before
        except PermissionError as error:
            raise NotLocal(f"{folder}: may not be read", "Give this user read permission there.") from error
        except OSError:
            continue
        if status.st_size != located.size:
            raise NotLocal(f"{file}: has {status.st_size:,} of {located.size:,} bytes")
        key = (located.pool, located.block, located.generation, status.st_ino, status.st_mtime_ns)
        return LocalFile(file, status.st_size, key)
    raise NotLocal(f"block {located.block} is on {', '.join(located.hosts) or 'no host'}, not here")


def _subfolders(block: int) -> tuple[str, str]:
    return f"subdir{block >> 16 & 31}", f"subdir{block >> 8 & 31}"
