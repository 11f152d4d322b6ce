"""Mapped files: what is seen, what is noticed, and that nothing that happens to a file ends the process."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ltdesk.engine import fault_guard
from ltdesk.engine.filesystem import place_by_drive_type, place_by_mount_flags, place_by_mountinfo, place_of
from ltdesk.engine.mapping import Access, MappedFile
from ltdesk.errors import DamagedFileError, LtdeskError, OpenError

MIB = 1 << 20
PAGE = 4096
BOTH: list[Access] = ["map", "read"]
posix = pytest.mark.skipif(not fault_guard.SUPPORTED, reason="this system does not cut files that are mapped")


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """8 MiB and a bit, so that the last page is partial; no byte is 0."""
    path = tmp_path / "scan.raw"
    path.write_bytes(np.random.default_rng(0).integers(1, 256, 8 * MIB + 1000, np.uint8).tobytes())
    return path


def in_a_thread(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


# What is seen


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(data=st.data(), access=st.sampled_from(BOTH))
def test_views_are_the_file(scan: Path, data: st.DataObject, access: Access) -> None:
    content = scan.read_bytes()
    start, view_start, view_end, end = sorted(data.draw(st.tuples(*[st.integers(0, len(content))] * 4)))
    with MappedFile(scan, start, end - start, access=access) as file:
        view = file.view(view_start, view_end - view_start)
        file.check(view_start, view_end - view_start)
        assert view.tobytes() == content[view_start:view_end]
        assert not view.flags.writeable
        assert file.mapped == (access == "map" and end > start)


def test_a_view_is_the_page_cache_itself(scan: Path) -> None:
    with MappedFile(scan, access="map") as file:
        first, again = file.view(0, 100), file.view(50, 50)
        assert np.shares_memory(first, again)
        with scan.open("r+b") as writer:
            writer.write(bytes(100))
        assert not first.any()


@pytest.mark.parametrize("access", BOTH)
def test_a_view_outlives_its_file(scan: Path, access: Access) -> None:
    with MappedFile(scan, access=access) as file:
        view = file.view(5 * MIB, MIB)
    assert view.tobytes() == scan.read_bytes()[5 * MIB : 6 * MIB]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_nothing_is_kept_once_views_are_gone(scan: Path) -> None:
    free = len(fault_guard._free)
    for _ in range(3):
        file = MappedFile(scan, access="map")
        view = file.view(0, MIB)
        assert len(fault_guard._free) == free - 1
        file.close()
        del view
    assert len(fault_guard._free) == free
    assert str(scan) not in Path("/proc/self/maps").read_text()
    open_files = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
    assert str(scan) not in open_files


def test_a_range_outside_is_a_bug_of_the_caller(scan: Path) -> None:
    with MappedFile(scan, 1000, 1000) as file:
        for offset, nbytes in [(999, 10), (1999, 2), (-1, 1), (1500, -1)]:
            with pytest.raises(ValueError, match=r"scan\.raw"):
                file.view(offset, nbytes)


# What can't be opened


def test_a_file_that_is_too_short(scan: Path) -> None:
    with pytest.raises(DamagedFileError, match=r"scan\.raw: has 8,389,608 bytes where 8,389,609 are needed"):
        MappedFile(scan, 9, 8 * MIB + 992)


def test_missing_a_folder_and_a_pipe(tmp_path: Path) -> None:
    with pytest.raises(OpenError, match="nothing: No such file"):
        MappedFile(tmp_path / "nothing")
    with pytest.raises(OpenError, match="is not a file"):
        MappedFile(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(OpenError, match="is not a file"):
            MappedFile(tmp_path / "pipe")


def test_an_empty_file_has_no_bytes(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with MappedFile(tmp_path / "empty") as file:
        assert file.view(0, 0).size == 0
        file.check()


def test_a_closed_file_says_so(scan: Path) -> None:
    file = MappedFile(scan)
    file.close()
    for use in (file.check, file.size_now, lambda: file.read(0, 1)):
        with pytest.raises(OpenError, match=r"scan\.raw: is closed"):
            use()


# What is noticed


def overwrite(path: Path) -> None:
    with path.open("r+b") as writer:
        writer.write(b"other")
    os.utime(path, ns=(0, 0))  # file systems' clocks may be too coarse for a test


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def cut_and_grow_back(path: Path) -> None:
    """Within the last page, where no fault tells of it."""
    os.truncate(path, 8 * MIB + 1)
    os.truncate(path, 8 * MIB + 1000)
    os.utime(path, ns=(0, 0))


@posix
@pytest.mark.parametrize("access", BOTH)
@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda path: os.truncate(path, 1000), "has 1,000 bytes now, it had 8,389,608 when it was opened"),
        (lambda path: os.truncate(path, 8 * MIB + 999), "has 8,389,607 bytes now"),
        (cut_and_grow_back, "was overwritten"),
        (overwrite, "was overwritten"),
        (os.unlink, "was deleted or replaced"),
        (replace, "was deleted or replaced"),
    ],
)
def test_harm_is_noticed(scan: Path, harm: Callable[[Path], None], words: str, access: Access) -> None:
    with MappedFile(scan, access=access) as file:
        file.view(0, 100)
        file.check()
        harm(scan)
        for _ in range(2):
            with pytest.raises(DamagedFileError, match=rf"scan\.raw: {words}.*\. Reopen it"):
                file.check()


@posix
def test_a_file_once_cut_stays_damaged(scan: Path) -> None:
    with MappedFile(scan) as file:
        os.truncate(scan, 0)
        assert file.size_now() == 0
        with pytest.raises(DamagedFileError):
            file.check()
        os.truncate(scan, 9 * MIB)
        with pytest.raises(DamagedFileError, match="has 0 bytes now"):
            file.check()


@pytest.mark.parametrize("access", BOTH)
def test_a_growing_file_is_fine(scan: Path, access: Access) -> None:
    content = scan.read_bytes()
    with MappedFile(scan, access=access) as file:
        view = file.view(0, len(content))
        for _ in range(3):
            with scan.open("ab") as writer:
                writer.write(b"more")
            file.check(0, len(content))
        overwrite(scan)  # as a header is rewritten at the end
        file.check(0, len(content))
        assert view[5:].tobytes() == content[5:]


@posix
def test_reading_behind_the_end_is_an_error(scan: Path) -> None:
    with MappedFile(scan, access="read") as file:
        os.truncate(scan, 5000)
        assert file.read(0, 5000).all()
        with pytest.raises(DamagedFileError, match="has 5,000 bytes now"):
            file.view(4000, 1001)


def test_a_share_that_is_lost(scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    with MappedFile(scan, access="read") as file:
        with monkeypatch.context() as lost:
            lost.setattr(os, "preadv", fail)
            with pytest.raises(DamagedFileError, match=r"scan\.raw: cannot be read at byte 8: Stale .*\. Check"):
                file.view(8, 100)
            lost.setattr(os, "fstat", fail)
            assert file.size_now() == 0
            with pytest.raises(DamagedFileError, match="cannot be reached any more: Stale"):
                file.check()
        assert file.view(8, 100).all()  # it is back, but who knows as what
        with pytest.raises(DamagedFileError, match="cannot be reached any more"):
            file.check()


# What is survived


@posix
@pytest.mark.parametrize("cut", [0, 1, PAGE, 3 * MIB + 5, 8 * MIB])
def test_numpy_reads_on_with_zeros_and_it_shows(scan: Path, cut: int) -> None:
    content = np.fromfile(scan, np.uint8)
    with MappedFile(scan, access="map") as file:
        view = file.view(0, file.size)
        os.truncate(scan, cut)
        assert view.sum(dtype=np.int64) == content[:cut].sum(dtype=np.int64)
        os.truncate(scan, file.size + 1)  # as if only appended to: the marks alone tell
        lost_from = cut // (2 * MIB) * 2 * MIB  # marks are for 2 MiB
        file.check(0, lost_from)
        if cut < 8 * MIB:  # else the kernel fills the last page with zeros, without a fault
            for offset in range(lost_from, file.size, MIB):
                with pytest.raises(DamagedFileError, match=f"between {offset:,} and .* could not be read"):
                    file.check(offset, min(MIB, file.size - offset))


@posix
def test_a_kernel_is_cut_mid_run(scan: Path) -> None:
    ftruncate = ctypes.CDLL(None).ftruncate
    ftruncate.argtypes, ftruncate.restype = [ctypes.c_int, ctypes.c_int64], ctypes.c_int

    @numba.njit(nogil=True)
    def total(data: NDArray[np.uint8], number: int, cut_at: int) -> int:
        result = 0
        for index in range(data.size):
            if index == cut_at:
                ftruncate(number, cut_at)
            result += data[index]
        return result

    content = np.fromfile(scan, np.uint8)
    with MappedFile(scan, access="map") as file, scan.open("r+b") as writer:
        view = file.view(0, file.size)
        assert total(view, writer.fileno(), -1) == content.sum(dtype=np.int64)
        file.check(0, file.size)
        assert total(view, writer.fileno(), MIB) == content[:MIB].sum(dtype=np.int64)
        assert file.faulted(0, file.size)
        with pytest.raises(DamagedFileError, match="has 1,048,576 bytes now"):
            file.check(0, file.size)


@posix
def test_threads_read_on_while_it_is_cut_and_other_files_are_untouched(scan: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.raw"
    other.write_bytes(scan.read_bytes())
    whole = int(np.fromfile(scan, np.uint8).sum(dtype=np.int64))
    started = threading.Semaphore(0)
    with MappedFile(scan, access="map") as file, MappedFile(other, access="map") as safe:

        def read_until_it_is_cut() -> None:
            view = file.view(0, file.size)
            assert view.sum(dtype=np.int64) == whole
            started.release()
            while view.sum(dtype=np.int64) == whole:
                pass

        threads = [in_a_thread(read_until_it_is_cut) for _ in range(4)]
        for _ in threads:
            started.acquire()
        os.truncate(scan, 2 * MIB)
        for thread in threads:
            thread.join()
        assert file.faulted(0, file.size)
        assert safe.view(0, safe.size).sum(dtype=np.int64) == whole
        safe.check(0, safe.size)


@posix
def test_a_gigabyte_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "large.raw"
    path.touch()
    os.truncate(path, 1 << 30)
    with MappedFile(path, access="map") as file:
        pages = file.view(0, file.size)[::PAGE]
        os.truncate(path, 0)
        assert not pages.any()
        assert all(file.faulted(offset, MIB) for offset in range(0, file.size, MIB))
    path.write_bytes(b"x" * MIB)
    with MappedFile(path, access="map") as file:  # its map may lie where the other one lies or lay
        assert (file.view(0, MIB) == ord("x")).all()
        file.check(0, MIB)


@posix
def test_many_maps_come_and_go(scan: Path, tmp_path: Path) -> None:
    """Places in the table and addresses are used again, without old marks."""
    for turn in range(50):
        short = tmp_path / f"{turn}.raw"
        short.write_bytes(bytes([1]) * 3 * PAGE)
        with MappedFile(short, access="map") as file, MappedFile(scan, access="map") as safe:
            view, other = file.view(0, file.size), safe.view(0, MIB)
            os.truncate(short, PAGE)
            assert view.sum() == PAGE
            assert file.faulted(0, file.size)
            assert other.all()
            assert not safe.faulted(0, safe.size)


@posix
def test_handing_lost_pages_to_the_system_is_an_error_not_the_end(scan: Path, tmp_path: Path) -> None:
    with MappedFile(scan, access="map") as file, (tmp_path / "copy").open("wb", buffering=0) as writer:
        view = file.view(4 * MIB, MIB)
        os.truncate(scan, 0)
        with pytest.raises(OSError, match="Bad address"):
            writer.write(view.data)


def no_map(*_: object, **__: object) -> None:
    raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))


@posix
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ltdesk.engine.fault_guard._free", deque()),  # as many maps as can be watched
        ("ltdesk.engine.fault_guard.SUPPORTED", False),
        ("ltdesk.engine.mapping._Map", no_map),
    ],
)
def test_where_a_map_is_not_possible_files_are_read(
    scan: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    monkeypatch.setattr(name, value)
    monkeypatch.delattr(os, "preadv")  # as on Windows
    with MappedFile(scan, access="map") as file:
        for offset in (MIB, 0):
            assert file.view(offset, MIB).tobytes() == scan.read_bytes()[offset : offset + MIB]
        assert not file.mapped


# The process as a whole

PRELUDE = """
import faulthandler, mmap, os, resource, signal, sys
from ltdesk.engine.mapping import MappedFile
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
path = sys.argv[1]

