"""Checksums against their definitions."""

from __future__ import annotations

import hashlib
import struct

from hypothesis import given
from hypothesis import strategies as st

from ltdesk.engine.storage.checksums import HDFS_CHUNK, Sums, crc_of

CASTAGNOLI = 0x82F63B78


def brute_crc(data: bytes) -> int:
    """CRC32C bit by bit."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (CASTAGNOLI if value & 1 else 0)
    return value ^ 0xFFFFFFFF


@given(st.lists(st.binary(max_size=700), max_size=5))
def test_pieces_change_nothing(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    sums = Sums(chunked=True)
    for piece in pieces:
        sums.update(memoryview(piece))
    assert (sums.crc, sums.size) == (brute_crc(data), len(data))
    assert crc_of(memoryview(piece) for piece in pieces) == sums.crc
    chunks = [data[at : at + HDFS_CHUNK] for at in range(0, len(data), HDFS_CHUNK)]
    crcs = b"".join(struct.pack(">I", brute_crc(chunk)) for chunk in chunks)
    assert sums.hdfs_md5() == hashlib.md5(hashlib.md5(crcs).digest()).digest()


def test_the_check_value_of_the_standard() -> None:
    assert crc_of([memoryview(b"123456789")]) == 0xE3069283
