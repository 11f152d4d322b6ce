"""Set-up of a checkout: .venv with the package installed editable, its dependencies, Qt's system libraries.

    python3 packaging/bootstrap.py [--extras dev,...]

Idempotent, and quick when nothing changed. Needs nothing but Python's standard library: no pip, no ensurepip
(Debian keeps both out of python3), no git, no root. What it could not do it says, with the line that would.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import system

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "ltdesk-set-up.json"
PRIVATE = VENV / "system"  # system packages unpacked for this user alone
ENVIRONMENT = VENV / "environment"  # read by the Makefile before each command of .venv
OLDEST = (3, 11)
KERBEROS_NEEDS = ["krb5kdc", "kadmin.local", "krb5-config", "gcc"]
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"
INPUTS = [
    ROOT / "setup.py",
    ROOT / "pyproject.toml",
    CONSTRAINTS,
    *sorted(Path(__file__).parent.glob("*.py")),
]

# Loads what Qt loads to open a window (its platform plug-ins for X and for no display) and asks for a font.
PROBE = """
import ctypes, pathlib, sys
import PyQt5.QtWidgets as widgets
folder = pathlib.Path(widgets.__file__).parent / "Qt5" / "plugins" / "platforms"
for name in ("libqxcb.so", "libqoffscreen.so"):
    ctypes.CDLL(str(folder / name))
from PyQt5.QtGui import QFontDatabase
app = widgets.QApplication([])
sys.exit(0 if QFontDatabase().families() else "no fonts")
"""


def main() -> int:
    options = argparse.ArgumentParser(description="set up .venv in this checkout")
    options.add_argument("--extras", default="", help="extras of setup.py to install too, by commas")
    extras = set(filter(None, options.parse_args().extras.split(",")))
    if sys.version_info < OLDEST:
        return fail(f"Python {sys.version.split()[0]} is too old: ltdesk needs 3.11 or newer.", "python3")
    stamp = read_stamp()
    if not up_to_date(stamp, extras):
        stamp = {"extras": sorted(extras | set(stamp.get("extras", []))), "qt": False}
        if not (make_venv() and install_package(stamp["extras"])):
            return 1
    if not stamp["qt"]:
        stamp |= {"inputs": fingerprint(), "qt": provide_qt()}
        STAMP.write_text(json.dumps(stamp))
    if "dev" in extras:
        provide_hdfs()
        provide_kerberos()
    return 0


def fail(what: str, packages: str) -> int:
    system.say(f"{what} On Debian: sudo apt-get install {packages}")
    return 1


def fingerprint() -> str:
    """Changes when set-up has to run again: its inputs, the Python behind .venv, or the checkout's place."""
    content = b"\0".join(path.read_bytes() for path in INPUTS if path.exists())
    behind = f"{ROOT} {(VENV / 'pyvenv.cfg').read_text()}"
    return hashlib.sha256(content + behind.encode()).hexdigest()


def read_stamp() -> dict[str, Any]:
    """What the last set-up did: its extras, the fingerprint of its inputs, whether Qt could start."""
    try:
        stamp: dict[str, Any] = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        stamp = {}
    return stamp


def up_to_date(stamp: dict[str, Any], extras: set[str]) -> bool:
    return works() and extras <= set(stamp.get("extras", [])) and stamp.get("inputs") == fingerprint()


def works(code: str = "", env: dict[str, str] | None = None, report: bool = False) -> bool:
    """True if .venv's Python runs `code` and is new enough."""
    check = f"import sys; assert sys.version_info >= {OLDEST}\n{code}"
    try:
        done = subprocess.run([PYTHON, "-c", check], env=env, capture_output=True, text=True, check=False)
    except OSError:
        return False
    if done.returncode and report:
        system.say(f"Qt said: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}")
    return done.returncode == 0


def make_venv() -> bool:
    """See to .venv with a pip in it; one that works is kept. Where it can't be: False, and said why."""
    if not works():
        system.say(f"making {VENV}")
        if not system.quiet([sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)], report=True):
            return not fail("Python's venv failed.", "python3-venv")
    if works("import pip") or in_venv("-m", "ensurepip") or install_pip():
        return True
    return not fail("there is no pip, and apt gave none.", "python3-venv")


def in_venv(*arguments: str) -> bool:
    return system.quiet([str(PYTHON), *arguments])


def install_pip() -> bool:
    """pip from Debian's wheel of it, unpacked here where the system has none: nothing has to be installed."""
    wheel = debian_wheel() or (system.unpack("pip", PRIVATE) and debian_wheel())
    # A wheel is a zip file that Python can run pip from, to install pip proper.
    return bool(wheel) and in_venv(f"{wheel}/pip", "install", "-q", "--no-index", str(wheel))


