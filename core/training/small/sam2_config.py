"""Settings of the recipe `small-sam2`."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.training.small.config import SmallRecipeConfig


@dataclass(frozen=True)
class PoolsConfig:
    """Sizes of the pools that clips for tracking are composed of; small numbers make a small world
    quickly (tests)."""

    textures_count: int = 2048
    outlines: int = 256
    solids_per_kind: int = 60
    backgrounds: int = 512
    background_size: int = 512
    picture_size: int = 128


@dataclass(frozen=True)
class Sam2RecipeConfig(SmallRecipeConfig):
    """Recipe `small-sam2`: the small SAM 2."""

    learning_rate: float = 5e-4
    warmup_steps: int = 300
    ema: float = 0.998
    checkpoint_seconds: float = 60.0
    initial: str = ""
    """Folder with a config.json of the sizes to build and, unless training starts from nothing,
    model.safetensors."""
    pictures: str = ""
    """Folder of pictures of real things that appear among the drawn ones (`python3 -m
    core.data.pool` makes it)."""
    image_size: int = 0
    """Side in pixels that the package says the network takes, and that validation uses (0: as in
    `initial`)."""
    pooled_memory: bool = False
    """As in core.segment.network.Sam2Config, whatever `initial` says: tracking takes two thirds of
    the time, and is trained for it."""
    box_share: float = 0.48
    click_share: float = 0.38
    """Shares of the targets that are prompted by a box and by a click; the others are prompted by
    their mask."""
    phases: str = "256:2:72:2:0.2,256:6:24:2:0.5,384:8:10:2:1"
    """One after the other: side in pixels, frames, clips, targets a clip, and at which part of the
    run the phase ends."""
    stop_after: float = 0.0
    """Write everything and stop after this many seconds of wall time since the start of the program
    (0: at the end of the run), so that a later call with resume=true goes on."""
    validate_seconds: float = 75.0
    validation_clips: int = 40
    validation_frames: int = 8
    prompt_passes: int = 2
    """How often the prompted frame is shown again in validation, and what the package's
    configuration says."""
    export: str = ""
    """Folder that gets the package, the curve and a sheet at every validation (default:
    `out`/package)."""
    pools: PoolsConfig = field(default_factory=PoolsConfig)
