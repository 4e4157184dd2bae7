"""What placing and speeding up need to know of an engine's pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TYPE_CHECKING

from core.vivid.memory import CHUNK, MemoryPlan
from core.vivid.speed.levers import Levers

if TYPE_CHECKING:
    import torch
    from torch import nn, Tensor

    from core.vivid.residents import Residents
    from core.vivid.speed.graphs import GraphReplay
    from core.vivid.speed.twin import Twin


@dataclass(frozen=True)
class Work:
    """How much one run is, for the memory that it takes.

    Attributes:
        tokens: Of one sample.
        width: Values of a token.
        coded: Channels of the autoencoder's first block.
        chunk: Frames that the autoencoder works on at once.
        kept: Hidden states of all tokens that are held beside those of a block.
        together: Whether a guided step runs with and without the caption at once.
    """

    tokens: int
    width: int
    coded: int
    chunk: int = CHUNK
    kept: int = 0
    together: bool = True


class PlacedPipeline:
    """A diffusers pipeline with a denoiser, an autoencoder and a text encoder. Mixed into the
    pipeline of each engine.
    """

    transformer: Any
    vae: Any
    text_encoder: Any
    to: Callable[..., Any]
    _execution_device: torch.device
    run_transformer: Callable[..., Tensor]
    vae_scale_factor_spatial: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.memory = MemoryPlan()
        self.residents: Residents | None = None
        self.levers = Levers()
        self.graphs: GraphReplay | None = None
        self.twin: Twin | None = None
        super().__init__(*args, **kwargs)

    @property
    def denoisers(self) -> list[nn.Module]:
        """The denoiser, or all that take turns."""
        return [self.transformer]

    def blocks_of(self, denoiser: Any) -> list[nn.Module]:
        """The blocks of a denoiser, all of a kind with the same shapes."""
        return list(denoiser.transformer_blocks)

    def work(self, working_size: tuple[int, int], window_frames: int) -> Work:
        """How much a window is.

        Args:
            working_size: (height, width) in pixels.
            window_frames: Its frames.

        Returns:
            What `needs_of` reckons with.
        """
        raise NotImplementedError

    def code_in_tiles(self, height: int, width: int, overlap: tuple[float, float]) -> None:
        """Let the autoencoder work on tiles of this size in pixels.

        Args:
            height: Of a tile.
            width: Of a tile.
            overlap: By which share of height and width tiles overlap.
        """
        self.vae.enable_tiling(height, width, *overlap)

    def _choose_tiles(self, frames: int) -> None:
        """A lone frame needs less than a tile of a clip, and is coded as if there were memory for
        everything.
        """
        if self.memory.tiled:
            self.vae.use_tiling = frames > 1

    def release_text_encoder(self) -> None:
        """Send it back to the host's memory, where the plan has it wait there."""
        if self.residents is not None:
            self.residents.leave("text_encoder")
