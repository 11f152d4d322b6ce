"""The command line: parsing, exit status, and errors as one line. Each command's work is in `ltdesk.commands`."""

from __future__ import annotations

import argparse
import io
import logging
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from types import FrameType
from typing import Any, NoReturn

IMPORTING = 0.02
"""Seconds after which it is seen whether an import has ended."""
HANGUP = (signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()
"""None on Windows."""
COMMANDS = ("bench", "demo", "info", "ingest", "run", "storage")


class _OneLine(argparse.ArgumentParser):
    """Says what is wrong in one line and exits with 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {' '.join(message.split())}. Try '{self.prog} --help'.\n")


class _WindowParser(_OneLine):
    """Its help lists the commands too, which are looked up only then."""

    def format_help(self) -> str:
        lines = [f"  ltdesk {name:<8} {import_module(f'ltdesk.commands.{name}_arguments').HELP}" for name in COMMANDS]
        return "\n".join([super().format_help(), "commands ('ltdesk COMMAND --help' explains one):", *lines, ""])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status: 0 on success, 2 on a usage error, 1 on anything else."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    return _guarded(lambda: _command(words), "--debug" in words)


def _command(words: Sequence[str]) -> int:
    known = next((word for word in words if not word.startswith("-")), "") in COMMANDS
    args = (_command_parser() if known else _window_parser()).parse_args(words)
    if known and not args.debug:
        _keep_libraries_quiet()
    module = import_module(f"ltdesk.commands.{args.command}")
    return int(module.main(args))


def _guarded(work: Callable[[], int], debug: bool) -> int:
    from ltdesk.errors import LtdeskError

    _end_politely()
    _print_any_name()
    try:
        return _said(work)
    except LtdeskError as error:
        if debug:
            raise
        return _fail(str(error), error.exit_status)
    except KeyboardInterrupt:
        return _fail("stopped; nothing was written", 1)
    except BrokenPipeError:
        # the reader of our output (head, less) has gone: nothing to say, and nobody to say it to
        return 1
    except Exception as error:
        if debug:
            raise
        return _fail(f"{type(error).__name__}: {error}. This is a bug; --debug shows where", 1)


def _said(work: Callable[[], int]) -> int:
    """Do `work`, and see to it that all it printed, as argparse its help, is written."""
    from ltdesk.commands.say import say

    try:
        return work()
    finally:
        say("", end="")


def _print_any_name() -> None:
    """A file's name that the output's encoding lacks is printed with escapes; it would end the command."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def _keep_libraries_quiet() -> None:
    """What libraries log, as dask and asyncio of a connection that is closed, is no line of ours; --debug shows it.

    Once the root has a handler, dask adds none of its own, and Python's last resort is not asked.
    """
    if not logging.root.handlers:
        logging.root.addHandler(logging.NullHandler())


def _fail(message: str, status: int) -> int:
    line = " ".join(message.split())
    with suppress(OSError):  # as where the terminal is gone
        print(f"ltdesk: {line}", file=sys.stderr)
    return status


def _end_politely() -> None:
    """SIGTERM, and a terminal that closes, end a command as Ctrl-C does, so that no half-written file stays."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, *HANGUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _stop)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    """Ends what the main thread does; but an import first comes to its end: interrupted between two of its lines it
    keeps a lock, and a thread that imports something waits for it for ever."""
    if not _is_importing(frame):
        if number in HANGUP:  # the shell sends it and the system, too: the second must not end what the first began
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt
    again = threading.Timer(IMPORTING, _send_to_main_thread, [number])
    again.daemon = True
    again.start()


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _send_to_main_thread(number: int) -> None:
    main_thread = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main_thread is not None:
        signal.pthread_kill(main_thread, number)
    else:  # Windows, where it wakes nobody who waits
        signal.raise_signal(number)


def _window_parser() -> argparse.ArgumentParser:
    parser = _WindowParser(prog="ltdesk", description="4D-STEM: virtual detectors, live. Opens the window.")
    parser.add_argument("file", nargs="*", help="a scan, a session, or a URL; without one the window opens empty")
    parser.set_defaults(command="window")
    _common(parser)
    return parser


def _command_parser() -> argparse.ArgumentParser:
    parser = _OneLine(prog="ltdesk", description="4D-STEM: virtual detectors, live.")
    _common(parser)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in COMMANDS:
        module = import_module(f"ltdesk.commands.{name}_arguments")
        command = commands.add_parser(
            name, help=module.HELP, description=module.HELP, epilog=getattr(module, "EXAMPLES", None),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        module.add_arguments(command)
        _common(command, argparse.SUPPRESS)
    return parser


def _common(parser: argparse.ArgumentParser, debug: Any = False) -> None:
    parser.add_argument("--debug", action="store_true", default=debug, help="show where an error came from")
    parser.add_argument("--version", action=_Version)


class _Version(argparse.Action):
    """Prints the version; looking it up costs time that other commands should not pay."""

    def __init__(self, option_strings: Sequence[str], dest: str, **_: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help="show the version")

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import version

        from ltdesk.commands.say import say

        say(f"ltdesk {version('ltdesk')}")
        parser.exit()
