"""Typed configuration of the recipes, and how `key=value` words on the command line change it."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from dataclasses import dataclass, field
from typing import Any, TypeVar

from core.errors import InputError


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the small VIVID. The defaults are the model that ships: 12 M parameters, 24 MB in half precision."""

    height: int = 128
    width: int = 128
    window_frames: int = 17
    latent_channels: int = 32
    vae_channels: tuple[int, ...] = (32, 48, 56, 64)
    layers: int = 6
    heads: int = 5
    head_dim: int = 64
    time_embed_dim: int = 40
    text_dim: int = 128
    patch_size: int = 1


@dataclass(frozen=True)
class WorldConfig:
    """Sizes of the procedural pools; small numbers make a small world quickly (tests)."""

    solids_per_kind: int = 1500
    solid_size: int = 96
    backgrounds: int = 4096
    background_size: int = 256
    silhouettes: int = 2048


@dataclass(frozen=True)
class RecipeConfig:
    """What every recipe shares."""

    out: str = "runs/small"
    device: str = "cuda"
    seed: int = 0
    steps: int = 0
    """Stop after this many steps (0: when `minutes` are over)."""
    minutes: float = 0.0
    """Length of the run in wall time, the learning-rate schedule included (0: `steps` rules)."""
    learning_rate: float = 1e-3
    warmup_steps: int = 150
    clip_norm: float = 1.0
    ema: float = 0.998
    checkpoint_seconds: float = 120.0
    resume: bool = False
    """Continue from `out`/checkpoint-<recipe>.pt when it is there."""
    compile: bool = False
    log_every: int = 50
    network: NetworkConfig = field(default_factory=NetworkConfig)
    world: WorldConfig = field(default_factory=WorldConfig)


@dataclass(frozen=True)
class VaeConfig(RecipeConfig):
    """Recipe `small-vae`: the autoencoder."""

    learning_rate: float = 2e-3
    ema: float = 0.997
    image_batch: int = 32
    video_batch: int = 8
    video_frames: int = 9
    long_batch: int = 8
    pattern: str = "vli"
    """The order of batches: i an image, v a clip of `video_frames`, l a clip of a whole window."""
    kl_weight: float = 1e-4
    initial: str = ""
    """Folder of a trained autoencoder to start from instead of random weights."""


@dataclass(frozen=True)
class VividConfig(RecipeConfig):
    """Recipe `small-vivid`: the denoiser and its text encoder, over a trained autoencoder."""

    vae: str = ""
    """Folder of a trained autoencoder (default: `out`/vae)."""
    initial: str = ""
    """Folder of an exported package to start from instead of random weights."""
    image_batch: int = 256
    video_batch: int = 48
    image_fill: int = 64
    video_fill: int = 10
    """Fresh samples encoded before each step; batch / fill is how often a latent is used again."""
    image_buffer: int = 24576
    video_buffer: int = 12288
    pattern: str = "vi"
    keyframe_probability: float = 0.7
    carried_probability: float = 0.9
    """Of the clips that are given their keyframe and are not deletions, those whose hole shows it carried along the region, not black."""
    foreign: float = 0.25
    """Part of the clips whose thing has no name; they are always given their keyframe."""
    caption_drop: float = 0.1
    delete_probability: float = 0.25
    still_fraction: float = 0.03
    """Objects and cameras stand still for this part of the run; then motion grows to full over as long again (0: it is full at once)."""
    high_noise: float = 0.75
    """Part of the time steps drawn from `high_noise_from` to 999; the rest is uniform."""
    high_noise_from: int = 400
    outside_weight: float = 0.2


@dataclass(frozen=True)
class PoolsConfig:
    """Sizes of the pools that clips for tracking are composed of; small numbers make a small world quickly (tests)."""

    textures_count: int = 2048
    outlines: int = 256
    solids_per_kind: int = 60
    backgrounds: int = 512
    background_size: int = 512
    picture_size: int = 128


