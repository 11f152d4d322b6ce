"""Makes a virtual environment for each peer and lists the commands that start them, for ``ltdesk bench --peers``.

    python benchmarks/peers/set_up.py [--folder build/peers] [NAME ...]

Does nothing twice: an environment is made again only where its requirements have changed. The versions are pinned in
requirements/NAME.txt; the packages come by pip from wherever it is configured to take them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = {
    "numpy": ("numpy", ["numpy_peer.py"]),
    "libertem-pipelined": ("libertem", ["libertem_peer.py", "pipelined"]),
    "libertem-dask": ("libertem", ["libertem_peer.py", "dask"]),
    "py4dstem": ("py4dstem", ["py4dstem_peer.py"]),
    "hyperspy": ("hyperspy", ["hyperspy_peer.py"]),
}
"""The environment and the script of each; one library may be there several times."""


def main() -> None:
    parser = argparse.ArgumentParser(description="set up the peers that ltdesk bench --peers compares with")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PEERS)}; all by default")
    parser.add_argument("--folder", type=Path, default=Path("build/peers"))
    options = parser.parse_args()
    names = options.names or list(PEERS)
    if unknown := set(names) - set(PEERS):
        parser.error(f"there is no peer {', '.join(sorted(unknown))}; peers are {', '.join(PEERS)}")
    folder = options.folder.resolve()
    pythons = {
        environment: made(folder / environment, environment) for environment in {PEERS[name][0] for name in names}
    }
    listed = folder / "peers.json"
    commands = json.loads(listed.read_text()) if listed.exists() else {}
    for name in names:
        environment, (script, *more) = PEERS[name]
        commands[name] = [str(pythons[environment]), str(HERE / script), *more]
    listed.write_text(json.dumps({name: commands[name] for name in PEERS if name in commands}, indent=1) + "\n")
    print(f"{listed}: {', '.join(names)}")


def made(folder: Path, environment: str) -> Path:
    """The environment's Python."""
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    wanted = (HERE / "requirements" / f"{environment}.txt").read_text()
    stamp = folder / "requirements.txt"
    if not (stamp.exists() and stamp.read_text() == wanted):
        print(f"{folder}: installing", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "-r", HERE / "requirements" / f"{environment}.txt"], check=True
        )
        stamp.write_text(wanted)
    return python


if __name__ == "__main__":
    main()
