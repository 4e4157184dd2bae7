"""Folders of full-size engines with random weights, in the layout that is fetched."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import json
from pathlib import Path

import torch

from core.vivid.contract import SAMPLED
from scripts.full_size_engines import build_engine

_SHARD = "5GB"


def write_engine(name: str, folder: Path, tiny: bool = False) -> None:
    """One engine.

    Args:
        name: One of `scripts.full_size_engines.ENGINES`.
        folder: An empty one.
        tiny: A toy of the same kind.
    """
    model = build_engine(name, tiny)
    model.pipeline.save_pretrained(folder, max_shard_size=_SHARD)
    facts = {"working_size": list(model.working_size), "window_frames": model.window_frames}
    if not name.startswith("wan"):
        facts |= {"tasks": {task: {"steps": 50, "guidance": 6.0} for task in SAMPLED}}
    if name == "vivid-5b":
        facts |= {"layout": "noise,mask,masked", "mask_channels": 1, "max_text_length": model.max_text_length}
    if name == "cogvideox-fun-inp-5b":
        config = folder / "transformer" / "config.json"
        noisy = {"add_noise_in_inpaint_model": True}
        config.write_text(json.dumps(json.loads(config.read_text(encoding="utf-8")) | noisy), encoding="utf-8")
    (folder / "vivid.json").write_text(json.dumps(facts), encoding="utf-8")
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