def debian_wheel() -> Path | None:
    places = [Path("/usr/share/python-wheels"), PRIVATE / "usr" / "share" / "python-wheels"]
    return next((wheel for place in places for wheel in place.glob("pip-*.whl")), None)


def install_package(extras: list[str]) -> bool:
    """Install the package editable with its dependencies, in the versions that were tested."""
    target = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    command = [
        str(PYTHON),
        "-m",
        "pip",
        "install",
        "-q",
        "--use-pep517",
        "--disable-pip-version-check",
        "--no-input",
    ]
    constraints = ["-c", str(CONSTRAINTS)] if CONSTRAINTS.exists() else []
    system.say(f"installing ltdesk and what it needs{' with ' + ', '.join(extras) if extras else ''} into {VENV}")
    done = subprocess.run([*command, *constraints, "-e", target], cwd=ROOT, check=False)
    if done.returncode:
        system.say("pip failed, see above; run this again when the network or the package index answers.")
    return done.returncode == 0


def provide_qt() -> bool:
    """See to Qt's system libraries; True where Qt can start."""
    ENVIRONMENT.write_text(private_environment())
    if qt_works() or (system.install("qt") and qt_works()):
        return True
    if system.unpack("qt", PRIVATE):
        ENVIRONMENT.write_text(private_environment())
    system.say(f"Qt's system libraries are not installed. To install them: {system.apt_line('qt')}")
    if qt_works(report=True):
        system.say(f"until then those unpacked in {PRIVATE} serve.")
        return True
    system.say("until then there is no window; the headless command works.")
    return False


def qt_works(report: bool = False) -> bool:
    if not sys.platform.startswith("linux"):
        return True  # there the wheels bring all they need
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen", **read_environment()}
    return works(PROBE, env, report)


def provide_hdfs() -> None:
    """See to what the tests need for a real HDFS; where it can't be had they say so and are skipped."""
    if sys.platform.startswith("linux") and not (hdfs_works() or (system.install("hdfs") and hdfs_works())):
        system.say(
            f"there is no Java and Maven, so tests with HDFS are skipped. To have them: {system.apt_line('hdfs')}"
        )


def hdfs_works() -> bool:
    return all(shutil.which(command) for command in ("java", "mvn"))


def provide_kerberos() -> None:
    """See to what the tests need for HDFS with Kerberos: a KDC, and the client's package, which is built here.

    A KDC is a service, so it is installed without asking in CI or by root alone.
    """
    if not sys.platform.startswith("linux") or kerberos_works():
        return
    may = os.environ.get("CI", "").lower() in ("1", "true", "yes") or os.geteuid() == 0
    if build_kerberos() or (may and system.install("kerberos") and build_kerberos()):
        return
    line = f"{system.apt_line('kerberos')}, and set up again"
    system.say(f"there is no Kerberos, so tests with it are skipped. To have them: {line}")


def build_kerberos() -> bool:
    if not all(map(system.found, KERBEROS_NEEDS)):
        return False
    system.say("building the Kerberos client that the tests need (a minute or two)")
    # nothing here is in a hurry but the build itself
    pip = ["env", "CFLAGS=-O0 -g0", str(PYTHON), "-m", "pip", "install", "-q", "-c", str(CONSTRAINTS)]
    return system.quiet([*pip, "requests-kerberos"])


def kerberos_works() -> bool:
    installed = any(VENV.glob("lib/python*/site-packages/requests_kerberos"))
    return installed and all(map(system.found, KERBEROS_NEEDS[:2]))


def read_environment() -> dict[str, str]:
    return dict(setting.split("=", 1) for setting in shlex.split(ENVIRONMENT.read_text()))


def private_environment() -> str:
    """Lines of shell that make Qt find what was unpacked under PRIVATE; none where nothing was."""
    triplet = sysconfig.get_config_var("MULTIARCH") or ""
    folders = [folder for part in ("usr/lib", "lib") if (folder := PRIVATE / part / triplet).is_dir()]
    if not folders:
        return ""
    fonts = PRIVATE / "fonts.conf"
    fonts.write_text(FONTS.format(root=PRIVATE))
    settings = {
        "LD_LIBRARY_PATH": ":".join(map(str, folders)),
        "FONTCONFIG_FILE": str(fonts),
        "QT_XKB_CONFIG_ROOT": f"{PRIVATE}/usr/share/X11/xkb",
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items())


FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{root}/usr/share/fonts</dir>
  <cachedir>{root}/fontcache</cachedir>
</fontconfig>
"""

if __name__ == "__main__":
    sys.exit(main())
