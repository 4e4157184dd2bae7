"""How fast the networks of a data build are with random weights of their true sizes, on one GPU.

A script, not a test: it needs the GPU, and no network.

python -m scripts.measure_curation [--device cuda] [--seconds 3] [--only tags,captions] [--tiny]

Prints one JSON line for each stage: the network, what it is given, items a second after one round
that warms up, and the most memory that PyTorch had allocated. Random weights change nothing about
speed and memory; a captioner is made to say as many tokens as three captions take. With --tiny it
is a toy, on a CPU if need be.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import core.compat  # noqa: F401  isort: skip  (before transformers imports torchvision)

import numpy as np
import torch
import transformers
from torch import nn, Tensor

from core.curation.ram_network import RamNetwork, RamSizes

FRAME = (720, 1280)
"""Height and width of the clips, in pixels: the paper's least size."""
WORDS = 10
"""That the grounder is asked for on a frame, of about two tokens each with their dots."""
SAID = 120
"""Tokens of three captions and the JSON around them."""
ASKED = 110
"""Tokens of the question."""


@dataclass(frozen=True)
class Job:
    """What is measured: `run` does `items` of a `unit` on a `network`; `given` says with what."""

    model: str
    network: nn.Module
    given: str
    unit: str
    items: int
    run: Callable[[], Any]


@dataclass(frozen=True)
class Machine:
    """Where it runs, in which numbers, and whether it is a toy."""

    device: torch.device
    dtype: torch.dtype
    tiny: bool

    def built(self, make: Callable[[], nn.Module], half: bool = True) -> nn.Module:
        """A network with random weights, made where it will run."""
        before = torch.get_default_dtype()
        torch.set_default_dtype(self.dtype if half else torch.float32)
        try:
            with self.device:
                network = make()
        finally:
            torch.set_default_dtype(before)
        # not all that a network makes of its own follows the device above
        return network.to(self.device).eval().requires_grad_(False)

    def random(self, *shape: int, half: bool = True) -> Tensor:
        """Numbers like those of normalised pictures."""
        return torch.randn(*shape, device=self.device, dtype=self.dtype if half else torch.float32)

    def numbers(self, *shape: int, below: int) -> Tensor:
        """Whole numbers from 0."""
        return torch.randint(0, below, shape, device=self.device)


def tags(machine: Machine) -> Iterator[Job]:
    sizes = (
        RamSizes(tags=8, embed_dim=8, depths=(1, 1), heads=(2, 2), window=2, words=8, hidden=8, feedforward=8)
        if machine.tiny
        else RamSizes()
    )
    batch = 2 if machine.tiny else 32
    network = machine.built(lambda: RamNetwork(sizes))
    pictures = machine.random(batch, 3, sizes.side, sizes.side)
    yield Job("RAM, Swin-L", network, f"{batch} frames of {sizes.side}x{sizes.side} at once", "frames", batch, lambda: network(pictures))


