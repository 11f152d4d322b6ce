"""System packages for set-up: installed by apt as root or by sudo, else unpacked for this user alone.

Needs nothing but Python's standard library: it runs before there is a virtual environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = {
    "pip": ["python3-pip-whl"],
    # What PyQt5's wheels expect of the system, offscreen too: GL, X and its xcb helpers, fonts.
    "qt": [
        "libgl1", "libegl1", "libglib2.0-0", "libdbus-1-3", "libfontconfig1", "libfreetype6", "libx11-xcb1",
        "libxkbcommon-x11-0", "libxcb-icccm4", "libxcb-image0", "libxcb-keysyms1", "libxcb-randr0",
        "libxcb-render-util0", "libxcb-shape0", "libxcb-shm0", "libxcb-sync1", "libxcb-xfixes0",
        "libxcb-xinerama0", "libxcb-xkb1", "fonts-dejavu-core",
    ],
    # The tests' HDFS: Java runs it, Maven fetches it.
    "hdfs": ["default-jre-headless", "maven"],
    # Their Kerberos: a KDC, and what its Python client is built with.
    "kerberos": ["krb5-kdc", "krb5-admin-server", "libkrb5-dev", "gcc", "libc6-dev", "python3-dev"],
}  # fmt: skip


def say(text: str) -> None:
    print(f"set-up: {text}", flush=True)


def apt_line(group: str) -> str:
    """The line a user types to install `group` by hand."""
    return f"sudo apt-get install --no-install-recommends {' '.join(PACKAGES[group])}"


def install(group: str) -> bool:
    """Install `group` system-wide if apt is here and we may use it without asking. True where that worked."""
    prefix = privilege()
    if prefix is None or not shutil.which("apt-get"):
        return False
    command = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    wanted = ["install", "--no-install-recommends", *PACKAGES[group]]
    say(f"installing by apt: {' '.join(PACKAGES[group])}")
    if quiet([*command, *wanted]):
        return True
    # Fresh images come without package lists: only then is the slow update worth it.
    return quiet([*command, "update"]) and quiet([*command, *wanted], report=True)


def privilege() -> list[str] | None:
    """What to put before a command to run it as root; None where that needs a password or isn't possible."""
    if not hasattr(os, "geteuid"):
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and quiet(["sudo", "-n", "true"]):
        return ["sudo", "-n"]
    return None


def unpack(group: str, root: Path) -> bool:
    """Download `group` and what it depends on by apt, verified but not installed, and unpack it under `root`.

    Works without root: apt keeps its lists and archives under `root` instead of in the system's folders.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return False
    state = root / "apt"
    for folder in ("lists/partial", "archives/partial"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    say(f"unpacking into {root}, from apt, not installed: {' '.join(PACKAGES[group])}")
    apt = ["apt-get", "-q", "-y", *private_options(state)]
    wanted = ["install", "--no-install-recommends", "--download-only", *PACKAGES[group]]
    try:
        if not (quiet([*apt, "update"], report=True) and quiet([*apt, *wanted], report=True)):
            return False
        archives = [str(archive) for archive in (state / "archives").glob("*.deb")]
        return bool(archives) and all(
            quiet(["dpkg-deb", "-x", archive, str(root)], report=True) for archive in archives
        )
    finally:
        shutil.rmtree(state)


def private_options(state: Path) -> list[str]:
    settings = {
        "Dir::State::lists": state / "lists",
        "Dir::Cache": state,
        "Dir::Cache::archives": state / "archives",
        "Debug::NoLocking": "true",
        "Acquire::Languages": "none",
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def found(program: str) -> bool:
    """Whether a program is installed, if only for administrators."""
    return bool(shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"))


def quiet(command: list[str], report: bool = False) -> bool:
    """Run `command`; True if it succeeded. Its output is shown only if it failed and `report` is set."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode and report:
        sys.stdout.write(done.stdout)
    return done.returncode == 0
