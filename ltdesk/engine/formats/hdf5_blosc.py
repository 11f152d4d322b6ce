"""The filter blosc: chunks that are alike are put together as one, and so decompressed in one call.

A chunk is a header of 16 bytes: versions (2 bytes), flags, bytes of an item, then, the least significant byte first and
4 bytes each, the sizes of what it holds, of a block, and of the chunk; then where each block begins, 4 bytes each; then
the blocks (c-blosc's README_CHUNK_FORMAT.rst). They know nothing of the chunk that they are in.
"""

from __future__ import annotations

import numpy as np

from ltdesk.engine.chunk_target import Bytes
from ltdesk.engine.formats.scratch import scratch
from ltdesk.engine.formats.stored import Stored
from ltdesk.engine.kernels.place_chunks import gather, read_only

_HEADER_BYTES, _NUMBER_BYTES = 16, 4
_COPIED = 2
"""The flag of a chunk that isn't compressed: it has no blocks."""
_NUMBER = np.dtype("<i4")


def joined(stored: Stored, nbytes: int) -> Bytes | None:
    """Chunks that hold `nbytes` each as one of all their bytes; None where they aren't alike, or a block isn't full."""
    if int(stored.sizes.min()) < _HEADER_BYTES:
        return None
    heads = stored.source[stored.starts[:, None] + np.arange(_HEADER_BYTES)]
    holds, block, size = np.ascontiguousarray(heads[:, _NUMBER_BYTES:]).view(_NUMBER).T
    alike = (heads[:, :12] == heads[0, :12]).all() and (size == stored.sizes).all()
    if not alike or heads[0, 2] & _COPIED or holds[0] != nbytes or block[0] <= 0 or nbytes % block[0]:
        return None
    table = nbytes // int(block[0]) * _NUMBER_BYTES
    body = _HEADER_BYTES + table
    if int(stored.sizes.min()) <= body:
        return None
    at = stored.source[stored.starts[:, None] + np.arange(_HEADER_BYTES, body)].view(_NUMBER)
    if (at < body).any() or (at >= size[:, None]).any():
        return None
    sizes = stored.sizes - body
    moved = _HEADER_BYTES + stored.chunks * table + np.cumsum(sizes) - sizes - body
    out = scratch("blocks", _HEADER_BYTES + stored.chunks * table + int(sizes.sum()))
    out[:_NUMBER_BYTES] = heads[0, :_NUMBER_BYTES]
    out[_NUMBER_BYTES:_HEADER_BYTES] = np.array([stored.chunks * nbytes, block[0], out.size], _NUMBER).view(np.uint8)
    blocks = _HEADER_BYTES + stored.chunks * table
    out[_HEADER_BYTES:blocks] = (at + moved[:, None]).astype(_NUMBER).reshape(-1).view(np.uint8)
    gather(read_only(stored.source), stored.starts + body, sizes, out[blocks:])
    return out
