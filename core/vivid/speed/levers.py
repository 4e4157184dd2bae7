"""The levers and the presets made of them. Pure Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from core.errors import InputError

ATTENTION = ("auto", "flash", "cudnn")
"""Kernels of attention; `auto` is PyTorch's own choice."""


@dataclass(frozen=True)
class Levers:
    """What is done to be faster. The first five compute the same up to rounding, `fp8` rounds more,
    and the last three are approximations.

    Attributes:
        compiled: Each block of the denoiser is compiled. The first step waits for that; what was
            compiled is kept on disk.
        fused: Query, key and value are one product.
        attention: One of ATTENTION; needs `fused`.
        graphs: The steps of a lone frame are recorded once as a CUDA graph and replayed: launching
            its small kernels takes longer than running them.
        gpus: 2 runs the pass without the caption on a second GPU, at the same time.
        fp8: The products of the blocks are computed in 8 bits, with a scale for each row. Needs a
            GPU that has them (compute capability 8.9 and later).
        guide_every: The pass without the caption is run in so many steps once, after those
            that are always run whole (the first fifth, ten at least); between them its last
            difference is used again. 1 runs it in each.
        compute_every: The denoiser is run in so many steps once, after the same ones; between them
            its last two answers are continued in a line. 1 runs it in each.
        nearby: The denoiser looks at the region and so many cells around it alone; 0 at the whole
            frame. A cell is what one token stands for, 16 pixels across for CogVideoX.
    """

    compiled: bool = False
    fused: bool = False
    attention: str = "auto"
    graphs: bool = False
    gpus: int = 1
    fp8: bool = False
    guide_every: int = 1
    compute_every: int = 1
    nearby: int = 0

    def __post_init__(self) -> None:
        if self.attention not in ATTENTION:
            raise InputError(f"'{self.attention}' is not a kernel of attention (known: {', '.join(ATTENTION)})")
        if self.attention != "auto" and not self.fused:
            raise InputError(f"attention={self.attention} needs fused: diffusers' own layers don't let the kernel be chosen")
        if self.gpus not in (1, 2):
            raise InputError("gpus is 1 or 2: guidance has two passes")
        if min(self.guide_every, self.compute_every) < 1:
            raise InputError("guide-every and compute-every are whole numbers from 1")

    @property
    def exact(self) -> bool:
        """Whether the result is that of no lever, up to rounding."""
        return not self.fp8 and not self.nearby and self.guide_every == self.compute_every == 1

    @property
    def as_loaded(self) -> bool:
        """Whether the weights stay in the form in which they are read."""
        return not self.fused and not self.fp8

    def __str__(self) -> str:
        said = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                name = field.name.replace("_", "-")
                said.append(name if value is True else f"{name}={value}")
        return ", ".join(said) or "plain"


EXACT = Levers(compiled=True, fused=True, attention="cudnn", graphs=True)

CONVERTING = frozenset({"compiled", "fused", "attention", "graphs", "gpus", "fp8"})
"""Those that work on the layers themselves, as they are in 16 bits."""

PRESETS: Mapping[str, Levers] = {
    "plain": Levers(),
    "exact": EXACT,
    "near": replace(EXACT, fp8=True),
    "fast": replace(EXACT, fp8=True, guide_every=3, compute_every=2),
}
"""By name: `plain` is diffusers' own way, `exact` all that costs nothing, `near` rounds to 8
bits besides, `fast` is the quickest that is still close.
"""


def parse_levers(text: str) -> Levers:
    """Read a preset's name, levers as `compiled,fp8,guide-every=3`, or both: `near,gpus=2`.

    Raises InputError, which lists what is known.
    """
    first, _, rest = text.partition(",")
    if first in PRESETS:
        return replace(PRESETS[first], **_named(rest)) if rest else PRESETS[first]
    return Levers(**_named(text))


def _named(text: str) -> dict[str, Any]:
    """Levers by the names of their attributes."""
    known = {field.name.replace("_", "-"): field for field in fields(Levers)}
    given: dict[str, Any] = {}
    for word in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = word.partition("=")
        if name not in known:
            raise InputError(f"'{name}' is not a speed: it can be auto, {', '.join(PRESETS)}, or levers of {', '.join(known)}")
        default = known[name].default
        if isinstance(default, bool):
            if equals:
                raise InputError(f"'{name}' is on when it is named: leave out '={value}'")
            given[known[name].name] = True
        elif isinstance(default, int):
            if not value.isdecimal():
                raise InputError(f"'{word}' has to be {name}=N with a whole number")
            given[known[name].name] = int(value)
        else:
            given[known[name].name] = value
    return given