@dataclass(frozen=True)
class Sam2RecipeConfig(RecipeConfig):
    """Recipe `small-sam2`: the small SAM 2."""

    learning_rate: float = 5e-4
    warmup_steps: int = 300
    ema: float = 0.998
    checkpoint_seconds: float = 60.0
    initial: str = ""
    """Folder with a config.json of the sizes to build and, unless training starts from nothing, model.safetensors."""
    phases: str = "256:2:72:2:0.2,256:6:24:2:0.5,384:8:10:2:1"
    """One after the other: side in pixels, frames, clips, targets a clip, and at which part of the run the phase ends."""
    stop_after: float = 0.0
    """Write everything and stop after this many seconds of wall time since the start of the program (0: at the end of the run), so that a
    later call with resume=true goes on."""
    validate_seconds: float = 75.0
    validation_clips: int = 40
    validation_frames: int = 8
    prompt_passes: int = 2
    """How often the prompted frame is shown again in validation, and what the package's configuration says."""
    export: str = ""
    """Folder that gets the package, the curve and a sheet at every validation (default: `out`/package)."""
    pools: PoolsConfig = field(default_factory=PoolsConfig)


@dataclass(frozen=True)
class ClassifierConfig(RecipeConfig):
    """Recipe `small-classifier`: the judge of what the small VIVID paints. A few minutes on one core of a CPU."""

    out: str = "runs/classifier"
    device: str = "cpu"
    steps: int = 3000
    learning_rate: float = 4e-3
    warmup_steps: int = 100
    ema: float = 0.99
    initial: str = ""
    """Folder of trained weights to start from instead of random ones."""
    batch: int = 128
    pictures: int = 24_000
    held_out_pictures: int = 3000
    world: WorldConfig = field(default_factory=lambda: WorldConfig(solids_per_kind=160, backgrounds=384, silhouettes=256))
    held_out_world: WorldConfig = field(default_factory=lambda: WorldConfig(solids_per_kind=48, backgrounds=96, silhouettes=128))


ConfigT = TypeVar("ConfigT")


def _parse(text: str, kind: Any, name: str) -> Any:
    """`text` as a value of the annotated type."""
    origin = typing.get_origin(kind)
    if origin is tuple:
        item = typing.get_args(kind)[0]
        return tuple(_parse(part, item, name) for part in text.split(",") if part)
    if origin in (types.UnionType, typing.Union):
        kind = next(option for option in typing.get_args(kind) if option is not type(None))
    if kind is bool:
        if text.lower() in ("1", "true", "yes", "on"):
            return True
        if text.lower() in ("0", "false", "no", "off"):
            return False
        raise InputError(f"{name}={text}: say true or false")
    try:
        value = kind(text)
    except ValueError:
        raise InputError(f"{name}={text}: expected {getattr(kind, '__name__', kind)}") from None
    if kind in (int, float) and not 0 <= value < math.inf:
        raise InputError(f"{name}={text}: it has to be 0 or more")
    return value


def with_overrides(config: ConfigT, words: list[str]) -> ConfigT:
    """Apply `key=value` words; a dot reaches into a nested part (`network.layers=2`).

    Raises InputError for a word without `=`, an unknown key or a value of the wrong type.
    """
    changes: dict[str, Any] = {}
    for word in words:
        name, separator, text = word.partition("=")
        if not separator:
            raise InputError(f"'{word}' is no setting: write key=value")
        *groups, last = name.split(".")
        kind, place = type(config), changes
        for group in groups:
            kind, place = _group(kind, group, name), place.setdefault(group, {})
        place[last] = _value(kind, last, text, name)
    return _replaced(config, changes)


def _group(kind: Any, group: str, name: str) -> Any:
    """The class of a nested part."""
    wanted = _hint(kind, group, name)
    if not dataclasses.is_dataclass(wanted):
        raise InputError(f"'{group}' has no settings of its own, in '{name}'")
    return wanted


def _value(kind: Any, key: str, text: str, name: str) -> Any:
    wanted = _hint(kind, key, name)
    if dataclasses.is_dataclass(wanted):
        raise InputError(f"'{name}' is a group: name one of its settings, such as {name}.{next(iter(typing.get_type_hints(wanted)))}")
    return _parse(text, wanted, name)


def _hint(kind: Any, key: str, name: str) -> Any:
    hints = typing.get_type_hints(kind)
    if key not in hints:
        raise InputError(f"unknown setting '{name}'; known here: {', '.join(sorted(hints))}")
    return hints[key]


def _replaced(config: Any, changes: dict[str, Any]) -> Any:
    """All at once, so that settings which have to agree may be given in any order."""
    return dataclasses.replace(
        config, **{key: _replaced(getattr(config, key), value) if isinstance(value, dict) else value for key, value in changes.items()}
    )
