"""One set-up at a time."""

from __future__ import annotations

import sys
import time
from typing import BinaryIO

from app.bootstrap.pins import WORK
from app.bootstrap.progress import say


class SetupLock:
    """Lets one start at a time set up.

    The system frees it when the holder ends, however it ends; installers that outlive us hold it
    on.
    """

    def __init__(self) -> None:
        WORK.mkdir(exist_ok=True)
        self.file: BinaryIO = (WORK / "lock").open("ab")

    def __enter__(self) -> SetupLock:
        waiting = False
        while not self._try():
            if not waiting:
                say("Another start is setting up VIVID Studio; waiting for it.")
                waiting = True
            time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def _try(self) -> bool:
        try:
            if sys.platform == "win32":
                import msvcrt

                self.file.seek(0)
                msvcrt.locking(self.file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
