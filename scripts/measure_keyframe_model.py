"""Seconds and memory of a keyframe model's true size with random weights, on one GPU.

A script, not a test: it needs the GPU.

python -m scripts.measure_keyframe_model [--model NAME] [--device cuda] [--tries 3] [--steps N]
    [--cards 8,12,16] [--tiny]

For FLUX.2 klein first diffusers' own call on a square of 1024 pixels. Then tries as the Keyframe
step makes them, on a frame of 1920x1080: with all of it on the device, then as each card would have
it, each in a process of its own that can't take more than the card has. Prints seconds of reading a
caption (text encoder alone) and of a try, and the most memory that PyTorch had allocated beside
what was computed. Random weights change nothing about speed and memory. With --tiny it is a toy, on
a CPU if need be.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import diffusers
import numpy as np
import torch
from diffusers.utils import logging as diffusers_logging
from PIL import Image

from core.errors import StudioError
from core.keyframe_models.facts import Facts
from core.keyframe_models.klein import Klein
from core.keyframe_models.pipeline_model import Embeddings, PipelineModel
from core.keyframe_models.placing import place
from core.keyframe_models.qwen import Qwen
from core.keyframe_models.sdxl import Sdxl
from core.keyframe_models.studio import PaintingStudio
from core.machine import let_device_memory_grow
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.vivid.presets import CARDS, free_of_card
from core.vivid.residents import release_unused
from scripts.keyframe_parts import klein_parts, Parts, qwen_control, qwen_parts, sdxl_parts

CAPTION = "a red ball on the grass"


@dataclass(frozen=True)
class Kind:
    """A keyframe model: its engine, its class here, its networks, what else its pipeline takes, and
    how many tokens its text encoders read.
    """

    engine: str
    model: type[PipelineModel]
    parts: Callable[[bool], Parts]
    others: dict[str, Any]
    tokens: int


FLOW = diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
KINDS = {
    "flux2-klein-4b": Kind("flux2-klein", Klein, klein_parts, {"scheduler": FLOW, "tokenizer": None, "is_distilled": True}, 512),
    "sdxl-inpaint": Kind(
        "sdxl",
        Sdxl,
        sdxl_parts,
        {"scheduler": diffusers.EulerDiscreteScheduler(), "tokenizer": None, "tokenizer_2": None, "add_watermarker": False},
        77,
    ),
    "qwen-image-inpaint": Kind(
        "qwen-image",
        Qwen,
        lambda tiny: qwen_parts(tiny) | {"controlnet": qwen_control(tiny)},
        {"scheduler": FLOW, "tokenizer": None},
        64,
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="flux2-klein-4b", choices=KINDS, help="which one (flux2-klein-4b)")
    parser.add_argument("--device", default="cuda", help="cuda or cuda:N; with --tiny cpu, too")
    parser.add_argument("--tries", type=int, default=3, help="tries that are timed, after one that warms up")
    parser.add_argument("--steps", type=int, help="of a try (the model's own)")
    parser.add_argument("--cards", default=",".join(map(str, CARDS)), help="GB of the cards, with commas between")
    parser.add_argument("--tiny", action="store_true", help="a toy")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    device, kind = torch.device(options.device), KINDS[options.model]
    if device.type == "cuda" and not torch.cuda.is_available():
        print("there is no CUDA device here; --tiny --device cpu shows the way", file=sys.stderr)
        return 2
    if options.only is None:
        let_device_memory_grow()  # of the processes that are started here
        wanted = ["own"] * (kind.model is Klein) + ["all", *options.cards.split(",")]
        words = [sys.executable, "-m", "scripts.measure_keyframe_model", *sys.argv[1:], "--only"]
        return max(subprocess.run([*words, one], check=False).returncode for one in wanted)
    diffusers_logging.set_verbosity_error()
    if options.only == "own":
        own(pipeline_of(kind, options.tiny, device), options.tries, 64 if options.tiny else 1024)
        return 0
    card = None if options.only == "all" else int(options.only)
    try:
        as_tries(kind, card, device, options)
    except (StudioError, torch.cuda.OutOfMemoryError) as error:
        print(f"{f'card of {card} GB' if card else 'all on the device'}: failed ({str(error).splitlines()[0]})", flush=True)
        return 1
    return 0


def pipeline_of(kind: Kind, tiny: bool, device: torch.device) -> Any:
    """The pipeline on the device, in half precision on a GPU; it has no tokenizer."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16 if device.type == "cuda" else usual)
    try:
        with device:
            parts = kind.parts(tiny)
    finally:
        torch.set_default_dtype(usual)
    return kind.model.pipeline_class(**parts, **kind.others)


