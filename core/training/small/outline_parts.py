"""What the recipe `small-outline` learns from: parts of frames with the segmenter's own logits and
features on them, at the size of a clip, and the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor

from core.data.noise import chance, log_uniform, uniform
from core.data.tracking import TrackingClips, whole_things
from core.segment.outline_network import cut, cut_features
from core.training.small.sam2_tracking import BatchTracker, track

PROMPTS = ("box", "click", "mask")
_TALLEST = (0.5, 0.8)  # a clip's height, in its widths
_UPRIGHT = 0.15
_LOST = 0.35  # J below which an answer shows another thing, whose outline can't be mended

_KNOWN = 0.85


@dataclass(frozen=True)
class TrackedClips:
    """Clips and what the segmenter says of their targets; N = targets * B, a target's clips
    together.

    pixels (B, T, 3, S, S) in [0, 1]; truth bool (N, T, S, S); logits (N, T, h, w); levels of
    features (B * T, C, h, w), a clip's frames together, finest first; weight (N, T) 0 where the
    object is not to be seen or was lost.
    """

    pixels: Tensor
    truth: Tensor
    logits: Tensor
    levels: list[Tensor]
    weight: Tensor


@dataclass(frozen=True)
class Parts:
    """What the network is shown and shall answer: picture (N, 3, s, s), logits (N, 1, s, s),
    features, truth (N, 1, s, s) of 0 and 1, weight (N,).
    """

    picture: Tensor
    logits: Tensor
    features: list[Tensor]
    truth: Tensor
    weight: Tensor


@torch.no_grad()
def track_clips(network: SAM2Base, clips: TrackingClips, targets: int, prompt: str, passes: int) -> TrackedClips:
    """Let the segmenter track things through clips, as the program would.

    Args:
        network: The segmenter's.
        clips: Larger than the network's square, as a person's are.
        targets: Of each clip.
        prompt: One of PROMPTS.
        passes: As in Sam2Config.prompt_passes.

    Returns:
        The clips with its answers.
    """
    masks, usable = whole_things(clips, targets)
    batch, frames = clips.pixels.shape[:2]
    side = network.image_size
    small = F.interpolate(clips.pixels.flatten(0, 1).float(), size=(side, side), mode="bilinear", antialias=True, align_corners=False)
    little = F.interpolate(masks.flatten(0, 1).float(), size=(side, side), mode="area") > 0.5
    pixels = small.view(batch, frames, 3, side, side)
    tracker = BatchTracker(network)
    with torch.autocast(pixels.device.type, dtype=torch.bfloat16, enabled=pixels.device.type == "cuda"):
        levels = network.forward_image((small - tracker.mean) / tracker.std)["backbone_fpn"]
        scores, logits = track(tracker, pixels, little.view(batch, frames, targets, side, side), prompt, passes)
    truth = masks.permute(2, 0, 1, 3, 4).flatten(0, 1)
    seen = truth.float().mean((2, 3)) > 5e-4
    weight = usable.T.flatten()[:, None] * seen * (scores > _LOST)
    return TrackedClips(clips.pixels, truth, logits.float(), [level.float() for level in levels], weight)


def whole_boxes(answers: Tensor, margin: float) -> Tensor:
    """Boxes x0, y0, x1, y1 in sides of the picture, (N, 4), around answers bool (N, h, w); the
    whole picture where they are empty.
    """
    height, width = answers.shape[1:]
    columns, rows = answers.any(1).float(), answers.any(2).float()
    low = torch.stack([columns.argmax(1) / width, rows.argmax(1) / height], 1)
    high = torch.stack([1 - columns.flip(1).argmax(1) / width, 1 - rows.flip(1).argmax(1) / height], 1)
    grown = margin * (high - low)
    return torch.cat([(low - grown).clamp(0, 1), (high + grown).clamp(0, 1)], 1)


def draw_parts(tracked: TrackedClips, side: int, widths: tuple[int, int]) -> Parts:
    """Look at a part of each frame of each target.

    Args:
        tracked: The clips.
        side: Pixels of the parts.
        widths: Between which a clip's width in pixels is drawn.

    Returns:
        N * T parts, mirrored and coloured anew.
    """
    truth, logits = tracked.truth.flatten(0, 1), tracked.logits.flatten(0, 1)
    device, count = truth.device, len(truth)
    width = log_uniform(count, device=device, low=widths[0], high=widths[1])
    height = width * uniform(count, device=device, low=_TALLEST[0], high=_TALLEST[1])
    upright = torch.rand(count, 1, device=device) < _UPRIGHT
    lengths = torch.where(upright, torch.stack([height, width], 1), torch.stack([width, height], 1))
    spread = side / lengths  # of the part, in sides of the picture
    around = whole_boxes(F.interpolate(truth[:, None].float(), size=logits.shape[-2:], mode="area")[:, 0] + (logits > 0) > 0.3, 0.15)
    middle = torch.lerp(around[:, :2], around[:, 2:], torch.rand(count, 2, device=device))
    boxes = torch.cat([middle - spread / 2, middle + spread / 2], 1)
    parts = cut_parts(tracked, boxes, side, worsened(logits))
    mirrored = torch.rand(count, device=device) < 0.5

    def turned(values: Tensor) -> Tensor:
        return torch.where(mirrored[:, None, None, None], values.flip(3), values)

    # without a level now and then: what it says of real things and of drawn ones differs most
    known = [chance(count, 1, 1, 1, device=device, p=_KNOWN) * turned(values) for values in parts.features]
    return Parts(recoloured(turned(parts.picture)), turned(parts.logits), known, turned(parts.truth), parts.weight)


def cut_parts(tracked: TrackedClips, boxes: Tensor, side: int, logits: Tensor) -> Parts:
    """Cut a part out of each frame of each target.

    Args:
        tracked: The clips.
        boxes: x0, y0, x1, y1 in sides of the picture, (N * T, 4).
        side: Pixels of the parts.
        logits: Of the segmenter, (N * T, h, w).

    Returns:
        The parts.
    """
    targets = len(tracked.truth) // len(tracked.pixels)
    size = (side, side)
    picture = cut(tracked.pixels.flatten(0, 1).repeat(targets, 1, 1, 1).float(), boxes, size)
    features = cut_features([level.repeat(targets, 1, 1, 1) for level in tracked.levels], boxes, size)
    truth = (cut(tracked.truth.flatten(0, 1)[:, None].float(), boxes, size) > 0.5).float()
    return Parts(picture, cut(logits[:, None], boxes, size), features, truth, tracked.weight.flatten())


def worsened(logits: Tensor) -> Tensor:
    """Logits (N, h, w) as a segmenter would give them that is less sure, or mistakes a spot."""
    device, count = logits.device, len(logits)
    gain = torch.exp(0.35 * torch.randn(count, 1, 1, device=device) * chance(count, 1, 1, device=device, p=0.4))
    shift = torch.randn(count, 1, 1, device=device) * chance(count, 1, 1, device=device, p=0.3)
    cells = 9
    spots = F.interpolate(torch.randn(count, 1, cells, cells, device=device), size=logits.shape[-2:], mode="bicubic", align_corners=False)[
        :, 0
    ]
    often = chance(count, 1, 1, device=device, p=0.35)
    amount = often * 8 * torch.randn(count, 1, 1, device=device)
    return gain * logits + shift + amount * torch.sigmoid(6 * (spots - 1.6))


def recoloured(pictures: Tensor) -> Tensor:
    """Pictures (N, 3, s, s) brighter or darker, stronger or weaker, softer or noisier."""
    device, count = pictures.device, len(pictures)
    tint = uniform(count, 3, 1, 1, device=device, low=0.9, high=1.1) * uniform(count, 1, 1, 1, device=device, low=0.7, high=1.2)
    mean = pictures.mean((2, 3), keepdim=True)
    contrast = uniform(count, 1, 1, 1, device=device, low=0.7, high=1.2)
    pictures = (mean + contrast * (pictures - mean)) * tint
    soft = F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)
    pictures = torch.lerp(pictures, soft, uniform(count, 1, 1, 1, device=device) * chance(count, 1, 1, 1, device=device, p=0.35))
    noise = 0.03 * uniform(count, 1, 1, 1, device=device) * chance(count, 1, 1, 1, device=device, p=0.4)
    return (pictures + noise * torch.randn_like(pictures)).clamp(0, 1)
