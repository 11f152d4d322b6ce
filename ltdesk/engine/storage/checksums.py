"""Checksums of what is stored: CRC32C, computed by the package ``crc32c`` (15 GB/s a core from memory).

HDFS keeps a CRC32C for each 512 bytes and tells of a file either their combination, which is the file's own CRC32C,
or an MD5 of them. Its data nodes (3.4) tell the MD5 over WebHDFS, whatever ``dfs.checksum.combine.mode`` says; from the
same CRCs it can be made here, so that nothing has to be read back.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping

from crc32c import crc32c

HDFS_CHUNK = 512
COMPOSITE, MD5 = "COMPOSITE-CRC32C", "MD5-of-0MD5-of-512CRC32C"
"""Bytes to a CRC in HDFS unless a cluster sets it otherwise."""


def crc_of(pieces: Iterable[memoryview]) -> int:
    """The CRC32C of pieces that follow one another."""
    value = 0
    for piece in pieces:
        value = crc32c(piece, value)
    return value


def is_composite(told: Mapping[str, str]) -> bool:
    """Whether what GETFILECHECKSUM tells is the file's CRC32C."""
    return told["algorithm"] == COMPOSITE


def agrees(told: Mapping[str, str], sums: Sums) -> bool:
    """Whether what GETFILECHECKSUM tells of a file of one block is the checksum of what was seen here.

    False also where it is of a kind that can't be compared. Raises KeyError, ValueError for what it doesn't tell.
    """
    value = bytes.fromhex(told["bytes"])
    if is_composite(told):
        return value[:4] == sums.crc.to_bytes(4, "big")
    return told["algorithm"] == MD5 and value[12:28] == sums.hdfs_md5()


class Sums:
    """Checksums of a stream, grown piece by piece.

    crc : CRC32C of all bytes so far
    size : how many
    """

    def __init__(self, chunked: bool = False) -> None:
        """`chunked`: keep up what `hdfs_md5` needs too (3 GB/s a core)."""
        self.crc = 0
        self.size = 0
        self._chunks = hashlib.md5(usedforsecurity=False) if chunked else None
        self._rest = b""

    @classmethod
    def known(cls, crc: int, size: int) -> Sums:
        """Of a stream that was seen before."""
        sums = cls()
        sums.crc, sums.size = crc, size
        return sums

    def update(self, piece: memoryview) -> None:
        """Take in the next bytes."""
        self.crc = crc32c(piece, self.crc)
        self.size += len(piece)
        if self._chunks is not None:
            self._update_chunks(piece)

    def hdfs_md5(self) -> bytes | None:
        """The MD5 that HDFS gives for a file of one block; None where it was not kept up.

        HDFS takes the MD5 of its blocks' MD5s in a buffer that it leaves at 32 bytes, for ever since it once did.
        """
        if self._chunks is None:
            return None
        block = self._chunks.copy()
        if self._rest:
            block.update(struct.pack(">I", crc32c(self._rest)))
        return hashlib.md5(block.digest() + bytes(16), usedforsecurity=False).digest()

    def _update_chunks(self, piece: memoryview) -> None:
        assert self._chunks is not None
        if self._rest:
            missing = HDFS_CHUNK - len(self._rest)
            self._rest += bytes(piece[:missing])
            piece = piece[missing:]
            if len(self._rest) < HDFS_CHUNK:
                return
            self._chunks.update(struct.pack(">I", crc32c(self._rest)))
        whole = len(piece) - len(piece) % HDFS_CHUNK
        crcs = [crc32c(piece[at : at + HDFS_CHUNK]) for at in range(0, whole, HDFS_CHUNK)]
        self._chunks.update(struct.pack(f">{len(crcs)}I", *crcs))
        self._rest = bytes(piece[whole:])
