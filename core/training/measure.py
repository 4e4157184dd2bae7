"""Measure an exported small VIVID on the CPU: `python3 -m core.training.measure PACKAGE OUT [CLIP.mp4 ...]`.

Prints scores and writes scores.json and sheets (PNG) to OUT. Everything is unseen: procedural clips from another seed than training's,
and, when given, real clips, of which the central square of the first 17 frames is used. Thin on purpose; core.evaluation is the place for
the full suite.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import json
import sys
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from core.data import vocabulary
from core.data.sheet import tile
from core.data.world import CAPTIONS, Clips, DELETE_INDEX, World
from core.training.latents import show_keyframe
from core.training.loop import psnr
from core.training.preview import edit
from core.training.small_vae import reconstruct
from core.vivid.conditioning import BLACK, DELETE_CAPTION
from core.vivid.pipeline import VividPipeline
from core.vivid.pixels import to_frames, to_model
from core.vivid.warp import carried_along

SEED = 20_000
FRAMES = 17


def region_psnr(result: Tensor, target: Tensor, mask: Tensor) -> float:
    """PSNR over the pixels of the mask; (B, 3, T, H, W) in [-1, 1], mask (B, 1, T, H, W)."""
    return psnr(float(((result - target).square() * mask).sum() / (mask.sum() * 3).clamp(min=1)))


def lab(colours: np.ndarray) -> np.ndarray:
    """sRGB in [0, 1] (N, 3) -> CIE L*a*b* (N, 3)."""
    return cv2.cvtColor(colours.astype(np.float32)[None], cv2.COLOR_RGB2LAB)[0]


def named_colour(picture: Tensor, mask: Tensor) -> str:
    """The vocabulary's colour nearest to the middle of a region: picture (3, H, W) in [-1, 1], mask (H, W). Lightness counts half:
    shading."""
    rows, columns = torch.nonzero(mask > 0.5, as_tuple=True)
    top, bottom, left, right = int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1
    height, width = bottom - top, right - left
    core_part = picture[:, top + height // 3 : bottom - height // 4, left + width // 3 : right - width // 3]
    middle = ((core_part.flatten(1).median(1).values + 1) / 2).clamp(0, 1).numpy()[None]
    names = list(vocabulary.COLOURS)
    distance = (lab(np.array(list(vocabulary.COLOURS.values()))) - lab(middle)) * np.array([0.5, 1, 1])
    return names[int(np.argmin((distance**2).sum(1)))]


def read_square(path: Path, count: int, size: int) -> Tensor:
    """The first frames' central square of a video: (1, 3, count, size, size) in [-1, 1]."""
    frames = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            picture = frame.to_image()
            side = min(picture.size)
            left, top = (picture.width - side) // 2, (picture.height - side) // 2
            frames.append(np.asarray(picture.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.LANCZOS)))
            if len(frames) == count:
                break
    return to_model(np.stack(frames))


def measure_vae(pipeline: VividPipeline, synthetic: Clips, real: list[Tensor]) -> dict[str, float]:
    """PSNR in dB through the autoencoder, whole frames."""
    scores = {}
    for name, videos in (("synthetic", [synthetic.pixels]), ("real", real)):
        for frames in (1, FRAMES):
            values = [
                psnr(float((reconstruct(pipeline.vae, video[:, :, :frames])[0] - video[:, :, :frames]).square().mean())) for video in videos
            ]
            if values:
                scores[f"vae_psnr_{name}_{frames}"] = float(np.mean(values))
    return scores


