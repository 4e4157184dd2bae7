"""Settings of the recipe `small-outline`."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.training.small.config import SmallRecipeConfig
from core.training.small.sam2_config import PoolsConfig


@dataclass(frozen=True)
class OutlineRecipeConfig(SmallRecipeConfig):
    """Recipe `small-outline`: the network that brings outlines to the picture."""

    learning_rate: float = 2e-3
    warmup_steps: int = 100
    ema: float = 0.998
    checkpoint_seconds: float = 60.0
    segmenter: str = "assets/models/sam2-small"
    """The package whose masks are made sharper; it is not changed."""
    initial: str = ""
    """Folder with an outline.safetensors to begin from."""
    pictures: str = ""
    """Folder of pictures of real things, as in `small-sam2`."""
    side: int = 832
    """Pixels of the square that clips are drawn at."""
    frames: int = 4
    clips: int = 8
    targets: int = 2
    part: int = 256
    """Pixels of the side of what the network sees of a frame, at the size of a clip."""
    narrowest: int = 400
    widest: int = 860
    """Widths in pixels that a clip may have."""
    parts: int = 3
    """How often a batch of clips is looked at, each time at other parts of its frames."""
    stop_after: float = 0.0
    """As in `small-sam2`."""
    validate_seconds: float = 60.0
    validation_clips: int = 24
    export: str = ""
    """Folder that gets weights and curve at every validation (default: `out`/package)."""
    pools: PoolsConfig = field(
        default_factory=lambda: PoolsConfig(textures_count=1024, backgrounds=320, background_size=832, picture_size=192)
    )
