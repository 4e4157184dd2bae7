"""Write a trained small VIVID as a diffusers package: half precision, safetensors, one folder a
part."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import json
from pathlib import Path

import torch
from diffusers import __version__ as diffusers_version
from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
from transformers import T5EncoderModel

from core.data import vocabulary
from core.training.common.cogvideox import build_scheduler
from core.training.small.config import NetworkConfig
from core.training.small.networks import build_text_encoder, build_tokenizer, build_transformer, build_vae

PARTS = {
    "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
    "text_encoder": ["transformers", "T5EncoderModel"],
    "vae": ["diffusers", "AutoencoderKLCogVideoX"],
    "transformer": ["diffusers", "CogVideoXTransformer3DModel"],
    "scheduler": ["diffusers", "CogVideoXDDIMScheduler"],
}
TASKS = {
    "add": {"steps": 10, "guidance": 3.0},
    "modify": {"steps": 10, "guidance": 3.0},
    "delete": {"steps": 2, "guidance": 1.0},
    "propagate": {"steps": 4, "guidance": 1.0, "strength": 1.0},
}
"""Sampling settings that suit the small model; the editor offers them as defaults."""


def export_package(
    folder: Path,
    vae: AutoencoderKLCogVideoX,
    transformer: CogVideoXTransformer3DModel,
    text_encoder: T5EncoderModel,
    config: NetworkConfig,
    fps: float = 0.0,
) -> None:
    """Write a trained small VIVID as a package. The modules come back in half precision.

    Args:
        folder: Is created when missing.
        vae: The autoencoder.
        transformer: The denoiser.
        text_encoder: The text encoder.
        config: Sizes that the package states.
        fps: Frames a second that it was trained at; 0 where that was each clip's own rate.
    """
    folder.mkdir(parents=True, exist_ok=True)
    vae.half().save_pretrained(folder / "vae")
    transformer.half().save_pretrained(folder / "transformer")
    text_encoder.half().save_pretrained(folder / "text_encoder")
    for part in ("vae", "transformer"):  # where a module was loaded from is nobody's business later
        config_file = folder / part / "config.json"
        facts = json.loads(config_file.read_text(encoding="utf-8"))
        _write_json(config_file, {key: value for key, value in facts.items() if key != "_name_or_path"})
    build_tokenizer().save_pretrained(folder / "tokenizer")
    build_scheduler().save_pretrained(folder / "scheduler")
    index = {"_class_name": "VividPipeline", "_diffusers_version": diffusers_version, **PARTS}
    _write_json(folder / "model_index.json", index)
    _write_json(
        folder / "vivid.json",
        {
            "working_size": [config.height, config.width],
            "window_frames": config.window_frames,
            "layout": "noise,mask,masked",
            "mask_channels": 1,
            "hole": "carried",
            "kept": 0.8,
            "things": True,
            "max_text_length": vocabulary.MAX_TEXT_LENGTH,
            "tasks": TASKS,
            **({"fps": fps} if fps else {}),
            "vocabulary": {
                "colours": list(vocabulary.COLOURS),
                "kinds": list(vocabulary.KINDS),
                "materials": list(vocabulary.MATERIALS),
                "sizes": list(vocabulary.SIZES),
                "synonyms": vocabulary.SYNONYMS,
                "hollow": list(vocabulary.HOLLOW),
            },
        },
    )


def export_random(folder: Path, config: NetworkConfig | None = None, seed: int = 0) -> None:
    """Write an untrained package of the same layout, for tests and work on the pipeline.

    Args:
        folder: Is created when missing.
        config: Sizes of the networks; the defaults without one.
        seed: Of the weights.
    """
    config = config or NetworkConfig()
    torch.manual_seed(seed)
    export_package(folder, build_vae(config), build_transformer(config), build_text_encoder(config), config)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
