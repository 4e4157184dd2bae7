"""The command line: runs a subcommand, and turns every error into one line and an exit code."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Sequence

from app.commands.console import report_internal_error
from app.commands.parser import build_parser
from app.contract.error_text import error_text
from core.errors import Cancelled, StudioError
from core.machine import let_device_memory_grow, share_one_heap


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The words after the program's name; None for those of this process.

    Returns:
        The exit code: 0 done, 1 an internal error, 2 bad input, 3 a missing model, 130 stopped.
    """
    share_one_heap()
    let_device_memory_grow()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("app").setLevel(logging.INFO)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # file names that this terminal can't show
            stream.reconfigure(errors="backslashreplace")
    try:
        options = build_parser().parse_args(_with_default(list(sys.argv[1:] if arguments is None else arguments)))
        return options.run(options) or 0
    except StudioError as error:
        line = " ".join(error_text(error).split("\n"))
        print(line if isinstance(error, Cancelled) else f"error: {line}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return Cancelled.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        return report_internal_error(error)


def _with_default(arguments: list[str]) -> list[str]:
    """Add the default command: `--port 8000` means `ui --port 8000`.

    The trainer gets --help as `help`, because argparse would answer it itself.
    """
    first = arguments[0] if arguments else "-"
    if first == "train":
        return ["train", *("help" if word in ("-h", "--help") else word for word in arguments[1:])]
    return ["ui", *arguments] if first.startswith("-") and first not in ("-h", "--help", "--version") else arguments


if __name__ == "__main__":
    sys.exit(main())
