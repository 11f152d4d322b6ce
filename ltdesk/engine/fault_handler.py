"""The SIGBUS handler itself, as machine code that llvmlite makes in a few milliseconds.

It may run in any thread between any two instructions, with or without the GIL, so it uses nothing of
Python's: it reads and writes the table that `ltdesk.engine.fault_guard` keeps, and calls `mmap`, `signal` and
`raise`, which a handler may. A numba cfunc did the same, but took 0.5 s to compile, 0.25 s from the cache,
and waits for numba's compiler lock while the kernels are compiled: too long before the first frame is seen.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from string import Template
from typing import Any

import llvmlite.binding as llvm  # type: ignore[import-untyped]

# The table's words (int64): two of a header, then slots of four, with START 0 while a slot is free.
PREVIOUS, PASSING_ON = range(2)  # the handler from before; whether it is being called
HEADER = 4
START, END, MARKS = range(3)  # addresses: the mapping's first byte, the one after its last page, a byte a granule
SLOT = 4
GRANULE_BITS = 21  # a fault marks 2 MiB, and puts zeros from its page up to their end

_MAC = sys.platform == "darwin"
_LAYOUT = {  # of siginfo_t, in bytes, and of mmap's flags: MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS
    "si_code": 8,
    "si_addr": 24 if _MAC else 16,
    "flags": 0x10 | 0x02 | (0x1000 if _MAC else 0x20),
    "prot_read": 1,
}

_SOURCE = Template("""
define void @on_bus_error(i32 %signum, ptr %info, ptr %context) {
  ; A fault, or sent by a process? Linux has the latter's codes at 0 and below, macOS from 0x10000.
  %code.at = getelementptr i8, ptr %info, i64 $si_code
  %code = load i32, ptr %code.at
  %code.less = sub i32 %code, 1
  %is.fault = icmp ult i32 %code.less, 65535
  br i1 %is.fault, label %look.up, label %not.ours

look.up:
  %address.at = getelementptr i8, ptr %info, i64 $si_addr
  %address = load i64, ptr %address.at
  %page = and i64 %address, $page_mask
  br label %slot

slot:
  %at = phi i64 [ $first_slot, %look.up ], [ %at.next, %next.slot ]
  %start.at = inttoptr i64 %at to ptr
  %end.at = getelementptr i64, ptr %start.at, i64 1
  %marks.at = getelementptr i64, ptr %start.at, i64 2
  %start = load atomic i64, ptr %start.at acquire, align 8   ; the rest was stored before it
  %end = load i64, ptr %end.at
  %used = icmp ne i64 %start, 0
  %not.before = icmp uge i64 %page, %start
  %not.after = icmp ult i64 %page, %end
  %inside = and i1 %not.before, %not.after
  %found = and i1 %used, %inside
  br i1 %found, label %stand.in, label %next.slot

next.slot:
  %at.next = add i64 %at, $slot_bytes
  %more = icmp ult i64 %at.next, $table_end
  br i1 %more, label %slot, label %not.ours

stand.in:                                  ; mark first: whoever sees the zeros must find the mark
  %distance = sub i64 %page, %start
  %granule = lshr i64 %distance, $granule_bits
  %marks = load i64, ptr %marks.at
  %mark = add i64 %marks, %granule
  %mark.at = inttoptr i64 %mark to ptr
  store atomic i8 1, ptr %mark.at release, align 1
  %after = add i64 %granule, 1
  %after.bytes = shl i64 %after, $granule_bits
  %granule.end = add i64 %start, %after.bytes
  %is.last = icmp ult i64 %end, %granule.end
  %until = select i1 %is.last, i64 %end, i64 %granule.end
  %nbytes = sub i64 %until, %page
  %mmap = inttoptr i64 $mmap to ptr
  %got = call i64 %mmap(i64 %page, i64 %nbytes, i32 $prot_read, i32 $flags, i32 -1, i64 0)
  %done = icmp eq i64 %got, %page
  br i1 %done, label %return, label %not.ours

not.ours:                                  ; do what was done before this handler was there
  %previous.at = inttoptr i64 $previous to ptr
  %passing.at = inttoptr i64 $passing_on to ptr
  %previous = load i64, ptr %previous.at
  %passing = load i64, ptr %passing.at
  %is.default = icmp eq i64 %previous, 0
  %is.ignore = icmp eq i64 %previous, 1
  ; Python's faulthandler puts back what it found, which may be this handler, and raises the signal again.
  %second.time = icmp ne i64 %passing, 0
  %ignored.fault = and i1 %is.ignore, %is.fault         ; it would come back for ever
  %or = or i1 %is.default, %second.time
  %is.end = or i1 %or, %ignored.fault
  br i1 %is.end, label %die, label %pass.on

pass.on:
  br i1 %is.ignore, label %return, label %call.previous

call.previous:                             ; one that takes the signal number alone ignores the rest
  store i64 1, ptr %passing.at
  %handler = inttoptr i64 %previous to ptr
  call void %handler(i32 %signum, ptr %info, ptr %context)
  store i64 0, ptr %passing.at
  br label %return

die:                                       ; on return a fault comes again; what was sent is sent again
  %signal = inttoptr i64 $signal to ptr
  call ptr %signal(i32 %signum, ptr null)
  br i1 %is.fault, label %return, label %send.again

send.again:
  %raise = inttoptr i64 $raise to ptr
  call i32 %raise(i32 %signum)
  br label %return

return:
  ret void
}
""")

_engines: list[Any] = []  # they own the machine code, which is needed as long as the process lives


def compile_handler(table: int, nbytes: int) -> int:
    """The address of a C function ``void (int, siginfo_t *, void *)`` that serves the table at `table`."""
    libc = ctypes.CDLL(None)
    addresses = {name: ctypes.cast(libc[name], ctypes.c_void_p).value for name in ("mmap", "signal", "raise")}
    source = _SOURCE.substitute(
        addresses,
        **_LAYOUT,
        page_mask=-mmap.PAGESIZE,
        granule_bits=GRANULE_BITS,
        slot_bytes=SLOT * 8,
        previous=table + PREVIOUS * 8,
        passing_on=table + PASSING_ON * 8,
        first_slot=table + HEADER * 8,
        table_end=table + nbytes,
    )
    return _machine_code(source)


def _machine_code(source: str) -> int:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    module = llvm.parse_assembly(source)
    module.verify()
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    _engines.append(engine)
    return int(engine.get_function_address("on_bus_error"))