def survive():
    with open(path, "wb") as writer:
        writer.write(bytes([1]) * 65536)
    with MappedFile(path, access="map") as file:
        view = file.view(0, 65536)
        os.truncate(path, 32768)
        assert view.sum() == 32768 and file.faulted(0, 65536)

def fault_elsewhere():
    with open(path, "wb") as writer:
        writer.write(bytes([1]) * 65536)
    with open(path, "rb") as file:
        other = mmap.mmap(file.fileno(), 65536, access=mmap.ACCESS_READ)
    os.truncate(path, 0)
    print("before", flush=True)
    other[0]
    print("after", flush=True)
"""


def run(path: Path, script: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", PRELUDE + script, str(path)]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=250)


@posix
@pytest.mark.parametrize(
    ("script", "traceback"),
    [
        ("survive(); fault_elsewhere()", False),
        ("faulthandler.enable(); survive(); fault_elsewhere()", True),
        ("survive(); faulthandler.enable(); fault_elsewhere()", True),
        ("survive(); faulthandler.enable(); survive(); fault_elsewhere()", True),
        ("faulthandler.enable(); survive(); faulthandler.disable(); fault_elsewhere()", False),
        ("faulthandler.enable(); survive(); faulthandler.disable(); survive(); fault_elsewhere()", False),
        ("signal.signal(signal.SIGBUS, signal.SIG_IGN); survive(); fault_elsewhere()", False),
    ],
)
def test_a_fault_elsewhere_still_ends_the_process(tmp_path: Path, script: str, traceback: bool) -> None:
    done = run(tmp_path / "file", script)
    assert done.stdout == "before\n", done.stderr
    assert done.returncode == -signal.SIGBUS
    assert ("Fatal Python error: Bus error" in done.stderr) == traceback
    assert done.stderr.count("Fatal Python error") <= 1


@posix
@pytest.mark.parametrize("before", ["pass;", "faulthandler.enable();"])
def test_a_signal_that_was_sent_still_ends_the_process(tmp_path: Path, before: str) -> None:
    done = run(tmp_path / "file", f"{before} survive(); os.kill(os.getpid(), signal.SIGBUS); print('after')")
    assert (done.returncode, done.stdout) == (-signal.SIGBUS, ""), done.stderr


@posix
def test_a_signal_that_was_ignored_still_is(tmp_path: Path) -> None:
    script = "signal.signal(signal.SIGBUS, signal.SIG_IGN); survive(); os.kill(os.getpid(), signal.SIGBUS)"
    done = run(tmp_path / "file", f"{script}; print('after')")
    assert (done.returncode, done.stdout) == (0, "after\n"), done.stderr


@posix
def test_a_forked_process_survives_too(tmp_path: Path) -> None:
    script = "survive(); child = os.fork(); survive(); child and print(os.waitpid(child, 0)[1])"
    done = run(tmp_path / "file", script.replace("child = os.fork();", "child = os.fork(); path += str(child);"))
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


@posix
def test_the_guard_needs_no_compiler_of_kernels(tmp_path: Path) -> None:
    """The first frame must not wait for numba, which takes a quarter of a second to load."""
    done = run(tmp_path / "file", "survive(); print('numba' in sys.modules)")
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr


# Which disks are mapped

MOUNTINFO = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:30 / /home rw - nfs4 server:/home rw,vers=4.2
24 22 8:2 / /home/local\040disk rw - xfs /dev/sda2 rw
25 22 0:31 / /mnt/share rw - autofs systemd-1 rw
26 22 0:32 / /mnt/share rw - cifs //server/share rw
27 22 0:33 / /run/user/0/gvfs rw - fuse.gvfsd-fuse gvfsd-fuse rw
28 22 8:3 / /mnt/windows rw - fuseblk /dev/sda3 rw
29 22 0:34 / /mnt/host rw - 9p host rw
30 22 0:35 / /homework rw - btrfs /dev/sdb rw
""".strip()


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/scan.raw", "local"),
        ("/home/a/scan.raw", "network"),
        ("/home/local disk/scan.raw", "local"),
        ("/homework/scan.raw", "local"),
        ("/mnt/share/scan.raw", "network"),
        ("/run/user/0/gvfs/scan.raw", "network"),
        ("/mnt/windows/scan.raw", "local"),
        ("/mnt/host", "network"),
    ],
)
def test_mounts(path: str, place: str) -> None:
    assert place_by_mountinfo(MOUNTINFO, path) == place