def boxes(machine: Machine) -> Iterator[Job]:
    config = transformers.GroundingDinoConfig(disable_custom_kernels=True)
    size, batches = (750, 1333), [1, 4]
    if machine.tiny:
        small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
        swin = {
            "model_type": "swin",
            "embed_dim": 8,
            "depths": [1, 1, 1, 1],
            "num_heads": [1, 1, 1, 1],
            "window_size": 2,
            "out_indices": [2, 3, 4],
        }
        layers = {"encoder_layers": 1, "decoder_layers": 2, "d_model": 32, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
        text = {"model_type": "bert", **small}
        config = transformers.GroundingDinoConfig(
            backbone_config=swin, text_config=text, num_queries=9, disable_custom_kernels=True, **layers
        )
        size, batches = (64, 96), [2]
    network = machine.built(lambda: transformers.GroundingDinoForObjectDetection(config), half=False)
    for batch in batches:
        words = torch.full((batch, 2 + 3 * WORDS), 2000, device=machine.device)
        words[:, 0], words[:, -1] = 101, 102
        words[:, 3::3] = 1012  # a dot after each word of two tokens
        given = {"pixel_values": machine.random(batch, 3, *size, half=False), "input_ids": words, "attention_mask": torch.ones_like(words)}
        what = f"{batch} frames of {size[1]}x{size[0]} and {WORDS} words at once"
        yield Job("Grounding DINO, Swin-T", network, what, "frames", batch, _in_half(network, given, machine))


def _in_half(network: nn.Module, given: dict[str, Tensor], machine: Machine) -> Callable[[], Any]:
    def run() -> Any:
        with torch.autocast(machine.device.type, machine.dtype, enabled=machine.dtype != torch.float32):
            return network(**given)

    return run


def sam2(machine: Machine) -> nn.Module:
    from transformers import Sam2VideoConfig, Sam2VideoModel

    if machine.tiny:
        trunk: dict[str, Any] = {
            "embed_dim_per_stage": [8, 16, 32, 64],
            "blocks_per_stage": [1, 1, 2, 1],
            "num_attention_heads_per_stage": [1, 1, 1, 1],
        }
        trunk |= {"hidden_size": 8, "image_size": [128, 128], "window_size_per_stage": [8, 4, 4, 2], "global_attention_blocks": [3]}
        sides: dict[str, Any] = {"backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]], "backbone_channel_list": [64, 32, 16, 8]}
    else:
        trunk = {
            "embed_dim_per_stage": [112, 224, 448, 896],
            "blocks_per_stage": [2, 3, 16, 3],
            "num_attention_heads_per_stage": [2, 4, 8, 16],
        }
        trunk |= {"hidden_size": 112, "global_attention_blocks": [12, 16, 20], "window_positional_embedding_background_size": [14, 14]}
        sides = {"backbone_channel_list": [896, 448, 224, 112]}
    settings: dict[str, Any] = {
        "vision_config": {"model_type": "sam2_vision_model", "backbone_config": {"model_type": "sam2_hiera_det_model", **trunk}, **sides}
    }
    if machine.tiny:
        settings |= {"image_size": 128, "prompt_encoder_config": {"image_size": 128}, "memory_attention_rope_feat_sizes": [8, 8]}
    return machine.built(lambda: Sam2VideoModel(Sam2VideoConfig(**settings)))


def tracking(machine: Machine) -> Iterator[Job]:
    """The first frame of each clip, then the others: as the stages masks and propagation do."""
    network: Any = sam2(machine)
    side = network.config.image_size
    frames = 4 if machine.tiny else 24
    video = machine.random(frames, 3, side, side)
    for entities, count in ((1, 1), (4, 1), (1, frames), (4, frames)):
        given = f"{entities} {'entity' if entities == 1 else 'entities'}, " + (
            "the first frame" if count == 1 else f"clips of {count} frames"
        )
        run = _tracked(network, video[:count], entities, machine)
        yield Job("SAM 2.1 base-plus", network, given, "frames", count, run)


def _tracked(network: Any, video: Tensor, entities: int, machine: Machine) -> Callable[[], Any]:
    from transformers import Sam2ImageProcessor, Sam2VideoProcessor, Sam2VideoVideoProcessor
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

    side = {"height": video.shape[-2], "width": video.shape[-1]}
    processor = Sam2VideoProcessor(Sam2ImageProcessor(size=side), Sam2VideoVideoProcessor(size=side), target_size=video.shape[-1])
    places: dict[str, Any] = {
        "inference_device": machine.device,
        "inference_state_device": machine.device,
        "video_storage_device": machine.device,
    }

    def run() -> None:
        session = Sam2VideoInferenceSession(video, FRAME[0], FRAME[1], **places, dtype=machine.dtype)
        found = [[[100.0 + 200 * number, 100, 300 + 200 * number, 400] for number in range(entities)]]
        processor.add_inputs_to_inference_session(session, 0, list(range(entities)), input_boxes=found)
        if len(video) == 1:
            network(inference_session=session, frame_idx=0)
            return
        for _ in network.propagate_in_video_iterator(session, start_frame_idx=0):
            pass

    return run


def captions(machine: Machine) -> Iterator[Job]:
    from transformers import GenerationConfig, InternVLConfig, InternVLForConditionalGeneration

    if machine.tiny:
        sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
        text = {"model_type": "qwen2", **sizes, "num_key_value_heads": 2, "vocab_size": 300}
        vision: dict[str, Any] = {**sizes, "image_size": [28, 28], "patch_size": [14, 14]}
        name, batches, seen, said = "InternVL", [2], 1, 4
    else:
        sizes = {"hidden_size": 3584, "num_hidden_layers": 28, "num_attention_heads": 28, "intermediate_size": 18944}
        text = {"model_type": "qwen2", **sizes, "num_key_value_heads": 4, "vocab_size": 151674}
        vision = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
        name, batches, seen, said = "InternVL 8B (a Qwen2.5-7B)", [8, 64], 256, SAID
    config = InternVLConfig(vision_config=vision, text_config=text, image_token_id=299, image_seq_length=seen, tie_word_embeddings=False)
    network: Any = machine.built(lambda: InternVLForConditionalGeneration(config))
    side = 28 if machine.tiny else 448
    for batch in batches:
        words = machine.numbers(batch, seen + ASKED, below=290)
        words[:, :seen] = 299
        given = {"input_ids": words, "attention_mask": torch.ones_like(words), "pixel_values": machine.random(batch, 3, side, side)}
        plan = GenerationConfig(max_new_tokens=said, min_new_tokens=said, do_sample=False, pad_token_id=0, eos_token_id=2)
        run = _calling(network.generate, **given, generation_config=plan)
        what = f"{batch} crops of {side}x{side} at once, {seen} + {ASKED} tokens in, {said} out"
        yield Job(name, network, what, "entities", batch, run)


def _calling(called: Callable[..., Any], *pictures: Tensor, **given: Any) -> Callable[[], Any]:
    return lambda: called(*pictures, **given)


def flow(machine: Machine) -> Iterator[Job]:
    from torchvision.models.optical_flow import raft_large, raft_small

    network = machine.built(lambda: (raft_small if machine.tiny else raft_large)(weights=None), half=False)
    sizes = [((128, 128), 1)] if machine.tiny else [((216, 384), 1), ((216, 384), 16), (FRAME, 1)]
    for size, batch in sizes:
        one, two = (machine.random(batch, 3, *size, half=False) for _ in range(2))
        what = f"{batch} pairs of {size[1]}x{size[0]} at once, float32"
        yield Job("RAFT large", network, what, "pairs", batch, _calling(network, one, two))


def clip(machine: Machine) -> Iterator[Job]:
    config = transformers.CLIPConfig()
    if machine.tiny:
        small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
        config = transformers.CLIPConfig(vision_config={**small, "image_size": 32, "patch_size": 16}, text_config=small)
    network: Any = machine.built(lambda: transformers.CLIPModel(config))
    side, batch = config.vision_config.image_size, 2 if machine.tiny else 64
    pictures = machine.random(batch, 3, side, side)
    run = _calling(network.get_image_features, pixel_values=pictures)
    yield Job("CLIP ViT-B/32", network, f"{batch} frames of {side}x{side} at once", "frames", batch, run)


STAGES: dict[str, Callable[[Machine], Iterator[Job]]] = {
    "tags": tags,
    "boxes": boxes,
    "masks and propagation": tracking,
    "captions": captions,
    "flow": flow,
    "alignment": clip,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", help="cuda or cuda:N; with --tiny cpu, too")
    parser.add_argument("--seconds", type=float, default=3.0, help="that each network is run for, after one round that warms up")
    parser.add_argument("--only", default="", metavar="A,B", help=f"of {', '.join(STAGES)}")
    parser.add_argument("--tiny", action="store_true", help="a toy")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print("there is no CUDA device here; --tiny --device cpu shows the way", file=sys.stderr)
        return 2
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    machine = Machine(device, torch.float32 if device.type == "cpu" else torch.bfloat16, options.tiny)
    failed = 0
    wanted = [name.strip() for name in options.only.split(",")] if options.only else list(STAGES)
    for stage in wanted:
        try:
            for job in STAGES[stage](machine):
                print(json.dumps({"stage": stage, **measured(job, machine, options.seconds)}), flush=True)
        except Exception as error:  # a stage that fails must not cost the others their turn
            failed += 1
            print(json.dumps({"stage": stage, "error": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}), flush=True)
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()
    return 1 if failed else 0


@torch.inference_mode()
def measured(job: Job, machine: Machine, seconds: float) -> dict[str, Any]:
    """Run a job for a while, at least twice: how fast it was, and the memory that it took."""
    cuda = machine.device.type == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    job.run()
    done, began = 0, _now(cuda)
    times: list[float] = []
    while done < 2 or _now(cuda) - began < seconds:
        before = _now(cuda)
        job.run()
        times.append(_now(cuda) - before)
        done += 1
    return {
        "model": job.model,
        "parameters_millions": round(sum(each.numel() for each in job.network.parameters()) / 1e6, 1),
        "given": job.given,
        "unit": job.unit,
        "per_second": round(job.items / float(np.median(times)), 3),
        "rounds": done,
        "peak_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2) if cuda else None,
    }


def _now(cuda: bool) -> float:
    if cuda:
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    sys.exit(main())
