"""What a command says on standard output, and what is to be done where nobody can take it."""

from __future__ import annotations

import os
import sys

from ltdesk.errors import ExportError, os_error_text


def say(text: str, end: str = "\n") -> None:
    """Print, at once: what fails only when Python ends nobody can handle.

    Raises BrokenPipeError where the reader (head, less) has gone, ExportError where the output can't be written; what
    was not written by then is given up.
    """
    try:
        print(text, end=end, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        reason = os_error_text(error)
        raise ExportError(f"standard output: cannot be written: {reason}", "Choose another place for it.") from error
