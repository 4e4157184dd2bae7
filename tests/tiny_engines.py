"""Folders of video engines in diffusers' layout: the public models' own classes at toy size, with
random weights.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import core.compat  # noqa: F401  (first: diffusers imports torchvision)

_TASK = {"steps": 2, "guidance": 2.0}
TOY = {"working_size": [32, 48], "window_frames": 9, "tasks": dict.fromkeys(("add", "modify", "delete", "propagate"), _TASK)}
"""What the folder's vivid.json says, so that a window takes a blink."""


def write_vace(folder: Path, two: bool = False, **facts: object) -> Path:
    """A VACE; of Wan 2.2, with two denoisers, when `two`."""
    import torch
    from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanVACEPipeline

    from core.training.small.networks import build_tokenizer

    torch.manual_seed(0)
    autoencoder = AutoencoderKLWan(base_dim=8, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1)
    steps = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0)
    second = {"transformer_2": _vace_denoiser(), "boundary_ratio": 0.875} if two else {}
    WanVACEPipeline(build_tokenizer(), _umt5(), autoencoder, steps, _vace_denoiser(), **second).save_pretrained(folder)
    (folder / "vivid.json").write_text(json.dumps(TOY | facts), encoding="utf-8")
    return folder


def _vace_denoiser() -> Any:
    from diffusers import WanVACETransformer3DModel

    sizes = {"num_attention_heads": 2, "attention_head_dim": 16, "num_layers": 2, "ffn_dim": 32, "freq_dim": 16, "text_dim": 16}
    return WanVACETransformer3DModel(**sizes, vace_layers=[0, 1])


def _umt5() -> Any:
    from transformers import UMT5Config, UMT5EncoderModel

    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    return UMT5EncoderModel(UMT5Config(vocab_size=256, **sizes))


def write_fun(folder: Path, noisy: bool = True) -> Path:
    """A CogVideoX-Fun InP, with an index that names classes of its own."""
    from builders import tiny_vivid_package

    tiny_vivid_package(folder, latent_channels=16)
    for part, changes in (("transformer", {"add_noise_in_inpaint_model": noisy}), ("vae", {"scaling_factor": 0.7})):
        path = folder / part / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")
    shutil.rmtree(folder / "tokenizer")
    _write_t5_tokenizer(folder / "tokenizer")
    parts = {name: ["diffusers", "SomethingOfItsOwn"] for name in ("transformer", "vae", "text_encoder", "tokenizer", "scheduler")}
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "CogVideoX_Fun_Pipeline_Inpaint", **parts}), encoding="utf-8")
    (folder / "vivid.json").write_text(json.dumps(TOY), encoding="utf-8")
    return folder


def write_void(models: Path) -> Path:
    """VOID as it is fetched into a folder of models: a denoiser alone, and what it stands on."""
    import torch
    from diffusers import CogVideoXTransformer3DModel
    from safetensors.torch import save_file

    base = write_fun(models / "cogvideox-fun-1.5-base")
    config = base / "transformer" / "config.json"
    facts = {
        "patch_size": 2,
        "patch_size_t": 2,
        "use_rotary_positional_embeddings": True,
        "sample_height": 32,
        "sample_width": 32,
        "in_channels": 33,
    }
    config.write_text(json.dumps(json.loads(config.read_text(encoding="utf-8")) | facts), encoding="utf-8")
    for weights in (base / "transformer").glob("*.safetensors"):
        weights.unlink()
    torch.manual_seed(0)
    denoiser = CogVideoXTransformer3DModel.from_config(CogVideoXTransformer3DModel.load_config(config) | {"in_channels": 48})
    (models / "void").mkdir()
    save_file(denoiser.state_dict(), models / "void" / "void_pass1.safetensors")
    return models / "void" / "void_pass1.safetensors"


def _write_t5_tokenizer(folder: Path) -> None:
    """A tokenizer as CogVideoX is handed on with: SentencePiece's model, and no tokenizer.json."""
    from sentencepiece.sentencepiece_model_pb2 import ModelProto

    model = ModelProto()
    model.trainer_spec.model_type = 1
    model.trainer_spec.pad_id, model.trainer_spec.eos_id, model.trainer_spec.unk_id, model.trainer_spec.bos_id = 0, 1, 2, -1
    control, unknown, normal = 3, 2, 1
    pieces = [("<pad>", control), ("</s>", control), ("<unk>", unknown), *((letter, normal) for letter in "\u2581" + ascii_lowercase)]
    for piece, kind in pieces:
        model.pieces.add(piece=piece, score=-1.0 if kind == normal else 0.0, type=kind)
    folder.mkdir()
    (folder / "spiece.model").write_bytes(model.SerializeToString())
    config = {"tokenizer_class": "T5Tokenizer", "model_max_length": 226, "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
