"""What the command line prints: progress with the time left on stderr, and what Ctrl-C does."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from contextvars import ContextVar
from types import FrameType

from core.progress import CancelToken, JobContext, ProgressEvent

QUIET_INTERVAL = 5.0
"""Seconds between lines when stderr is no terminal."""


about: ContextVar[str] = ContextVar("about", default="")
"""Begins every note: what it is about, where there are several things."""


class ProgressPrinter:
    """Prints a stage's progress: one line that is rewritten on a terminal, a line now and then
    elsewhere.
    """

    _line_is_open = False

    def __init__(self) -> None:
        self._stage = ""
        self._printed = 0.0
        self._live = sys.stderr.isatty()

    def __call__(self, event: ProgressEvent) -> None:
        now = time.monotonic()
        finished = event.done >= event.total
        new_stage = event.stage != self._stage
        if not (new_stage or finished or now - self._printed >= (0.1 if self._live else QUIET_INTERVAL)):
            return
        if new_stage:
            self.end_line()
        self._stage, self._printed = event.stage, now
        left = f", {format_seconds(event.remaining)} left" if event.remaining is not None and not finished else ""
        unit = f" {event.unit}" if event.unit else ""
        text = f"{event.stage}: {event.done} of {event.total}{unit}{left}"
        print(f"\r{text:<60}" if self._live else text, end="" if self._live else "\n", file=sys.stderr, flush=True)
        ProgressPrinter._line_is_open = self._live

    @classmethod
    def end_line(cls) -> None:
        """End the line that is being rewritten, if there is one."""
        if cls._line_is_open:
            print(file=sys.stderr)
        cls._line_is_open = False


def note(text: str) -> None:
    """Say something to know that stops nothing, on a line of its own."""
    ProgressPrinter.end_line()
    print(f"note: {about.get()}{text}", file=sys.stderr)


def format_seconds(seconds: float) -> str:
    """ "8 s", "2 min 05 s", "1 h 02 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def report_internal_error(error: Exception) -> int:
    """Print one line, and write the details to a file that can be sent to us. Returns the
    exit code.
    """
    import platform
    import tempfile
    import traceback

    try:
        with tempfile.NamedTemporaryFile("w", prefix="vivid-studio-error-", suffix=".txt", delete=False, encoding="utf-8") as file:
            file.write(f"{platform.platform()}, Python {sys.version}\ncommand: {sys.argv}\n\n")
            file.write("".join(traceback.format_exception(error)))
        report = f"the details are in {file.name}"
    except OSError:
        where = traceback.extract_tb(error.__traceback__)[-1]
        report = f"it happened at {where.filename}:{where.lineno} (the details could not be written to disk)"
    print(f"error: an internal error ({type(error).__name__}); {report}", file=sys.stderr)
    return 1


@contextlib.contextmanager
def console_job() -> Iterator[JobContext]:
    """A job context that prints its progress; the first Ctrl-C asks it to stop, the second one ends
    the program.
    """
    token, printer = CancelToken(), ProgressPrinter()

    def stop(number: int, frame: FrameType | None) -> None:
        token.cancel()
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield JobContext(printer, token)
    finally:
        printer.end_line()
        for number, handler in before.items():
            signal.signal(number, handler)
