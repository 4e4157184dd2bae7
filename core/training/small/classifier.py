"""Recipe `small-classifier`: the network that names kind and colour, from nothing, on procedural
pictures made soft and coarse."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from core.data.vocabulary import COLOURS, KINDS
from core.data.world import World
from core.evaluation.classifier import as_input, Classifier, crop_square, MARGIN, SIDE, ThingClassifier
from core.training.small.classifier_config import ClassifierConfig
from core.training.small.run import begin_run
from core.training.small.world import build_world

STORED_SIDE, STORED_MARGIN = 88, 1.5
"""Crops are kept a little larger and wider than the network sees them, so that their place and size
can still be shaken."""
HELD_OUT_SEED = 90_000


def draw_crops(world: World, count: int, seed: int, batch: int = 64) -> tuple[NDArray[np.uint8], Tensor, Tensor]:
    """Draw pictures of things on their backgrounds.

    Args:
        world: Where they come from.
        count: How many; those whose region is empty are left out.
        seed: Of the first batch.
        batch: Pictures that are drawn at once.

    Returns:
        Crops uint8 (N, 88, 88, 3), and the index of kind and colour, int64 (N,) each.
    """
    crops, kinds, colours = [], [], []
    for start in range(0, count, batch):
        clips = world.sample(min(batch, count - start), 1, delete=0.0, seed=seed + start)
        pictures = ((clips.pixels[:, :, 0] + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        regions = clips.mask[:, 0, 0].cpu().numpy() > 0.5
        for index in range(len(pictures)):
            if not regions[index].any():
                continue
            crops.append(crop_square(pictures[index], regions[index], STORED_SIDE, STORED_MARGIN))
            kinds.append(int(clips.kind[index]))
            colours.append(int(clips.colour[index]))
    return np.stack(crops), torch.tensor(kinds), torch.tensor(colours)


def jittered(crops: Tensor, generator: torch.Generator) -> Tensor:
    """uint8 (B, h, w, 3) -> the network's input (B, 3, 64, 64): another place and size in the crop,
    mirrored, brighter or darker."""
    count = crops.shape[0]

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=generator) * (high - low) + low

    scale = uniform(0.92 * MARGIN, 1.12 * MARGIN) / STORED_MARGIN
    stretch = torch.exp(uniform(-0.05, 0.05))
    mirror = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    shift = torch.stack([uniform(-0.07, 0.07), uniform(-0.07, 0.07)], 1)
    matrix = torch.zeros(count, 2, 3)
    matrix[:, 0, 0], matrix[:, 1, 1], matrix[:, :, 2] = scale * stretch * mirror, scale / stretch, shift
    grid = F.affine_grid(matrix, [count, 3, SIDE, SIDE], align_corners=False)
    pictures = crops.permute(0, 3, 1, 2).float() / 127.5 - 1
    pictures = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    return (pictures * uniform(0.94, 1.06)[:, None, None, None] + uniform(-0.05, 0.05)[:, None, None, None]).clamp(-1, 1)


def degraded(pictures: Tensor, random: np.random.Generator) -> Tensor:
    """What a small model, a small region or a codec does to a picture: through fewer pixels, blur,
    noise, JPEG; a quarter stays as is."""
    batch = ((pictures.permute(0, 2, 3, 1) + 1) * 127.5).round().clamp(0, 255).byte().numpy()
    result = np.empty_like(batch)
    for index, picture in enumerate(batch):
        image = picture
        if random.random() > 0.25:
            if random.random() < 0.5:
                side = int(random.integers(18, SIDE))
                image = cv2.resize(
                    cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR
                )
            if random.random() < 0.5:
                image = cv2.GaussianBlur(image, (0, 0), float(random.uniform(0.4, 2.2)))
            if random.random() < 0.4:
                noise = random.normal(0, random.uniform(2, 14), image.shape)
                image = np.clip(image + noise, 0, 255).astype(np.uint8)
            if random.random() < 0.4:
                quality = int(random.integers(25, 90))
                image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
        result[index] = image
    return as_input(torch.from_numpy(result))


@torch.inference_mode()
def accuracy(network: ThingClassifier, pictures: Tensor, kinds: Tensor, colours: Tensor) -> tuple[float, float]:
    """Measure how often the classifier is right.

    Args:
        network: Is put into evaluation mode.
        pictures: (B, 3, 64, 64) in [-1, 1].
        kinds: True kinds, int64 (B,).
        colours: True colours, int64 (B,).

    Returns:
        Share of pictures whose kind is right, and whose colour is.
    """
    network.eval()
    answers = [network(part) for part in pictures.split(256)]
    kind, colour = (torch.cat(part).argmax(1) for part in zip(*answers, strict=True))
    return float((kind == kinds).float().mean()), float((colour == colours).float().mean())


def train(config: ClassifierConfig) -> None:
    """Run the recipe; writes `out`/classifier.safetensors, scores.json and a curve."""
    torch.manual_seed(config.seed)
    network = (Classifier.load(Path(config.initial)).network if config.initial else ThingClassifier()).train().requires_grad_(True)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # half again as fast on a CPU
    run = begin_run(config, "small-classifier", {"classifier": network})
    run.load_checkpoint()
    world = build_world(config)
    print(f"drawing {config.pictures} pictures", flush=True)
    crops, kinds, colours = draw_crops(world, config.pictures, config.seed)
    stored = torch.from_numpy(crops)
    run.start_clock()
    for kind_of_step in run.kinds("i"):
        # Seeded by the step, so that a resumed run draws what the unbroken one would have drawn.
        generator, random = torch.Generator().manual_seed(config.seed + run.step), np.random.default_rng((config.seed, run.step))
        pick = torch.randint(0, len(stored), (config.batch,), generator=generator)
        pictures = degraded(jittered(stored[pick], generator), random).contiguous(memory_format=torch.channels_last)
        kind, colour = network(pictures)
        loss = F.cross_entropy(kind, kinds[pick], label_smoothing=0.05) + F.cross_entropy(colour, colours[pick], label_smoothing=0.05)
        run.optimizer.descend(loss)
        right = [(answers.argmax(1) == truth[pick]).float().mean() for answers, truth in ((kind, kinds), (colour, colours))]
        seen = dict(zip(("loss", "kind_right", "colour_right"), (loss.detach(), *right), strict=True))
        run.advance(lambda: {kind_of_step: {name: float(value) for name, value in seen.items()}})  # noqa: B023
    run.save_checkpoint()
    network.load_state_dict(run.averaged_states()["classifier"])
    scores = held_out_scores(network, config)
    print(scores, flush=True)
    folder = Path(config.out)
    path = Classifier(network).save(folder)
    (folder / "scores.json").write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
    print(f"{path}: {path.stat().st_size} bytes, {sum(p.numel() for p in network.parameters())} parameters", flush=True)


def held_out_scores(network: ThingClassifier, config: ClassifierConfig) -> dict[str, float]:
    """Accuracy on things and backgrounds that were not trained on: as drawn, and spoiled as in
    training."""
    unseen = build_world(dataclasses.replace(config, seed=HELD_OUT_SEED, world=config.held_out_world))
    crops, kinds, colours = draw_crops(unseen, config.held_out_pictures, HELD_OUT_SEED)
    share = MARGIN / STORED_MARGIN
    matrix = torch.tensor([[share, 0, 0], [0, share, 0]]).expand(len(crops), 2, 3)
    grid = F.affine_grid(matrix, [len(crops), 3, SIDE, SIDE], align_corners=False)
    clean = F.grid_sample(torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 127.5 - 1, grid, padding_mode="border", align_corners=False)
    worse = degraded(clean, np.random.default_rng(HELD_OUT_SEED))
    scores: dict[str, float] = {"pictures": len(crops), "kinds": len(KINDS), "colours": len(COLOURS)}
    for name, pictures in (("clean", clean), ("spoiled", worse)):
        scores[f"kind_{name}"], scores[f"colour_{name}"] = (round(value, 4) for value in accuracy(network, pictures, kinds, colours))
    return scores