def measure_keyframes(pipeline: VividPipeline, scenes: Tensor, out: Path) -> dict[str, float]:
    """Share of "a COLOUR KIND" in a box on unseen scenes (N, 3, 1, H, W) whose colour is named right, at guidance 1 and 3."""
    kinds = ("ball", "cube", "heart", "star")
    asked = [(colour, kinds[index % len(kinds)]) for index, colour in enumerate([*vocabulary.COLOURS, *vocabulary.COLOURS])]
    asked = [(colour, kinds[(index + index // 12) % len(kinds)]) for index, (colour, _) in enumerate(asked)]
    pixels = scenes[torch.arange(len(asked)) % scenes.shape[0]]
    mask = torch.zeros_like(pixels[:, :1])
    mask[..., 32:100, 30:98] = 1
    scores = {}
    for guidance in (1.0, 3.0):
        result = edit(pipeline, pixels, mask, [vocabulary.caption(kind, colour) for colour, kind in asked], steps=10, guidance=guidance)
        right = [named_colour(result[i, :, 0], mask[i, 0, 0]) == colour for i, (colour, _) in enumerate(asked)]
        scores[f"keyframe_colour_right_guidance_{guidance:g}"] = float(np.mean(right))
    row = 6
    Image.fromarray(np.concatenate([tile(result[i::row]) for i in range(row)], axis=1)).save(out / "keyframes.png")
    return scores


def colour_error(result: Tensor, target: Tensor, mask: Tensor) -> float:
    """CIE76 between the mean colours of result and target in the region, mean over clips and frames."""
    errors = []
    for video, truth, region in zip(result, target, mask, strict=True):
        for frame in range(1, video.shape[1]):
            inside = region[0, frame] > 0.5
            if inside.any():
                means = [((part[:, frame][:, inside].mean(1) + 1) / 2).numpy() for part in (video, truth)]
                first, second = lab(np.stack(means))
                errors.append(float(np.linalg.norm(first - second)))
    return float(np.mean(errors))


def measure_propagation(pipeline: VividPipeline, clips: Clips, out: Path) -> dict[str, float]:
    """The true first frame given: PSNR in the region and colour error from pure noise, from the carried keyframe, and of the carrying
    alone."""
    pixels, mask = show_keyframe(clips.pixels, clips.mask, torch.ones(clips.pixels.shape[0], dtype=torch.bool))
    captions = [CAPTIONS[index] for index in clips.caption.tolist()]
    guess = carried_along(pixels, clips.mask, clips.mask[:, :, :1])
    scores = {"propagation_psnr_ceiling_vae": region_psnr(reconstruct(pipeline.vae, clips.pixels)[0], clips.pixels, mask)}
    scores["propagation_psnr_carrying_alone"] = region_psnr(guess, clips.pixels, mask)
    sheets = [tile(clips.pixels), tile(guess)]
    wrong = [CAPTIONS[(index + 1234) % DELETE_INDEX] for index in clips.caption.tolist()]
    for name, said, steps, strength, filling in (
        ("black_6_steps", captions, 6, 1.0, BLACK),
        ("carried_2_steps", captions, 2, 1.0, guess),
        ("carried_4_steps", captions, 4, 1.0, guess),
        ("carried_4_steps_wrong_caption", wrong, 4, 1.0, guess),
        ("carried_8_steps_strength_0.5", captions, 8, 0.5, guess),
    ):
        first = None if strength == 1 else guess
        result = edit(pipeline, pixels, mask, said, steps=steps, guess=first, strength=strength, filling=filling)
        scores[f"propagation_psnr_{name}"] = region_psnr(result, clips.pixels, mask)
        scores[f"propagation_colour_error_{name}"] = colour_error(result, clips.pixels, mask)
        sheets.append(tile(result))
    Image.fromarray(np.concatenate(sheets, axis=1)).save(out / "propagation.png")
    return scores


def measure_deletion(pipeline: VividPipeline, real: list[Tensor], out: Path) -> dict[str, float]:
    """A 40-pixel hole moves over real frames: PSNR inside, model and cv2.inpaint (Telea)."""
    model_scores, telea_scores, sheets = [], [], []
    for video in real:
        mask = torch.zeros_like(video[:, :1])
        for frame in range(FRAMES):
            mask[:, :, frame, 44:84, 24 + 2 * frame : 64 + 2 * frame] = 1
        result = edit(pipeline, video, mask, [DELETE_CAPTION], steps=2)
        frames, holes = to_frames(video[0]), (mask[0, 0].numpy() > 0.5).astype(np.uint8)
        filled = np.stack([cv2.inpaint(frame, hole, 3, cv2.INPAINT_TELEA) for frame, hole in zip(frames, holes, strict=True)])
        telea = to_model(filled)
        model_scores.append(region_psnr(result, video, mask))
        telea_scores.append(region_psnr(telea, video, mask))
        sheets.append(np.concatenate([tile(video, mask), tile(result), tile(telea)], axis=1))
    if not sheets:
        return {}
    Image.fromarray(np.concatenate(sheets)).save(out / "deletion.png")
    return {"deletion_psnr_model": float(np.mean(model_scores)), "deletion_psnr_telea": float(np.mean(telea_scores))}


def main(arguments: list[str]) -> None:
    """Measure the package at arguments[0]; write to arguments[1]; the rest are real clips."""
    package, out = arguments[:2]
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(min(2, torch.get_num_threads()))
    pipeline = VividPipeline.from_pretrained(package, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    world = World("cpu", seed=SEED, solids_per_kind=6, backgrounds=32, silhouettes=64)
    size = world.size[0]
    real = [read_square(Path(path), FRAMES, size) for path in arguments[2:]]
    clips = world.sample(4, FRAMES, delete=0.0, seed=SEED + 1)
    stills = [video[:, :, :1] for video in real] or [world.sample(6, 1, delete=1.0, seed=SEED + 2).pixels]
    stages = (
        partial(measure_propagation, pipeline, clips, folder),
        partial(measure_deletion, pipeline, real, folder),
        partial(measure_vae, pipeline, clips, real),
        partial(measure_keyframes, pipeline, torch.cat(stills), folder),
    )
    scores: dict[str, float] = {}
    for stage in stages:
        found = stage()
        for name, value in found.items():
            print(f"{name:44}{value:8.2f}", flush=True)
        scores |= found
    (folder / "scores.json").write_text(
        json.dumps({name: round(value, 3) for name, value in scores.items()}, indent=2) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
