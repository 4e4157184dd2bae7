"""Make VIVID out of plain CogVideoX: a wider patch embedding and LoRA on attention, kept in one
safetensors file.

The patch embedding is outside what LoRA adapts, so its whole weight travels with the adapter; the
channel layout is in the metadata.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import json
from pathlib import Path

import torch
from diffusers import CogVideoXTransformer3DModel
from peft import get_peft_model_state_dict, LoraConfig, set_peft_model_state_dict
from safetensors import safe_open, SafetensorError
from safetensors.torch import save_file
from torch import nn, Tensor

from core.errors import InputError
from core.models.tensors import check_tensors
from core.vivid.layout import ChannelLayout

FORMAT = "vivid-adapter-1"
RANK = 32
"""The paper's rank."""
TARGETS = ("to_q", "to_k", "to_v", "to_out.0")
"""The projections of attention."""
_NAME = "vivid"
_PATCH = "patch_embed.proj."
_LORA = "lora."


def widen_patch_embedding(transformer: CogVideoXTransformer3DModel, layout: ChannelLayout) -> None:
    """Give the denoiser the layout's input channels, in place. New channels start at zero, so it
    computes what it did before.

    Does nothing when it is that wide already; ValueError when it has another width or patches in
    time.
    """
    latent_channels = transformer.config.out_channels
    wanted = layout.channels(latent_channels)
    if transformer.config.in_channels == wanted:
        return
    old = transformer.patch_embed.proj
    if not isinstance(old, nn.Conv2d) or transformer.config.in_channels != latent_channels:
        raise ValueError(f"a transformer of {transformer.config.in_channels} input channels can't be widened to '{layout}'")
    patch = transformer.config.patch_size
    new = nn.Conv2d(wanted, old.out_channels, patch, patch, bias=old.bias is not None).to(old.weight)
    with torch.no_grad():
        new.weight.zero_()
        new.weight[:, layout.place("noise", latent_channels)] = old.weight
        if old.bias is not None and new.bias is not None:
            new.bias.copy_(old.bias)
    transformer.patch_embed.proj = new
    transformer.register_to_config(in_channels=wanted)


def add_adapter(
    transformer: CogVideoXTransformer3DModel, layout: ChannelLayout | None = None, rank: int = RANK, alpha: float | None = None
) -> None:
    """Widen the patch embedding and attach a fresh LoRA (which changes nothing yet), in place.
    `alpha` defaults to the rank.

    Args:
        transformer: CogVideoX's denoiser.
        layout: Its input channels; the paper's for None.
        rank: Of the LoRA.
        alpha: Scale of the LoRA; the rank for None.
    """
    widen_patch_embedding(transformer, layout or ChannelLayout())
    transformer.add_adapter(_lora_config(rank, rank if alpha is None else alpha, TARGETS), adapter_name=_NAME)


def trainable_parameters(transformer: CogVideoXTransformer3DModel) -> list[nn.Parameter]:
    """What VIVID trains: the LoRA and the patch embedding's projection. Everything else is frozen
    by this call.
    """
    for name, parameter in transformer.named_parameters():
        parameter.requires_grad_("lora_" in name or name.startswith(_PATCH))
    return [parameter for parameter in transformer.parameters() if parameter.requires_grad]


def save_adapter(transformer: CogVideoXTransformer3DModel, path: Path, layout: ChannelLayout | None = None) -> None:
    """Write LoRA and patch embedding to one safetensors file.

    Args:
        transformer: With an adapter.
        path: The file to write.
        layout: Its input channels; the paper's for None.
    """
    layout = layout or ChannelLayout()
    config = transformer.peft_config[_NAME]
    tensors = {_LORA + name: tensor for name, tensor in get_peft_model_state_dict(transformer, adapter_name=_NAME).items()}
    tensors |= {_PATCH + name: tensor for name, tensor in transformer.patch_embed.proj.state_dict().items()}
    metadata = {
        "format": FORMAT,
        "layout": str(layout),
        "mask_channels": str(layout.mask_channels),
        "rank": str(config.r),
        "alpha": str(config.lora_alpha),
        "targets": json.dumps(sorted(config.target_modules)),
    }
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, path, metadata)


def load_adapter(transformer: CogVideoXTransformer3DModel, path: Path, merge: bool = False) -> ChannelLayout:
    """Turn a base transformer into the adapter's, in place, and return the layout that it was
    trained for.

    `merge` adds the LoRA to the weights, which is faster to run and can't be undone. InputError
    when the file is no VIVID adapter or belongs to a transformer of another size.

    Args:
        transformer: A base model's denoiser; it is changed.
        path: The adapter's file.
        merge: Whether to add the LoRA to the weights.

    Returns:
        The layout of its input channels.

    Raises:
        InputError: The file is no VIVID adapter, or belongs to another transformer.
    """
    metadata, tensors = _read(path)
    layout = ChannelLayout.parse(metadata["layout"], int(metadata["mask_channels"]))
    weight = tensors[_PATCH + "weight"]
    wanted = layout.channels(transformer.config.out_channels)
    if weight.shape[1] != wanted:
        raise InputError(f"the adapter '{path}' has {weight.shape[1]} input channels, its layout '{layout}' makes {wanted} for this model")
    if transformer.config.in_channels not in (wanted, transformer.config.out_channels):
        raise InputError(f"the adapter '{path}' has the layout '{layout}'; the model takes {transformer.config.in_channels} channels")
    own = transformer.patch_embed.proj.weight.shape
    if weight.shape[0] != own[0] or weight.shape[2:] != own[2:]:
        raise InputError(f"the adapter '{path}' is for a transformer of width {weight.shape[0]}, this one has {own[0]}")
    widen_patch_embedding(transformer, layout)
    proj = transformer.patch_embed.proj
    proj.load_state_dict({name.removeprefix(_PATCH): tensor for name, tensor in tensors.items() if name.startswith(_PATCH)})
    config = _lora_config(int(metadata["rank"]), float(metadata["alpha"]), json.loads(metadata["targets"]))
    transformer.add_adapter(config, adapter_name=_NAME)
    lora = {name.removeprefix(_LORA): tensor for name, tensor in tensors.items() if name.startswith(_LORA)}
    outcome = set_peft_model_state_dict(transformer, lora, adapter_name=_NAME)
    missing = [name for name in outcome.missing_keys if "lora_" in name]
    if missing or outcome.unexpected_keys:
        raise InputError(f"the adapter '{path}' is for another transformer: {len(missing)} of its layers are missing here")
    if merge:
        transformer.fuse_lora(adapter_names=[_NAME])
        transformer.unload_lora()
    return layout


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        check_tensors(path)
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dict)
    except (SafetensorError, OSError) as error:
        raise InputError(f"the adapter '{path}' can't be read ({error}): get it anew") from None
    absent = [key for key in ("layout", "mask_channels", "rank", "alpha", "targets") if key not in metadata]
    if metadata.get("format") != FORMAT or absent or _PATCH + "weight" not in tensors:
        raise InputError(
            f"'{path}' is no VIVID adapter that can be used: its metadata lacks format {FORMAT}, layout, rank, alpha or targets"
        )
    return metadata, tensors


def _lora_config(rank: int, alpha: float, targets: tuple[str, ...] | list[str]) -> LoraConfig:
    return LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(targets), init_lora_weights=True)
