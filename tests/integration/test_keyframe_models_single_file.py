"""A denoiser of one's own in the place of a keyframe model's: in its makers' layout, as safetensors
and as GGUF.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import re
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from builders import noise_frames
from gguf_files import write_gguf
from safetensors.torch import load_file, save_file
from tiny_keyframe_models import write_keyframe_model

from app.commands.recipe_names import check_painter
from app.engine import Engine
from app.settings import Settings
from core.errors import ModelMissingError
from core.keyframe_models.loading import load_keyframe_model
from core.keyframe_models.pipeline_model import PipelineModel
from core.keyframe_models.studio import PaintingStudio
from core.models import ModelStore
from core.progress import JobContext
from core.project.edits import SamplingSettings

pytestmark = pytest.mark.usefixtures("one_thread")

Tensors = dict[str, torch.Tensor]
_KLEIN = (
    (r"^x_embedder", "img_in"),
    (r"^context_embedder", "txt_in"),
    (r"^time_guidance_embed\.timestep_embedder\.linear_1", "time_in.in_layer"),
    (r"^time_guidance_embed\.timestep_embedder\.linear_2", "time_in.out_layer"),
    (r"^(\w+_stream_modulation\w*)\.linear", r"\1.lin"),
    (r"^norm_out\.linear", "final_layer.adaLN_modulation.1"),
    (r"^proj_out", "final_layer.linear"),
    (r"^single_transformer_blocks\.(\d+)\.attn\.to_qkv_mlp_proj", r"single_blocks.\1.linear1"),
    (r"^single_transformer_blocks\.(\d+)\.attn\.to_out", r"single_blocks.\1.linear2"),
    (r"^single_transformer_blocks\.(\d+)\.attn\.norm_q\.weight", r"single_blocks.\1.norm.query_norm.scale"),
    (r"^single_transformer_blocks\.(\d+)\.attn\.norm_k\.weight", r"single_blocks.\1.norm.key_norm.scale"),
    (r"^transformer_blocks", "double_blocks"),
    (r"attn\.norm_added_q\.weight", "txt_attn.norm.query_norm.scale"),
    (r"attn\.norm_added_k\.weight", "txt_attn.norm.key_norm.scale"),
    (r"\.attn\.norm_q\.weight", ".img_attn.norm.query_norm.scale"),
    (r"\.attn\.norm_k\.weight", ".img_attn.norm.key_norm.scale"),
    (r"attn\.to_add_out", "txt_attn.proj"),
    (r"\.attn\.to_out\.0", ".img_attn.proj"),
    (r"ff_context\.linear_in", "txt_mlp.0"),
    (r"ff_context\.linear_out", "txt_mlp.2"),
    (r"ff\.linear_in", "img_mlp.0"),
    (r"ff\.linear_out", "img_mlp.2"),
)
_RESNET = (
    ("norm1", "in_layers.0"),
    ("conv1", "in_layers.2"),
    ("time_emb_proj", "emb_layers.1"),
    ("norm2", "out_layers.0"),
    ("conv2", "out_layers.3"),
    ("conv_shortcut", "skip_connection"),
)
_SDXL = (
    ("conv_in", "input_blocks.0.0"),
    ("time_embedding.linear_1", "time_embed.0"),
    ("time_embedding.linear_2", "time_embed.2"),
    ("add_embedding.linear_1", "label_emb.0.0"),
    ("add_embedding.linear_2", "label_emb.0.2"),
    ("conv_norm_out", "out.0"),
    ("conv_out", "out.2"),
    ("down_blocks.0.resnets.0", "input_blocks.1.0"),
    ("down_blocks.0.downsamplers.0.conv", "input_blocks.2.0.op"),
    ("down_blocks.1.resnets.0", "input_blocks.3.0"),
    ("down_blocks.1.attentions.0", "input_blocks.3.1"),
    ("mid_block.resnets.0", "middle_block.0"),
    ("mid_block.attentions.0", "middle_block.1"),
    ("mid_block.resnets.1", "middle_block.2"),
    ("up_blocks.0.resnets.0", "output_blocks.0.0"),
    ("up_blocks.0.attentions.0", "output_blocks.0.1"),
    ("up_blocks.0.resnets.1", "output_blocks.1.0"),
    ("up_blocks.0.attentions.1", "output_blocks.1.1"),
    ("up_blocks.0.upsamplers.0.conv", "output_blocks.1.2.conv"),
    ("up_blocks.1.resnets.0", "output_blocks.2.0"),
    ("up_blocks.1.resnets.1", "output_blocks.3.0"),
)


def klein_as_its_makers(tensors: Tensors) -> Tensors:
    """Black Forest Labs join query, key and value, and have shift before scale."""
    renamed = {}
    for name, value in tensors.items():
        for ours, theirs in _KLEIN:
            name = re.sub(ours, theirs, name)
        renamed[name] = torch.cat(value.chunk(2)[::-1]) if "adaLN" in name else value
    for one, parts in (("img", ("to_q", "to_k", "to_v")), ("txt", ("add_q_proj", "add_k_proj", "add_v_proj"))):
        first = f"double_blocks.0.attn.{parts[0]}.weight"
        assert first in renamed
        renamed[f"double_blocks.0.{one}_attn.qkv.weight"] = torch.cat(
            [renamed.pop(f"double_blocks.0.attn.{part}.weight") for part in parts]
        )
    return renamed


def sdxl_as_its_makers(tensors: Tensors) -> Tensors:
    renamed = {}
    for name, value in tensors.items():
        ours, theirs = max((pair for pair in _SDXL if name.startswith(f"{pair[0]}.")), key=lambda pair: len(pair[0]))
        rest = name.removeprefix(ours)
        if "resnets" in ours:
            for old, new in _RESNET:
                rest = rest.replace(f".{old}.", f".{new}.")
        renamed[f"model.diffusion_model.{theirs}{rest}"] = value
    return renamed


def painted(model: PipelineModel) -> np.ndarray:
    region = np.zeros((61, 93), bool)
    region[20:47, 60:93] = True
    prepared = PaintingStudio(model).prepare(noise_frames(1, 61, 93)[0], region)
    (picture,) = prepared.tries("modify", "a ball", (7,), SamplingSettings(steps=2), JobContext())
    return picture[region].astype(int)


@pytest.mark.parametrize(
    ("kind", "name", "part", "layout"),
    [
        ("flux2-klein", "flux2-klein-4b", "transformer", klein_as_its_makers),
        ("sdxl", "sdxl-inpaint", "unet", sdxl_as_its_makers),
        ("qwen-image", "qwen-image", "transformer", dict),
    ],
)
def test_a_file_takes_the_place_of_the_denoiser(
    kind: str, name: str, part: str, layout: Callable[[Tensors], Tensors], tmp_path: Path
) -> None:
    models = tmp_path / "workspace" / "models"
    folder = write_keyframe_model(kind, models / name)
    if kind == "qwen-image":  # as the list has it: a ControlNet on a model of its own
        (folder / "controlnet").rename(models / "qwen-image-inpaint")
        (folder / "vivid.json").rename(models / "qwen-image-inpaint" / "vivid.json")
    (weights,) = (folder / part).glob("*.safetensors")
    wanted = {key: value * 1.01 for key, value in load_file(weights).items()}
    file, store = tmp_path / "mine.safetensors", ModelStore(models)
    written = layout(wanted)
    save_file({key: value.contiguous() for key, value in written.items()}, file)
    plain = load_keyframe_model(str(file), "cpu", store)
    found = getattr(plain.pipeline, part).state_dict()
    assert set(found) == set(wanted)
    assert all(torch.equal(found[key], wanted[key]) for key in wanted)
    engine = Engine(Settings(workspace=tmp_path / "workspace", keyframe_model=str(file)))
    check_painter(engine, str(file))
    assert engine.fingerprint("image", str(file)) != engine.fingerprint("image", "qwen-image-inpaint" if kind == "qwen-image" else name)

    small_file = write_gguf(tmp_path / "mine.gguf", written)
    small = load_keyframe_model(str(small_file), "cpu", store, speed="exact")
    assert str(small.levers) == "plain", "what works on layers of 16 bits is left out"
    network = getattr(small.pipeline, part)
    assert sum(one.nbytes for one in network.parameters()) < 0.9 * sum(value.nbytes for value in wanted.values())
    assert 0 < np.abs(painted(small) - painted(plain)).mean() < 8

    written.pop(next(key for key in written if "norm" in key or "out.0" in key))
    save_file({key: value.contiguous() for key, value in written.items()}, file)
    with pytest.raises(ModelMissingError, match=r"mine\.safetensors' can't be loaded .*missing"):
        load_keyframe_model(str(file), "cpu", store)


def test_what_can_not_take_a_place_is_refused_in_one_line(tmp_path: Path) -> None:
    models, file = tmp_path / "models", tmp_path / "mine.safetensors"
    store = ModelStore(models)

    def refused(tensors: Tensors) -> str:
        save_file(tensors, file)
        with pytest.raises(ModelMissingError) as caught:
            load_keyframe_model(str(file), "cpu", store)
        return str(caught.value)

    klein = {"double_stream_modulation_img.lin.weight": torch.zeros(1, 4096)}
    assert "come with 'flux2-klein-4b', which is not on this machine" in refused(klein)
    write_keyframe_model("flux2-klein", models / "flux2-klein-4b")
    assert "has 4096 channels, and the model of the list whose text encoder it would take has 32" in refused(klein)
    assert "has 4 channels, not 9" in refused({"input_blocks.0.0.weight": torch.zeros(8, 4, 3, 3), "label_emb.0.0.weight": torch.zeros(1)})
    assert "holds no denoiser of a keyframe model that is known" in refused({"transformer_blocks.0.img_mod.1.weight": torch.zeros(6, 1)})
    small = tmp_path / "mine.gguf"
    writer = gguf.GGUFWriter(small, "sdxl")
    writer.add_array("comfy.gguf.orig_shape.input_blocks.0.0.weight", [8, 9, 3, 3])
    writer.add_tensor("input_blocks.0.0.weight", np.zeros((81, 8), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ModelMissingError, match="keeps layers in shapes that are not theirs, which is not read"):
        load_keyframe_model(str(small), "cpu", store)
