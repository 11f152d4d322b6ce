"""Survive SIGBUS in mapped files: a page that cannot be read becomes zeros and a mark, not the process's end.

`watch` registers a mapping. Reading a page of it that is gone (the file was cut, a sector cannot be read, the
disk was pulled) then marks the 2 MiB granule it lies in and goes on with zeros, which the reader must not
use: it asks `Watch.faulted` when it is done. A fault anywhere else ends the process as before.

Linux and macOS. Elsewhere `watch` gives None; Windows refuses to cut a file that is mapped.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
from collections import deque

import numpy as np

from ltdesk.engine import fault_handler as layout

SLOTS = 4096
"""Mappings that can be watched at once. The handler looks through those in use: some microseconds at most."""

_MAC = sys.platform == "darwin"
SUPPORTED = sys.platform in ("linux", "darwin") and sys.byteorder == "little" and sys.maxsize > 2**32
_SA_SIGINFO = 0x40 if _MAC else 0x4
_SA_ONSTACK = 0x1 if _MAC else 0x08000000  # some threads have one
_SA_NODEFER = 0x10 if _MAC else 0x40000000  # so that a handler we pass on to, which raises it again, ends it


class _SigAction(ctypes.Structure):
    """C's ``struct sigaction`` as glibc, musl and macOS have it."""

    _fields_ = (
        [("handler", ctypes.c_void_p), ("mask", ctypes.c_uint32), ("flags", ctypes.c_int)]
        if _MAC
        else [
            ("handler", ctypes.c_void_p),
            ("mask", ctypes.c_ulong * 16),
            ("flags", ctypes.c_int),
            ("restorer", ctypes.c_void_p),
        ]
    )


# Never freed or moved: the handler holds its address.
_table = np.zeros(layout.HEADER + SLOTS * layout.SLOT, np.int64)
_free = deque(range(layout.HEADER, _table.size, layout.SLOT))
_lock = threading.Lock()
_handler = 0


def install() -> bool:
    """Put the handler in place, unless it is there already; False where that is not possible.

    From any thread. Called for each new mapping, since others may have put theirs above it (faulthandler does
    when it is enabled or disabled); theirs is then called for the faults that are not ours.
    """
    global _handler
    if not SUPPORTED:
        return False
    with _lock:
        if not _handler:
            _handler = layout.compile_handler(_table.ctypes.data, _table.nbytes)
        if (previous := _sigaction()) != _handler:
            _table[layout.PREVIOUS] = previous
            _sigaction(_handler)
    return True


def _sigaction(handler: int = 0) -> int:
    """Set SIGBUS's handler, if one is given; returns the one before: an address, 0 default, 1 ignored."""
    old = _SigAction()
    flags = _SA_SIGINFO | _SA_ONSTACK | _SA_NODEFER
    new = ctypes.byref(_SigAction(handler=handler, flags=flags)) if handler else None
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.sigaction(signal.SIGBUS, new, ctypes.byref(old)):
        raise OSError(ctypes.get_errno(), "sigaction failed")
    return old.handler or 0


class Watch:
    """A mapping that is watched, until `release`."""

    def __init__(self, slot: int, address: int, nbytes: int) -> None:
        self._marks = bytearray(((nbytes - 1) >> layout.GRANULE_BITS) + 1)
        self._pin = (ctypes.c_char * len(self._marks)).from_buffer(self._marks)
        self._slot, self._table, self._free = slot, _table, _free
        self._publish(address, address + nbytes)

    def _publish(self, start: int, end: int) -> None:
        # Two locked sections, so that no CPU shows another thread's handler the start before the rest.
        with _lock:
            self._table[self._slot + layout.END] = end
            self._table[self._slot + layout.MARKS] = ctypes.addressof(self._pin)
        with _lock:
            self._table[self._slot + layout.START] = start

    def faulted(self, offset: int, nbytes: int) -> bool:
        """Whether anything in the granules of these bytes of the mapping was ever replaced by zeros."""
        first, last = offset >> layout.GRANULE_BITS, (offset + nbytes - 1) >> layout.GRANULE_BITS
        return self._marks.find(1, first, last + 1) >= 0

    def release(self) -> None:
        """Call this before unmapping: the addresses may be another mapping's right after."""
        self._table[self._slot + layout.START] = 0  # no lock: this runs in finalizers, at any moment
        self._free.append(self._slot)


def watch(address: int, nbytes: int) -> Watch | None:
    """Watch a mapping; None where that is not possible (see `install`) or all `SLOTS` are taken.

    address : its first byte's, on a page
    nbytes : its length, at least 1
    """
    if not install():
        return None
    try:
        return Watch(_free.popleft(), address, nbytes)
    except IndexError:
        return None
