"""The tags of Digital Micrograph's files, versions 3 and 4: numbers and texts by path, arrays by their place.

Layout after the description by C. Boothroyd: a header, then groups of tags in groups, big-endian but for the values.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

SIMPLE = {2: "i2", 3: "i4", 4: "u2", 5: "u4", 6: "f4", 7: "f8", 8: "u1", 9: "i1", 10: "i1", 11: "i8", 12: "u8"}
STRUCT, STRING, ARRAY = 15, 18, 20
GROUP, DATA = 20, 21
MOST_TEXT = 4096
PIXELS = "/ImageData/Data"  # these alone may have the type of text and be none
MOST_DEPTH = 64
MOST_BYTES = 1 << 60
"""No file has more, and no system can be asked for what is beyond 2^63."""


class NotTags(Exception):
    """The bytes make no sense as tags; the text says where."""


@dataclass(frozen=True)
class Place:
    """An array that was not read: its first byte, its size."""

    offset: int
    nbytes: int


Value = int | float | str | Place
Tags = dict[str, Value]


def read_tags(path: str) -> tuple[str, Tags]:
    """Byte order of the values, and all tags by path (``ImageList/1/ImageData/DataType``; the nameless are numbered).

    Raises NotTags, OSError.
    """
    with open(path, "rb") as file:
        return _Reader(file).all()


class _Reader:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._tags: Tags = {}
        self._long = self._order = ""

    def all(self) -> tuple[str, Tags]:
        version = self._number(">u4")
        if version not in (3, 4):
            raise NotTags(f"version {version} instead of 3 or 4")
        self._long = ">u8" if version == 4 else ">u4"
        self._number(self._long)
        self._order = "<" if self._number(">u4") == 1 else ">"
        self._group("", 0)
        return self._order, self._tags

    def _group(self, path: str, depth: int) -> None:
        if depth > MOST_DEPTH:
            raise NotTags(f"groups within groups at byte {self._file.tell()}")
        self._skip(2)  # is it sorted, is it open
        for index in range(self._number(self._long)):
            kind = self._number("u1")
            name = self._bytes(self._number(">u2")).decode("latin-1") or str(index)
            if self._long == ">u8":
                self._skip(8)  # size of what follows
            if kind == GROUP:
                self._group(f"{path}{name}/", depth + 1)
            elif kind == DATA:
                self._value(path + name)
            else:
                raise NotTags(f"tag of kind {kind} at byte {self._file.tell()}")

    def _value(self, path: str) -> None:
        if self._bytes(4) != b"%%%%":
            raise NotTags(f"no %%%% at byte {self._file.tell() - 4}")
        count = self._number(self._long)
        if not 1 <= count <= 1000:
            raise NotTags(f"a tag described by {count} numbers at byte {self._file.tell()}")
        about = [self._number(self._long) for _ in range(count)]
        if about[0] in SIMPLE:
            self._tags[path] = self._number(self._order + SIMPLE[about[0]])
            return
        place = Place(self._file.tell(), _size(about))
        if about[:2] == [ARRAY, 4] and place.nbytes <= MOST_TEXT and not path.endswith(PIXELS):  # UTF-16
            order = "le" if self._order == "<" else "be"
            self._tags[path] = self._bytes(place.nbytes).decode(f"utf-16-{order}", errors="replace")
            return
        self._tags[path] = place
        self._skip(place.nbytes)

    def _number(self, dtype: str) -> int:
        kind = np.dtype(dtype)
        value: int = np.frombuffer(self._bytes(kind.itemsize), kind)[0].item()
        return value

    def _bytes(self, count: int) -> bytes:
        found = self._file.read(count)
        if len(found) < count:
            raise NotTags(f"the file ends at byte {self._size}, within its tags")
        return found

    def _skip(self, count: int) -> None:
        """Past bytes that need not be there: those of the frames may be cut off."""
        place = self._file.tell() + count
        if place > MOST_BYTES:
            raise NotTags(f"a tag of {count} bytes at byte {self._file.tell()}")
        self._file.seek(min(place, self._size))


def _size(about: list[int]) -> int:
    """Bytes of a value: ``[STRUCT, …, n, (…, type) × n]``, ``[STRING, n]``, ``[ARRAY, what its elements are, n]``."""
    try:
        if about[0] == STRUCT:
            return sum(np.dtype(SIMPLE[kind]).itemsize for kind in about[4::2][: about[2]])
        if about[0] == STRING:
            return about[1]
        if about[0] == ARRAY:
            one = np.dtype(SIMPLE[about[1]]).itemsize if about[1] in SIMPLE else _size(about[1:-1])
            return one * about[-1]
    except (KeyError, IndexError) as error:
        raise NotTags(f"a tag of unknown type {about[:4]}") from error
    raise NotTags(f"a tag of unknown type {about[:4]}")
