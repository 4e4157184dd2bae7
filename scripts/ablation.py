"""The paper's two ablations on a small scale: images to videos, and masks with and without the
forms, each an adapter of the recipe `vivid-5b` on a `small-base`, trained for equal time.

A script, not a test: what it trains learns something on a GPU only.

python -m scripts.ablation OUT [--minutes 10] [--base-minutes 10] [--seeds 2] [--at-once N]

Trains the base with the autoencoder that ships, draws clips of the procedural world with masks as
tracked and encodes them twice (masks in the six forms, and as they are), then trains and scores
every arm in a process of its own, as many side by side as --at-once says. On a CPU, minutes are
those of the processor, so that others who use it make no arm shorter. Scores are of clips that no
arm has seen. Writes OUT/ablation.json, and a table to standard output. Settings of the networks
(network.layers=1) and of the world go to the base, for a quick try on a CPU.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import numpy as np
import torch
from torch import Tensor

from core.data.pool_sizes import PoolSizes
from core.data.world import CAPTIONS, World, WorldClips
from core.evaluation.edit_measures import background_preservation
from core.evaluation.fidelity import psnr
from core.masks import adjust
from core.models import ModelStore
from core.project.tracks import MaskAdjustment
from core.training.common.cogvideox import rotary_embedding
from core.training.common.diffusion import noised, velocity_loss
from core.training.datasets.conditions import draw_conditions
from core.training.datasets.config import DataConfig
from core.training.datasets.encoders import Encoders, load_alphas
from core.training.datasets.latent_cache import LatentCache
from core.vivid.conditioning import denoiser_input, latent_mask, masked_video
from core.vivid.model import load_vivid, VividModel
from core.vivid.pixels import mask_to_model, to_frames

SIDE, VARIANTS, BATCH = 128, 2, 32
VAE = Path(__file__).resolve().parents[1] / "assets/models/vivid-small/vae"
FORMS = {"as tracked": MaskAdjustment(), "box+expand": MaskAdjustment("box+expand", 5)}
"""Regions that are scored: what a person would hand in."""
HELD_POOLS = PoolSizes(solids_per_kind=60, backgrounds=256, silhouettes=192)
TIMES = (100, 300, 500, 700, 900)
GUIDANCE = 3.0


@dataclass(frozen=True)
class Arm:
    """One training run: steps of images and of videos in a round, and whether masks get forms."""

    images: int
    videos: int
    forms: bool = True

    @property
    def name(self) -> str:
        """As folders and rows are called."""
        return f"{self.images}-{self.videos}" + ("" if self.forms else "-plain")


ARMS = (Arm(10, 1), Arm(5, 1), Arm(1, 1), Arm(0, 1), Arm(10, 1, forms=False))


def main() -> None:
    """Train the base, draw the data, run the arms."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=10.0, help="of each arm")
    parser.add_argument("--base-minutes", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--images", type=int, default=8192, help="that are drawn")
    parser.add_argument("--videos", type=int, default=2048)
    parser.add_argument("--held", type=int, default=48, help="videos of each task to score")
    parser.add_argument("--batch", type=int, default=32, help="samples of a step")
    parser.add_argument("--frames", type=int, default=17, help="of a video: 4N+1")
    parser.add_argument("--steps", type=int, default=20, help="of an edit that is scored")
    parser.add_argument("--at-once", type=int, default=1, metavar="N", help="arms side by side")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--part", default="", help=argparse.SUPPRESS)
    options, settings = parser.parse_known_args()
    if options.part == "draw":
        _draw(options, settings)
    elif options.part:
        _score(options, *options.part.split("/"))
    else:
        _run(options, settings)


def _run(options: argparse.Namespace, settings: list[str]) -> None:
    out, begun = options.out, time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    drawing = _self(options, "draw", settings)
    if not (out / "base").exists():
        base = ["small-base", f"out={out}", f"vae={VAE}", f"minutes={options.base_minutes}", *_clock(options)]
        base += [f"network.window_frames={options.frames}", *settings]
        _wait(_python(out / "base.log", "-m", "core.training", *base))
    _wait(drawing)
    _encode_captions(options)
    print(f"base and data: {time.monotonic() - begun:.0f} s", flush=True)
    runs = [(arm, seed) for seed in range(options.seeds) for arm in ARMS]
    for arm, seed in runs:
        _seeded(options, arm, seed)
    rows = []
    with ThreadPoolExecutor(options.at_once) as pool:
        for done in as_completed([pool.submit(_arm, options, *run, settings) for run in runs]):
            rows.append(done.result())
            (out / "ablation.json").write_text(json.dumps({"seconds": round(time.monotonic() - begun), "rows": rows}, indent=1) + "\n")
    _print_table(rows)


def _arm(options: argparse.Namespace, arm: Arm, seed: int, settings: list[str]) -> dict[str, Any]:
    """Train and score one arm: its row."""
    out = options.out / f"{arm.name}-{seed}"
    latents = _seeded(options, arm, seed)
    words = [
        *("vivid-5b", f"base={options.out / 'base'}", f"data={options.out / 'records.jsonl'}", f"latents={latents}"),
        *(f"height={SIDE}", f"width={SIDE}", f"frames={options.frames}", "expand_from=2", "expand_to=9", f"mask_forms={arm.forms}"),
        *(f"out={out}", f"minutes={options.minutes}", "steps=1000000", "warmup_steps=50", "learning_rate=1e-3", *_clock(options)),
        *(f"image_batches={arm.images}", f"video_batches={arm.videos}", f"image_batch={options.batch}", f"video_batch={options.batch}"),
        *("log_every=20", "checkpoint_every=1000000", "ema=0.98", f"seed={seed}"),
    ]
    _wait(_python(options.out / f"{out.name}.log", "-m", "core.training", *words))
    _wait(_self(options, f"{arm.name}/{seed}", settings))
    return {"arm": arm.name, "seed": seed, **_steps(out), **json.loads((out / "score.json").read_text())}


def _clock(options: argparse.Namespace) -> list[str]:
    return [f"device={options.device}", f"processor_time={options.device == 'cpu'}"]


def _seeded(options: argparse.Namespace, arm: Arm, seed: int) -> Path:
    """The latents of an arm for a run of any seed, which draws an order, noise and start of its
    own.
    """
    latents: Path = options.out / f"latents-{'forms' if arm.forms else 'plain'}"
    folder = latents.with_name(f"{latents.name}-{seed}")
    if not folder.exists():
        folder.mkdir()
        for name in ("records", "texts"):
            (folder / name).symlink_to((latents / name).resolve())
        facts = json.loads((latents / "latents.json").read_text())
        (folder / "latents.json").write_text(json.dumps(facts | {"seed": seed}))
    return folder


def _steps(out: Path) -> dict[str, Any]:
    """What a run's curve says: its steps, seconds, and the last loss of each kind."""
    with (out / "curve-vivid-5b.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    losses: dict[str, list[float]] = {}
    for row in rows:
        losses.setdefault(row["kind"], []).append(float(row["loss"]))
    late = {f"train loss {kind}": round(float(np.mean(values[-5:])), 4) for kind, values in losses.items()}
    return {"steps": int(rows[-1]["step"]), "seconds": round(float(rows[-1]["seconds"])), **late}


# -- the data --------------------------------------------------------------------------------------


def _config(options: argparse.Namespace, forms: bool) -> DataConfig:
    shape = {"height": SIDE, "width": SIDE, "frames": options.frames, "variants": VARIANTS, "expand_from": 2, "expand_to": 9}
    return DataConfig(base=str(options.out / "base"), mask_forms=forms, **shape)


def _draw(options: argparse.Namespace, settings: list[str]) -> None:
    """Draw the clips, and encode each with its masks in the forms and as they are."""
    device = torch.device(options.device)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    encoders = Encoders(str(VAE.parent), device, dtype, 16)
    configs = {name: _config(options, name == "forms") for name in ("forms", "plain")}
    caches = {name: LatentCache.create(options.out / f"latents-{name}", config) for name, config in configs.items()}
    (options.out / "drawn.png").touch()
    (options.out / "drawn.mp4").touch()
    world = _world(options, 0, PoolSizes(), settings)
    lines: list[dict[str, Any]] = []
    with ThreadPoolExecutor(4) as pool:
        for kind, count, frames in (("image", options.images, 1), ("video", options.videos, options.frames)):
            for start in range(0, count, BATCH):
                size = min(BATCH, count - start)
                clips = world.sample(size, frames, seed=start, tracked=True)
                latents = encoders.latent(clips.pixels.to(dtype)).to(dtype)
                keys = [f"{kind}-{start + place}" for place in range(size)]
                for name, config in configs.items():
                    parts = [{"latent": latent} for latent in latents]
                    for variant in range(VARIANTS):
                        drawn = [draw_conditions(config, key, kind, variant) for key in keys]  # type: ignore[arg-type]
                        regions = pool.map(lambda one: adjust(one[0], one[1].adjustment), zip(_masks(clips), drawn, strict=True))
                        given = [conditions.keyframe for conditions in drawn]
                        for part, mask, masked in zip(parts, *_conditions(encoders, clips, list(regions), given), strict=True):
                            part |= {f"mask_{variant}": mask.to(dtype), f"masked_{variant}": masked.to(dtype)}
                    list(pool.map(caches[name].put_record, keys, parts))
                for key, caption, gone in zip(keys, clips.caption.tolist(), clips.delete.tolist(), strict=True):
                    facts = {"captions": [CAPTIONS[caption]]} if not gone else {}
                    lines.append({"key": key, "media": f"drawn.{'png' if kind == 'image' else 'mp4'}", "task": "delete" if gone else "add"})
                    lines[-1] |= facts | {"masks": {"size": [SIDE, SIDE], "counts": [SIDE * SIDE]}}
    (options.out / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    _hold(options, encoders, settings)


def _conditions(encoders: Encoders, clips: WorldClips, regions: list[np.ndarray], keyframes: Sequence[bool]) -> tuple[Tensor, Tensor]:
    """Masks and masked latents of a batch, as the trainer encodes one sample: what is given is the
    clip itself.
    """
    mask = torch.cat([mask_to_model(region) for region in regions]).to(encoders.device)
    mask[torch.tensor(keyframes), :, 0] = 0
    return latent_mask(mask), encoders.condition(masked_video(clips.pixels, mask).to(encoders.dtype))


def _masks(clips: WorldClips) -> Iterator[np.ndarray]:
    return iter((clips.mask[:, 0] > 0.5).cpu().numpy())


def _world(options: argparse.Namespace, seed: int, pools: PoolSizes, settings: list[str]) -> World:
    sizes = {word.removeprefix("world.").split("=")[0]: int(word.split("=")[1]) for word in settings if word.startswith("world.")}
    return World(torch.device(options.device), seed=seed, pools=replace(pools, **sizes), size=(SIDE, SIDE), window_frames=options.frames)


def _encode_captions(options: argparse.Namespace) -> None:
    """The captions of the records, by the base's text encoder."""
    device = torch.device(options.device)
    encoders = Encoders(str(options.out / "base"), device, torch.bfloat16 if device.type == "cuda" else torch.float32, 16)
    lines = [json.loads(line) for line in (options.out / "records.jsonl").read_text().splitlines()]
    captions = list(dict.fromkeys(["", CAPTIONS[-3], *(line["captions"][0] for line in lines if "captions" in line)]))
    for start in range(0, len(captions), 256):
        part = captions[start : start + 256]
        for caption, text in zip(part, encoders.text(part), strict=True):
            for name in ("forms", "plain"):
                LatentCache(options.out / f"latents-{name}", VARIANTS, True).put_text(caption, text)


# -- the scores ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Held:
    """Clips of one task that nothing is trained on, with the regions of one form: a whole batch,
    `masks` and `regions` bool (T, H, W) a clip, and what a denoiser reads of them.
    """

    name: str
    captions: list[str]
    pixels: Tensor
    masks: list[np.ndarray]
    regions: list[np.ndarray]
    latent: Tensor
    mask: Tensor
    masked: Tensor


def _hold(options: argparse.Namespace, encoders: Encoders, settings: list[str]) -> None:
    """Draw and encode the clips that arms are scored on: the same for all."""
    world = _world(options, 99, HELD_POOLS, settings)
    batches = []
    for task, gone in (("add", 0.0), ("delete", 1.0)):
        for start in range(0, options.held, BATCH):
            clips = world.sample(min(BATCH, options.held - start), options.frames, delete=gone, seed=1000 + start, tracked=True)
            captions = [CAPTIONS[caption] for caption in clips.caption.tolist()]
            masks, latent = list(_masks(clips)), encoders.latent(clips.pixels.to(encoders.dtype))
            for form, adjustment in FORMS.items():
                regions = [adjust(mask, adjustment) for mask in masks]
                conditions = _conditions(encoders, clips, regions, [False] * len(regions))
                batches.append(Held(f"{task}, {form}", captions, clips.pixels, masks, regions, latent, *conditions))
    torch.save(batches, options.out / "held.pt")


@torch.inference_mode()
def _score(options: argparse.Namespace, arm: str, seed: str) -> None:
    """Score one arm on clips that nothing was trained on: loss, and edits without a keyframe."""
    out = options.out / f"{arm}-{seed}"
    model = load_vivid(str(out / "package"), options.device, ModelStore(options.out / "models"), "all", "plain")
    alphas = load_alphas(str(options.out / "base")).to(model.device)
    scores: dict[str, list[float]] = {}
    for held in torch.load(options.out / "held.pt", map_location=model.device, weights_only=False):
        for name, value in _measured(model, alphas, held, options.steps):
            scores.setdefault(f"{held.name}: {name}", []).append(value)
    score = {name: round(float(np.nanmean(values)), 4) for name, values in scores.items()}
    (out / "score.json").write_text(json.dumps(score, indent=1) + "\n")


def _measured(model: VividModel, alphas: Tensor, held: Held, steps_of_edit: int) -> Iterator[tuple[str, float]]:
    """(measure, value) of a batch: the loss, then every clip's edit against what it should show."""
    pipeline, device = model.pipeline, model.device
    dtype = pipeline.transformer.dtype
    text = torch.cat([model.embed(caption) for caption in held.captions])
    latent, mask, masked = held.latent, held.mask.to(dtype), held.masked.to(dtype)
    noise = torch.randn(latent.shape, generator=torch.Generator().manual_seed(5)).to(device)
    rotary = rotary_embedding(pipeline.transformer, latent.shape[1], latent.shape[-2], latent.shape[-1], device)
    for moment in TIMES:
        steps = torch.full((len(latent),), moment, device=device)
        noisy, velocity = noised(latent.float(), noise, alphas[steps].view(-1, 1, 1, 1, 1))
        predicted = pipeline.transformer(
            hidden_states=denoiser_input(noisy.to(dtype), mask, masked),
            encoder_hidden_states=text.to(dtype),
            timestep=steps,
            image_rotary_emb=rotary,
            return_dict=False,
        )[0]
        yield "loss", float(velocity_loss(predicted, velocity, mask))
    nothing = model.embed("").expand_as(text)
    (made,) = pipeline(
        prompt_embeds=text,
        negative_prompt_embeds=nothing,
        masked_latents=masked,
        mask_latents=mask,
        latents=noise.to(dtype),
        num_inference_steps=steps_of_edit,
        guidance_scale=GUIDANCE,
        output_type="latent",
        return_dict=False,
    )
    for result, truth, inside, own in zip(model.decode(made), held.pixels, held.regions, held.masks, strict=True):
        frames, wanted = to_frames(result), to_frames(truth)
        yield "BP raw", background_preservation(frames, wanted, inside)
        yield "PSNR region", psnr(frames, wanted, inside)
        around = inside & ~own
        if around.any():
            yield "PSNR around the thing", psnr(frames, wanted, around)


# -- processes and the table -----------------------------------------------------------------------


def _self(options: argparse.Namespace, part: str, settings: list[str]) -> subprocess.Popen[bytes]:
    words = ["--device", options.device, "--images", str(options.images), "--videos", str(options.videos), "--held", str(options.held)]
    words += ["--frames", str(options.frames), "--steps", str(options.steps)]
    log = options.out / f"{part.replace('/', '-')}-part.log"
    return _python(log, "-m", "scripts.ablation", str(options.out), "--part", part, *words, *settings)


def _python(log: Path, *words: str) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen([sys.executable, *words], stdout=file, stderr=subprocess.STDOUT, env=environment)


def _wait(process: subprocess.Popen[bytes]) -> None:
    if process.wait():
        raise SystemExit(f"failed: {' '.join(str(word) for word in process.args)}")  # type: ignore[union-attr]


def _print_table(rows: list[dict[str, Any]]) -> None:
    """One row for each arm: the mean over its seeds, and the half of their spread."""
    names = list(dict.fromkeys(name for row in rows for name in row if name not in ("arm", "seed")))
    print("| | " + " | ".join(names) + " |\n|" + "---|" * (len(names) + 1))
    for arm in dict.fromkeys(row["arm"] for row in rows):
        cells = []
        for name in names:
            values = [float(row[name]) for row in rows if row["arm"] == arm and name in row]
            cells.append(f"{np.mean(values):.4g} ± {(max(values) - min(values)) / 2:.2g}" if values else "")
        print(f"| {arm} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
