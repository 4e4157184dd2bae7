"""Seconds and memory of a keyframe model of FLUX.2 klein's size with random weights, on one GPU.

A script, not a test: it needs the GPU.

python -m scripts.measure_keyframe_model [--device cuda] [--tries 3] [--tiny]

First diffusers' own call on a square of 1024 pixels, then tries as the Keyframe step makes them, on
a frame of 1920x1080: with all of it on the device, then as each card would have it. Prints seconds
of reading a caption (text encoder alone) and of a try of four steps, and the most memory that
PyTorch had allocated beside what was computed. Random weights change nothing about speed and
memory. With --tiny it is a toy, on a CPU if need be.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import diffusers
import numpy as np
import torch
import transformers
from diffusers.utils import logging as diffusers_logging
from PIL import Image

from core.keyframe_models.facts import Facts
from core.keyframe_models.klein import Klein
from core.keyframe_models.placing import place
from core.keyframe_models.studio import PaintingStudio
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.vivid.presets import CARDS, free_of_card
from core.vivid.residents import release_unused

CAPTION = "a red ball on the grass"
TOKENS = 512
TRUE = {"hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8}
TINY = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 28, "num_attention_heads": 2, "num_key_value_heads": 1}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", help="cuda or cuda:N; with --tiny cpu, too")
    parser.add_argument("--tries", type=int, default=3, help="tries that are timed, after one that warms up")
    parser.add_argument("--tiny", action="store_true", help="a toy")
    options = parser.parse_args()
    diffusers_logging.set_verbosity_error()
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print("there is no CUDA device here; --tiny --device cpu shows the way", file=sys.stderr)
        return 2
    own(pipeline_of(options.tiny, device), options.tries, 64 if options.tiny else 1024)
    for card in (None, *CARDS):
        as_tries(pipeline_of(options.tiny, device), card, device, options)
    return 0


def klein_parts(tiny: bool = False) -> dict[str, Any]:
    """The networks of FLUX.2 klein 4B with fresh weights, on torch's present device."""
    words, blocks = TINY if tiny else TRUE, (8, 8, 8, 8) if tiny else (128, 256, 512, 512)
    return {
        "vae": diffusers.AutoencoderKLFlux2(block_out_channels=blocks, norm_num_groups=4 if tiny else 32),
        "text_encoder": transformers.Qwen3ForCausalLM(
            transformers.Qwen3Config(**words, vocab_size=300 if tiny else 151936, tie_word_embeddings=True)
        ),
        "transformer": diffusers.Flux2Transformer2DModel(
            num_layers=1 if tiny else 5,
            num_single_layers=1 if tiny else 20,
            num_attention_heads=2 if tiny else 24,
            joint_attention_dim=3 * words["hidden_size"],
            guidance_embeds=False,
        ),
    }


def pipeline_of(tiny: bool, device: torch.device) -> Any:
    """The pipeline on the device; it has no tokenizer."""
    release_unused(device)
    with device:
        parts = {name: part.to(torch.bfloat16 if device.type == "cuda" else torch.float32) for name, part in klein_parts(tiny).items()}
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    return diffusers.Flux2KleinInpaintPipeline(scheduler=scheduler, tokenizer=None, is_distilled=True, **parts)


def embeddings(pipeline: Any) -> torch.Tensor:
    """What stands for a caption that was read."""
    width = pipeline.transformer.config.joint_attention_dim
    return torch.randn(1, TOKENS, width, device=pipeline._execution_device, dtype=pipeline.transformer.dtype)


def own(pipeline: Any, tries: int, side: int) -> None:
    """Diffusers' own call."""
    pipeline.set_progress_bar_config(disable=True)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8))
    mask = Image.fromarray(np.pad(np.full((side // 2, side // 2), 255, np.uint8), side // 4))
    words = {"prompt_embeds": embeddings(pipeline), "image": picture, "mask_image": mask, "strength": 1.0, "guidance_scale": 1.0}
    seconds = timed(lambda: pipeline(**words, height=side, width=side, num_inference_steps=4), tries, pipeline._execution_device)
    print(f"diffusers' own call, 4 steps, {side}x{side}: {seconds:.2f} s")


def as_tries(pipeline: Any, card: int | None, device: torch.device, options: argparse.Namespace) -> None:
    """Tries of the Keyframe step, as a card would have them; None for all on the device."""
    model = Klein(pipeline, "klein", Facts("flux2-klein", side=64 if options.tiny else None))
    if card is not None:
        pipeline.to("cpu")
        model.places = place(pipeline, model.denoiser, device, "auto", model.sizes[0], free_of_card(card))
    model._embeddings[CAPTION, False] = {"prompt_embeds": embeddings(pipeline)}
    if device.type == "cuda":
        release_unused(device)
        torch.cuda.reset_peak_memory_stats(device)
    frame = np.random.default_rng(1).integers(0, 255, (1080, 1920, 3), dtype=np.uint8)
    region = np.zeros((1080, 1920), bool)
    region[300:700, 700:1200] = True
    prepared = PaintingStudio(model).prepare(frame, region)
    ids = torch.randint(0, 299, (1, TOKENS), device=device)

    def read() -> None:
        with torch.no_grad():
            pipeline.text_encoder(input_ids=ids, output_hidden_states=True, use_cache=False)

    def paint() -> None:
        list(prepared.tries("modify", CAPTION, (0,), SamplingSettings(), JobContext()))

    reading, painting = (timed(work, options.tries, device) for work in (read, paint))
    peak = f", {torch.cuda.max_memory_allocated(device) / 2**30:.1f} GiB" if device.type == "cuda" else ""
    computed = f" (computed {model.places.plan.need / 2**30:.1f}; {model.places.plan})" if model.places else ""
    print(f"{f'card of {card} GB' if card else 'all on the device'}: reading {reading:.2f} s, a try {painting:.2f} s{peak}{computed}")


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
