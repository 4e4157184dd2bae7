"""Full-size engines with random weights, in the host's memory."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import torch
from transformers import UMT5Config, UMT5EncoderModel

from app.commands.full_size import build_model, random_module
from app.commands.full_size_vace import build_vace, build_vace_denoiser, VACE_SIZES
from core.engines.wan_vace import DECLARED, TWO_DENOISERS, VaceEngine, VacePipeline
from core.vivid.contract import VideoEngine

ENGINES = ("vivid-5b", "cogvideox-fun-inp-5b", "wan-vace-1.3b", "wan-vace-14b", "wan22-vace-fun-14b")


def build_engine(name: str, tiny: bool = False) -> VideoEngine:
    """One engine, not placed yet. Its weights are drawn on the GPU where there is one, which takes
    seconds instead of minutes.

    Args:
        name: One of ENGINES. CogVideoX-Fun InP has the parts and the steps of vivid-5b, and is
            built as that.
        tiny: A toy of the same kind.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not name.startswith("wan"):
        model = build_model("vivid-toy" if tiny else "vivid-5b", device)
        model.pipeline.to("cpu")
        return model
    kind = vace_kind(name, tiny)
    size, one = VACE_SIZES[kind], build_vace(kind, device)
    one.pipeline.to("cpu")
    parts = one.pipeline.components | {"text_encoder": vace_text_encoder(kind, device).to("cpu")}
    two = name.startswith("wan22")
    if two:
        parts |= {"transformer_2": build_vace_denoiser(size, device).to("cpu"), "boundary_ratio": 0.875}
    pipeline, declared = VacePipeline(**parts), TWO_DENOISERS if two else DECLARED
    pipeline.set_progress_bar_config(disable=True)
    return VaceEngine(
        pipeline=pipeline,
        name=name,
        working_size=size.working_size if tiny else declared.working_size,
        window_frames=size.window_frames if tiny else declared.window_frames,
        tasks=declared.tasks,
        max_text_length=one.max_text_length,
        declared=declared,
    )


def vace_kind(name: str, tiny: bool) -> str:
    """The name in VACE_SIZES of a VACE; Wan 2.2 has two of the large one's denoisers."""
    if tiny:
        return "vace-toy"
    return name if name in VACE_SIZES else "wan-vace-14b"


def vace_text_encoder(kind: str, device: torch.device) -> UMT5EncoderModel:
    """UMT5-XXL on a device, or a toy as wide as the denoiser of that name in VACE_SIZES reads."""
    width = VACE_SIZES[kind].text_width
    full = {"d_ff": 10240, "num_layers": 24, "num_heads": 64, "vocab_size": 256384}
    sizes = full if width == 4096 else {"d_ff": 32, "num_layers": 1, "num_heads": 2, "vocab_size": 256}
    config = {"d_model": width, "d_kv": width // sizes["num_heads"], "feed_forward_proj": "gated-gelu"}
    return random_module(lambda: UMT5EncoderModel(UMT5Config(**config, **sizes)), device)