def test_what_other_systems_say() -> None:
    assert place_by_mountinfo("", "/scan.raw") == "unknown"
    assert [place_by_drive_type(kind) for kind in (0, 2, 3, 4)] == [
        "unknown",
        "removable",
        "local",
        "network",
    ]
    assert [place_by_mount_flags(flags) for flags in (0x0, 0x1000, 0x1200)] == [
        "network",
        "local",
        "removable",
    ]


@pytest.mark.parametrize("place", ["local", "removable", "network", "unknown"])
def test_only_a_disk_that_stays_is_mapped(scan: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setattr("ltdesk.engine.mapping.place_of", lambda path: place)
    with MappedFile(scan) as file:
        assert file.view(0, 100).tobytes() == scan.read_bytes()[:100]
        assert file.mapped == (place == "local")


def test_this_disk_is_known(scan: Path) -> None:
    assert place_of(str(scan)) != "unknown"
    assert place_of(str(scan.with_name("missing"))) in {"local", "removable", "network", "unknown"}


def test_errors_are_ours() -> None:
    assert issubclass(DamagedFileError, LtdeskError)


def test_views_of_a_large_file_outlive_its_close(tmp_path: Path) -> None:
    """Its pages are let go before it is unmapped."""
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.write(b"begin")
        file.truncate(3 << 29)
        file.seek((3 << 29) - 3)
        file.write(b"end")
    with MappedFile(path, access="map") as mapped:
        begin, end = mapped.view(0, 5), mapped.view((3 << 29) - 3, 3)
        assert bytes(begin) == b"begin"
    assert (bytes(begin), bytes(end)) == (b"begin", b"end")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/sys is Linux's")
def test_a_disk_that_may_not_be_looked_at_stays(scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container of podman, which hides ``/sys/dev/block``."""
    stat = os.stat

    def hidden(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        if str(path).startswith("/sys/"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return stat(path, *arguments, **options)

    before = place_of(str(scan))
    monkeypatch.setattr(os, "stat", hidden)
    assert place_of(str(scan)) == ("local" if before == "removable" else before) != "unknown"
