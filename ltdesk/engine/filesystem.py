"""What kind of disk a file is on: one that stays, or one that can go away while it is mapped."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from pathlib import Path
from typing import Literal

Place = Literal["local", "removable", "network", "unknown"]

_NETWORK_TYPES = frozenset(
    """9p afs beegfs ceph cifs coda fuse gfs2 glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 orangefs prl_fs pvfs2
    smb3 smbfs vboxsf virtiofs vmhgfs""".split()  # noqa: SIM905
)
"""As in mountinfo. `fuse.*` (sshfs, gvfs, rclone, …) counts too; `fuseblk` (ntfs-3g) is a disk."""


def place_of(path: str) -> Place:
    """Where a file is; "unknown" where the system does not say. Costs well below a millisecond."""
    try:
        if sys.platform == "win32":
            return place_by_drive_type(_drive_type(path))
        if sys.platform == "darwin":
            return place_by_mount_flags(_mount_flags(path))
        return _linux_place(os.path.realpath(path))
    except (OSError, ValueError):
        return "unknown"


def _linux_place(path: str) -> Place:
    place = place_by_mountinfo(Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape"), path)
    return "removable" if place == "local" and _is_removable(os.stat(path).st_dev) else place


def place_by_mountinfo(mountinfo: str, path: str) -> Place:
    """From the text of ``/proc/self/mountinfo`` and a real path. A later mount hides an earlier one."""
    best, kind = "", ""
    for line in mountinfo.splitlines():
        mount, _, after = line.partition(" - ")
        point = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), mount.split(" ")[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, after.split(" ")[0]
    if not kind:
        return "unknown"
    return "network" if kind in _NETWORK_TYPES or kind.startswith("fuse.") else "local"


def _is_removable(device: int) -> bool:
    """Whether a block device is a stick, a card, an optical disk, or hangs on USB. In a container, which often may not
    look (podman hides ``/sys/dev/block``), it is taken for one that stays."""
    try:
        node = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve()
        flags = (node / "removable", node.parent / "removable")  # a partition's is its disk's
        return "/usb" in str(node) or any(flag.is_file() and flag.read_text().strip() == "1" for flag in flags)
    except OSError:
        return False


def place_by_drive_type(drive_type: int) -> Place:
    """From what Windows' ``GetDriveType`` gives: 2 removable, 3 fixed, 4 remote, 5 optical, 6 RAM disk."""
    kinds: dict[int, Place] = {2: "removable", 3: "local", 4: "network", 5: "removable", 6: "local"}
    return kinds.get(drive_type, "unknown")


def place_by_mount_flags(flags: int) -> Place:
    """From macOS's ``statfs.f_flags``."""
    mnt_local, mnt_removable = 0x1000, 0x200
    if not flags & mnt_local:
        return "network"
    return "removable" if flags & mnt_removable else "local"


def _drive_type(path: str) -> int:
    if sys.platform == "win32":
        root = ctypes.create_unicode_buffer(32768)
        if not ctypes.windll.kernel32.GetVolumePathNameW(os.path.abspath(path), root, len(root)):
            raise ctypes.WinError()
        return int(ctypes.windll.kernel32.GetDriveTypeW(root))
    raise OSError("Windows only")


def _mount_flags(path: str) -> int:
    """f_flags of ``struct statfs`` with 64-bit inodes: a uint32 at byte 64 of 2168."""
    libc = ctypes.CDLL(None, use_errno=True)
    statfs = getattr(libc, "statfs$INODE64", None) or libc.statfs  # the first on x86_64 only
    answer = (ctypes.c_uint32 * 542)()
    if statfs(os.fsencode(path), answer):
        raise OSError(ctypes.get_errno(), "statfs failed", path)
    return int(answer[16])
