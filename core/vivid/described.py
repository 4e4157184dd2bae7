"""A video engine that is loaded in another process, as it is known here: everything that it says of
itself, and nothing that paints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import NoReturn, TYPE_CHECKING

from core.vivid.contract import Conditions, Sampling, VideoEngine
from core.vivid.memory import MemoryPlan
from core.vivid.speed.levers import Levers

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Elsewhere:
    """What stands for the pipeline of a described engine."""

    memory: MemoryPlan
    levers: Levers
    units: tuple[int, int]
    """Of frames, and of sizes."""


@dataclass
class DescribedEngine(VideoEngine):
    """Plans an edit as the engine itself would, and can be sent to another process. Two are equal
    where they make the same pixels.
    """

    pipeline: Elsewhere

    @classmethod
    def of(cls, model: VideoEngine) -> DescribedEngine:
        """Describe a loaded engine."""
        facts = {one.name: getattr(model, one.name) for one in fields(VideoEngine) if one.name not in ("pipeline", "_embeddings")}
        memory = MemoryPlan(tiled=model.memory.tiled)  # where weights wait changes no pixel
        return cls(Elsewhere(memory, model.levers, (model.frame_unit, model.size_unit)), **facts)

    @property
    def frame_unit(self) -> int:
        return self.pipeline.units[0]

    @property
    def size_unit(self) -> int:
        return self.pipeline.units[1]

    @property
    def device(self) -> torch.device:
        """No device of this machine."""
        import torch

        return torch.device("meta")

    def encode(self, video: Tensor, mask: Tensor, filling: Tensor | None = None) -> Conditions:
        """Not here.

        Args:
            video: As `VideoEngine.encode` takes it.
            mask: As there.
            filling: As there.

        Raises:
            NotImplementedError: Always.
        """
        self._absent()

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """Not here: NotImplementedError."""
        self._absent()

    def decode(self, latents: Tensor) -> Tensor:
        """Not here: NotImplementedError."""
        self._absent()

    def _denoise(
        self,
        caption: str,
        conditions: Conditions,
        seeds: Sequence[int],
        sampling: Sampling,
        on_step: Callable[[int], None],
        guess: Tensor | None,
    ) -> Tensor:
        self._absent()

    def _absent(self) -> NoReturn:
        raise NotImplementedError(f"the model '{self.name}' is loaded on workers, not in this process")
