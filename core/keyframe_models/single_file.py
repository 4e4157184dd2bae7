"""A denoiser of one's own in the place of a keyframe model's: in a file, a folder with the pieces
of one, or a GGUF file. The other parts come from the model of the catalogue.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import json
from pathlib import Path

from core.errors import ModelMissingError
from core.keyframe_models.facts import CONFIG, names_a_model
from core.models import ModelStore
from core.models.catalogue import MODELS
from core.models.store import is_denoiser_alone
from core.vivid.denoiser_files import Shapes, shapes_in

_SDXL_READS = 9
"""Channels that a UNet for inpainting reads."""


def is_alone(path: Path) -> bool:
    """Whether a file or folder holds a denoiser alone, and not a keyframe model or its
    ControlNet.
    """
    return is_denoiser_alone(path) and not (path.is_dir() and names_a_model(path))


def base_of(path: Path, store: ModelStore) -> Path:
    """The folder of the catalogue's model whose other parts a denoiser takes.

    Args:
        path: A file or folder with a denoiser; only its headers are read.
        store: Where models lie.

    Raises:
        ModelMissingError: It is no denoiser of a keyframe model, or in a format that is not read,
            or the model that it is for is not on this machine.
    """
    engine, _ = _kind_of(path, shapes_in(path))
    name = next(model.name for model in MODELS.values() if model.engine == engine and model.kind == "image")
    if not store.available(name, "image"):
        raise ModelMissingError(
            f"'{path.name}' is a denoiser alone: its text encoder and autoencoder come with '{name}', which is not on this machine",
            fetchable=name,
        )
    return store.locate(name, "image")


def check_size(path: Path, folder: Path) -> None:
    """Check that a denoiser is of the size of another, whose place it is to take.

    Args:
        path: Its file or folder; only headers are read.
        folder: The other's, with its configuration.

    Raises:
        ModelMissingError: It is wider or narrower.
    """
    _, width = _kind_of(path, shapes_in(path))
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    own = (
        config["block_out_channels"][0] if "block_out_channels" in config else config["num_attention_heads"] * config["attention_head_dim"]
    )
    if width != own:
        raise ModelMissingError(
            f"the denoiser in '{path}' has {width} channels, and the model of the list whose text encoder it would take has {own}: "
            "give one of the same size, or the folder of the whole model"
        )


def _kind_of(path: Path, shapes: Shapes) -> tuple[str, int]:
    """The engine of a denoiser, and its width, in either layout."""
    for name in ("double_stream_modulation_img.linear.weight", "double_stream_modulation_img.lin.weight"):
        if name in shapes:
            return "flux2-klein", shapes[name][1]
    # Its ControlNet has the same blocks, and nothing that draws a picture from them.
    if "transformer_blocks.0.img_mod.1.weight" in shapes and "proj_out.weight" in shapes:
        return "qwen-image", shapes["transformer_blocks.0.img_mod.1.weight"][1]
    for first, size in (("conv_in.weight", "add_embedding.linear_1.weight"), ("input_blocks.0.0.weight", "label_emb.0.0.weight")):
        if first in shapes and size in shapes:
            width, channels = shapes[first][:2]
            if channels != _SDXL_READS:
                raise ModelMissingError(
                    f"the SDXL in '{path}' is not made for inpainting: its UNet has {channels} channels, not {_SDXL_READS}"
                )
            return "sdxl", width
    raise ModelMissingError(
        f"'{path}' holds no denoiser of a keyframe model that is known (FLUX.2 klein, SDXL inpainting, Qwen-Image): "
        "give one, or the folder of a model as diffusers writes it"
    )
