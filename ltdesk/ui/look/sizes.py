"""Sizes and numbers as people read them."""

from __future__ import annotations

THIN = "\N{NARROW NO-BREAK SPACE}"


def grouped(number: int) -> str:
    """``29 362 176``"""
    return f"{number:,}".replace(",", THIN)


def size_text(nbytes: int) -> str:
    """``29.4 MB``, in powers of 1000 as discs and file managers count."""
    size, units = float(nbytes), ["B", "kB", "MB", "GB", "TB", "PB"]
    while size >= 999.5 and len(units) > 1:
        size, _ = size / 1000, units.pop(0)
    return f"{size:.0f} {units[0]}" if units[0] == "B" or size >= 99.95 else f"{size:.1f} {units[0]}"


def shape_words(shape: tuple[int, ...]) -> str:
    """``40 × 40 × 95 × 95``"""
    return " × ".join(str(side) for side in shape)


def dtype_words(dtype: str) -> str:
    """``16-bit unsigned`` for ``<u2``, with the byte order where it is not this machine's usual one."""
    kinds = {"u": "unsigned", "i": "signed", "f": "float", "b": "bool"}
    order, kind, size = dtype[0], dtype[-2], int(dtype[-1])
    if kind == "b":
        return "bool"
    return f"{8 * size}-bit {kinds.get(kind, kind)}" + (", big-endian" if order == ">" and size > 1 else "")
