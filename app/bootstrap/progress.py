"""What a person sees of the set-up."""

from __future__ import annotations

import shutil
import sys
import time


class Progress:
    """One step on the screen: a line that is rewritten in a terminal, else a line now and a sign of
    life every half minute.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self.start = self.shown = time.monotonic()
        self.live = sys.stderr.isatty()
        self.show("") if self.live else say(f"  {label} ...")

    def show(self, detail: str) -> None:
        now = time.monotonic()
        if self.live:
            self._rewrite(f"  {self.label} ... {now - self.start:.0f} s  {detail}")
        elif now - self.shown >= 30:
            self.shown = now
            say(f"    {now - self.start:.0f} s: {detail[:100]}")

    def end(self, word: str) -> None:
        if self.live:
            self._rewrite(f"  {self.label}: {word}")
            say("")
        else:
            say(f"  {self.label}: {word}")

    def _rewrite(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write("\r" + text[:width].ljust(width))
        sys.stderr.flush()


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
