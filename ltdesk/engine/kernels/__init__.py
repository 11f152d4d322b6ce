"""Compiled loops over tiles. Each reads its tile once, without the GIL, in the file's own dtype.

Kernels take frames as one flat array and a stride, so that frames with headers between them are read in place; their
inner loops run over row slices, which is what lets the compiler vectorise them (measured: 35 against 10 GB/s).
Compiled code is cached in a folder per version, so that only the first use on a machine waits for the compiler.
"""

from __future__ import annotations

import atexit
import hashlib
import logging
import os
import shutil
import tempfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba.core import caching
from numba.core.bytecode import FunctionIdentity
from numba.core.serialize import dumps

log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Where compiled kernels are kept: per version, under ``LTDESK_CACHE_DIR`` or the user's cache."""
    base = os.environ.get("LTDESK_CACHE_DIR") or platformdirs.user_cache_dir("ltdesk", appauthor=False)
    return Path(base) / "kernels" / _version()


def _version() -> str:
    try:
        return version("ltdesk")
    except PackageNotFoundError:
        return "source"


def _writable(folder: Path) -> Path:
    """`folder`, or where that can't be written a temporary one: numba refuses to run without a place to cache."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        temporary = tempfile.mkdtemp(prefix="ltdesk-kernels-")
        atexit.register(shutil.rmtree, temporary, ignore_errors=True)
        return Path(temporary)


def _save_if_there_is_room() -> None:
    """A full disk costs the cache, never the job: numba itself lets the error through to whoever called the kernel."""
    save = caching.Cache.save_overload

    def save_or_go_on(self: Any, sig: Any, data: Any) -> None:
        try:
            save(self, sig, data)  # type: ignore[no-untyped-call]
        except OSError as error:
            log.info("compiled kernel not kept: %s", error)

    caching.Cache.save_overload = save_or_go_on  # type: ignore[method-assign]


def _find_closures_again() -> None:
    """Numba looks a closure up by the pickles of what it closes over, and another compiled function's pickle holds a
    number that each process makes anew: such kernels were compiled again at every start (2 s each).

    Here they go by the code of those functions, down to the last, which is also what their machine code depends on.
    """

    def index_key(self: Any, sig: Any, codegen: Any) -> Any:
        function = self._py_func
        code, cells = function.__code__.co_code, _closed_over(function)
        return sig, codegen.magic_tuple(), tuple(hashlib.sha256(part).hexdigest() for part in (code, cells))

    caching.Cache._index_key = index_key  # type: ignore[method-assign]


def _tell_closures_apart() -> None:
    """Numba names compiled functions by where they are written, what they take, and a number that each process counts
    anew. Of two closures of one factory, taken from a cache that several processes filled, the second then got the
    first one's code: moments of whole frames instead of those inside a mask.

    Here what a function closes over is part of its name.
    """
    identify = FunctionIdentity.from_function.__func__  # type: ignore[attr-defined]

    def with_contents(cls: Any, function: Any) -> Any:
        identity = identify(cls, function)
        if identity.func.__closure__ and not identity.func.__module__.startswith("numba."):
            with suppress(Exception):  # what can't be pickled is in no cache: numba's number tells it apart
                identity.func_qualname += "." + hashlib.sha256(_closed_over(identity.func)).hexdigest()[:16]
                identity.unique_name = f"{identity.func_qualname}${identity.unique_id}"
        return identity

    FunctionIdentity.from_function = classmethod(with_contents)  # type: ignore[method-assign,assignment]


def _closed_over(function: Any) -> bytes:
    """What a function closes over, the same in every process."""
    parts = []
    for cell in function.__closure__ or ():
        value = cell.cell_contents
        inner = getattr(value, "py_func", None)
        if inner is None:
            parts.append(dumps(value))  # type: ignore[no-untyped-call]
        else:
            code = inner.__code__
            words = code.co_names, code.co_varnames, sorted(value.targetoptions.items())
            parts += [code.co_code, repr(words).encode(), _closed_over(inner)]
            parts += [repr(constant).encode() for constant in code.co_consts if not hasattr(constant, "co_code")]
    return b"|".join(parts)


def sources_state() -> tuple[tuple[str, int, int], ...]:
    """Name, time of change and size of each module here."""
    found = [(path.name, path.stat()) for path in sorted(Path(__file__).parent.glob("*.py"))]
    return tuple((name, state.st_mtime_ns, state.st_size) for name, state in found)


def _share_between_processes() -> None:
    """Let processes fill one folder at once, and let no compiled code outlive the sources it was made of.

    Numba numbers the files of a function's compiled code. Two processes that compile at once can take the same number;
    the index of one then leads to the code of the other, for other types: wrong sums, or a crash. Here a file is named
    by what it is compiled for and from, and written before the index names it; a line that the index loses so costs
    another compilation, no more. Numba also looks only at the file of the function itself, not at the functions
    compiled into it: here at all modules of kernels.
    """
    sources = sources_state()
    initialise = caching.IndexDataCacheFile.__init__

    def of_these_sources(self: Any, cache_path: str, filename_base: str, source_stamp: Any) -> None:
        initialise(self, cache_path, filename_base, (source_stamp, sources))  # type: ignore[no-untyped-call]

    def save(self: Any, key: Any, data: Any) -> None:
        words = repr((self._version, self._source_stamp, key)).encode()
        name = self._data_name(int.from_bytes(hashlib.sha256(words).digest()[:8]))
        if not self._load_index():  # nothing there, or made of other sources
            for old in Path(self._cache_path).glob(self._index_name.removesuffix("nbi") + "*.nbc"):
                old.unlink(missing_ok=True)
        self._save_data(name, data)
        self._save_index({**self._load_index(), key: name})

    caching.IndexDataCacheFile.__init__ = of_these_sources  # type: ignore[method-assign]
    caching.IndexDataCacheFile.save = save  # type: ignore[method-assign]


_save_if_there_is_room()
_find_closures_again()
_tell_closures_apart()
_share_between_processes()
if not numba.config.CACHE_DIR:  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = str(_writable(cache_folder()))  # type: ignore[attr-defined]
