"""Checksums against their definitions."""

from __future__ import annotations

import hashlib
import struct

from hypothesis import given
from hypothesis import strategies as st

from ltdesk.engine.storage.checksums import HDFS_CHUNK, Sums, agrees, crc_of, is_composite

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
    assert sums.hdfs_md5() == hashlib.md5(hashlib.md5(crcs).digest() + bytes(16)).digest()


def test_the_check_value_of_the_standard() -> None:
    assert crc_of([memoryview(b"123456789")]) == 0xE3069283


@given(st.binary(max_size=2000), st.binary(max_size=2000))
def test_what_hdfs_tells_is_compared(data: bytes, other: bytes) -> None:
    """In the two forms in which it tells them; the real ones are tested on a real cluster."""
    seen, plain = Sums(chunked=True), Sums()
    for sums in (seen, plain):
        sums.update(memoryview(data))
    another = Sums(chunked=True)
    another.update(memoryview(other))
    md5 = another.hdfs_md5()
    assert md5 is not None
    told_md5 = {"algorithm": "MD5-of-0MD5-of-512CRC32C", "bytes": f"{512:08x}{0:016x}{md5.hex()}00000000"}
    told_crc = {"algorithm": "COMPOSITE-CRC32C", "bytes": f"{another.crc:08x}"}
    assert agrees(told_md5, seen) == agrees(told_crc, seen) == agrees(told_crc, plain) == (data == other)
    assert not agrees(told_md5, plain), "what was not kept up can't agree"
    assert not agrees(told_md5 | {"algorithm": "MD5-of-1MD5-of-1024CRC32C"}, seen)
    assert (is_composite(told_crc), is_composite(told_md5)) == (True, False)
