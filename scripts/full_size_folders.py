"""Folders of full-size engines with random weights, in the layout that is fetched."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import WanVACEPipeline
from transformers import UMT5Config, UMT5EncoderModel

from app.commands.full_size import build_pipeline, random_module, SIZES
from app.commands.full_size_vace import build_vace, build_vace_denoiser, VACE_SIZES
from core.vivid.contract import SAMPLED

ENGINES = ("vivid-5b", "wan-vace-1.3b", "wan-vace-14b", "wan22-vace-fun-14b")
"""CogVideoX-Fun InP is not among them: its parts and its steps are those of vivid-5b."""
_SHARD = "5GB"


def write_engine(name: str, folder: Path, tiny: bool = False) -> None:
    """One engine.

    Args:
        name: One of ENGINES.
        folder: An empty one.
        tiny: A toy of the same kind.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "vivid-5b":
        _write_vivid(folder, "vivid-toy" if tiny else name, device)
    else:
        _write_vace(folder, "vace-toy" if tiny else name, device, two=name.startswith("wan22"))
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _write_vivid(folder: Path, name: str, device: torch.device) -> None:
    size = SIZES[name]
    build_pipeline(size, device).save_pretrained(folder, max_shard_size=_SHARD)
    facts = {"working_size": list(size.working_size), "window_frames": size.window_frames, "layout": "noise,mask,masked"}
    tasks = {task: {"steps": 50, "guidance": 6.0} for task in SAMPLED}
    facts |= {"mask_channels": 1, "max_text_length": size.text_tokens, "tasks": tasks}
    (folder / "vivid.json").write_text(json.dumps(facts), encoding="utf-8")


def _write_vace(folder: Path, name: str, device: torch.device, two: bool) -> None:
    kind = name if name in VACE_SIZES else "wan-vace-14b"  # Wan 2.2 has two of its denoisers
    size, model = VACE_SIZES[kind], build_vace(kind, device)
    second: dict[str, Any] = {"transformer_2": build_vace_denoiser(size, device), "boundary_ratio": 0.875} if two else {}
    parts = model.pipeline.components | {"text_encoder": _text_encoder(size.text_width, device)} | second
    WanVACEPipeline(**parts).save_pretrained(folder, max_shard_size=_SHARD)
    if name.endswith("-toy"):
        facts = {"working_size": list(size.working_size), "window_frames": size.window_frames}
        (folder / "vivid.json").write_text(json.dumps(facts), encoding="utf-8")


def _text_encoder(width: int, device: torch.device) -> UMT5EncoderModel:
    """UMT5-XXL, or a toy as wide as the denoiser reads."""
    sizes = {"d_ff": 10240, "num_layers": 24, "num_heads": 64} if width == 4096 else {"d_ff": 32, "num_layers": 1, "num_heads": 2}
    words = 256384 if width == 4096 else 256
    return random_module(
        lambda: UMT5EncoderModel(
            UMT5Config(vocab_size=words, d_model=width, d_kv=width // sizes["num_heads"], feed_forward_proj="gated-gelu", **sizes)
        ),
        device,
    )
