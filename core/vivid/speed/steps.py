"""Which denoising steps ask the denoiser, and how the others do without it."""

from __future__ import annotations

from typing import Literal, TYPE_CHECKING

from core.vivid.speed.levers import Levers

if TYPE_CHECKING:
    from torch import Tensor

StepKind = Literal["guided", "caption", "continued"]
"""Both passes; only the one with the caption; none."""

_SETTLING = 0.2
"""Share of the steps, from the noisiest, that are always run whole: there the picture takes shape,
and neighbouring answers differ most.
"""
_AT_LEAST = 10
"""Steps that are always run whole: the fewer there are, the more two neighbours differ."""


def plan_steps(count: int, levers: Levers) -> list[StepKind]:
    """What is run in each of `count` steps. The last one always asks the denoiser."""
    settling = max(_AT_LEAST, -(-count * _SETTLING // 1))
    plan: list[StepKind] = []
    asked = 0
    for index in range(count):
        later = index - settling
        if later < 0:
            plan.append("guided")
        elif index < count - 1 and (later + 1) % levers.compute_every:
            plan.append("continued")
        else:
            asked += 1
            plan.append("guided" if asked % levers.guide_every == 0 else "caption")
    return plan


def whole_steps(count: int, levers: Levers, guided: bool) -> float:
    """How many whole steps a run costs: the pass with the caption is half of a guided step.

    Args:
        count: Steps of the run.
        levers: What is left out.
        guided: Whether it has guidance.

    Returns:
        Up to `count`.
    """
    costs = {"guided": 1.0, "caption": 0.5 if guided else 1.0, "continued": 0.0}
    return sum(costs[kind] for kind in plan_steps(count, levers))


class Answers:
    """What the denoiser said in the last steps, to go on from.

    Guidance adds (scale - 1) times the difference that the caption makes. That difference changes
    slowly, so the last one serves a few steps.
    """

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._difference: Tensor | None = None
        self._last: list[tuple[int, Tensor]] = []

    def guided(self, step: int, both: Tensor) -> Tensor:
        """The answer from both passes, (2B, ...): without the caption, then with it."""
        without, with_caption = both.chunk(2)
        self._difference = with_caption - without
        return self._noted(step, without + self._scale * self._difference)

    def plain(self, step: int, with_caption: Tensor) -> Tensor:
        """The answer from the pass with the caption, guided by the last difference, if any."""
        if self._difference is not None:
            with_caption = with_caption + (self._scale - 1) * self._difference
        return self._noted(step, with_caption)

    def continued(self, step: int) -> Tensor:
        """The line through the last two answers, at `step`."""
        (before, earlier), (last, later) = self._last
        return later + (later - earlier) * ((step - last) / (last - before))

    def _noted(self, step: int, answer: Tensor) -> Tensor:
        self._last = [*self._last[-1:], (step, answer)]
        return answer
