"""Settings of the recipe `small-vivid`."""

from __future__ import annotations

from dataclasses import dataclass

from core.training.small.config import SmallRecipeConfig


@dataclass(frozen=True)
class VividConfig(SmallRecipeConfig):
    """Recipe `small-vivid`: the denoiser and its text encoder, over a trained autoencoder."""

    data: str = ""
    """Data sets and manifests to train on, as for `vivid-5b`, instead of the clips that the program
    draws."""
    fps: float = 0.0
    """With data: frames a second that a video is sampled at; 0: every frame of it."""
    bad_records: str = "stop"
    """With data: stop at a record that can't be read, or skip to the next one."""
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
    """Share of the keyframed clips that are no deletions whose masked region shows the warped
    keyframe, not black."""
    foreign: float = 0.25
    """Share of the clips whose object has no name; they are always given their keyframe."""
    caption_drop: float = 0.1
    delete_probability: float = 0.25
    still_fraction: float = 0.03
    """Objects and cameras stand still for this part of the run; then motion grows to full over as
    long again (0: it is full at once)."""
    high_noise: float = 0.75
    """Part of the time steps drawn from `high_noise_from` to 999; the rest is uniform."""
    high_noise_from: int = 400
    outside_weight: float = 0.2