def embeddings(kind: Kind, pipeline: Any) -> Embeddings:
    """What stands for a caption that was read, and for none."""
    device, denoiser = pipeline._execution_device, getattr(pipeline, kind.model.denoiser)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(1, *shape, device=device, dtype=denoiser.dtype)

    width = denoiser.config.get("joint_attention_dim") or denoiser.config.cross_attention_dim
    words: Embeddings = {name: drawn(kind.tokens, width) for name in ("prompt_embeds", "negative_prompt_embeds")}
    if kind.model is Klein:
        words.pop("negative_prompt_embeds")
    if kind.model is Qwen:
        words |= {f"{name}_mask": torch.ones(1, kind.tokens, dtype=torch.long, device=device) for name in tuple(words)}
    if kind.model is Sdxl:
        pooled = pipeline.text_encoder_2.config.projection_dim
        words |= {name: drawn(pooled) for name in ("pooled_prompt_embeds", "negative_pooled_prompt_embeds")}
    return words


def own(pipeline: Any, tries: int, side: int) -> None:
    """Diffusers' own call of klein."""
    pipeline.set_progress_bar_config(disable=True)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8))
    mask = Image.fromarray(np.pad(np.full((side // 2, side // 2), 255, np.uint8), side // 4))
    words = embeddings(KINDS["flux2-klein-4b"], pipeline)
    words |= {"image": picture, "mask_image": mask, "strength": 1.0, "guidance_scale": 1.0}
    seconds = timed(lambda: pipeline(**words, height=side, width=side, num_inference_steps=4), tries, pipeline._execution_device)
    print(f"diffusers' own call, 4 steps, {side}x{side}: {seconds:.2f} s", flush=True)


def as_tries(kind: Kind, card: int | None, device: torch.device, options: argparse.Namespace) -> None:
    """Tries of the Keyframe step, as a card would have them; None for all on the device."""
    pipeline = pipeline_of(kind, options.tiny, device)
    model = kind.model(pipeline, options.model, Facts(kind.engine, side=64 if options.tiny else None))
    if card is not None:
        pipeline.to("cpu")
        if device.type == "cuda":
            gc.collect()
            release_unused(device)
            torch.cuda.set_per_process_memory_fraction(free_of_card(card) / torch.cuda.get_device_properties(device).total_memory, device)
        model.places = place(pipeline, model.denoiser, device, "auto", model.sizes[0], free_of_card(card))
    model._embeddings[CAPTION, model.is_guided(model.guidance)] = embeddings(kind, pipeline)
    if device.type == "cuda":
        release_unused(device)
        torch.cuda.reset_peak_memory_stats(device)
    frame = np.random.default_rng(1).integers(0, 255, (1080, 1920, 3), dtype=np.uint8)
    region = np.zeros((1080, 1920), bool)
    region[300:700, 700:1200] = True
    prepared = PaintingStudio(model).prepare(frame, region)
    ids = torch.randint(0, 299, (1, kind.tokens), device=device)

    def read() -> None:
        with torch.no_grad():
            for name in ("text_encoder", "text_encoder_2"):
                if (encoder := getattr(pipeline, name, None)) is not None:
                    encoder(input_ids=ids, output_hidden_states=True)

    def paint() -> None:
        list(prepared.tries("modify", CAPTION, (0,), SamplingSettings(steps=options.steps), JobContext()))

    reading, painting = (timed(work, options.tries, device) for work in (read, paint))
    peak = f", {torch.cuda.max_memory_allocated(device) / 2**30:.1f} GiB" if device.type == "cuda" else ""
    computed = f" (computed {model.places.plan.need / 2**30:.1f}; {model.places.plan})" if model.places else ""
    print(
        f"{f'card of {card} GB' if card else 'all on the device'}: reading {reading:.2f} s, "
        f"a try of {options.steps or model.steps} steps {painting:.2f} s{peak}{computed}",
        flush=True,
    )


def timed(work: Callable[[], Any], tries: int, device: torch.device) -> float:
    """The median of a few runs after one that warms up, in seconds."""
    found = []
    for _ in range(tries + 1):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        found.append(time.perf_counter() - started)
    return statistics.median(found[1:])


if __name__ == "__main__":
    raise SystemExit(main())
