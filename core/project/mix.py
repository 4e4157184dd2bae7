"""How something that was added lies over what is below it: how much of it shows, and how colours
mix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args, Literal

from core.errors import InputError

Blend = Literal["normal", "multiply", "screen"]
BLENDS: tuple[Blend, ...] = get_args(Blend)


def check_opacity(opacity: float) -> None:
    """Raise InputError for a share that can't be shown."""
    if not 0 <= opacity <= 1:
        raise InputError(f"an opacity of {opacity:g} can't be used: choose one from 0 to 1")


@dataclass(frozen=True)
class Mix:
    """How a finished edit lies over what is below it: `opacity` is 0 to 1, `blend` says how colours
    mix.
    """

    opacity: float = 1.0
    blend: Blend = "normal"

    def __post_init__(self) -> None:
        check_opacity(self.opacity)
        if self.blend not in BLENDS:
            raise InputError(f"an edit can't be blended by '{self.blend}': choose one of {', '.join(BLENDS)}")

    @property
    def is_plain(self) -> bool:
        """Whether the edit is shown as it was made."""
        return self == PLAIN

    @property
    def words(self) -> str:
        """What it does to an edit; empty where it does nothing."""
        parts = [self.blend] * (self.blend != "normal") + [f"{100 * self.opacity:.0f} %"] * (self.opacity < 1)
        return ", ".join(parts)


PLAIN = Mix()
"""Of an edit that is shown as it was made."""
