"""The adapter: one file that turns CogVideoX into VIVID."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import json
from pathlib import Path

import pytest
import torch
from diffusers import CogVideoXPipeline, CogVideoXTransformer3DModel
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from core.errors import InputError
from core.models import ModelStore
from core.training.common.cogvideox import build_scheduler, rotary_embedding
from core.training.small.networks import build_text_encoder, build_tokenizer, build_transformer, build_vae
from core.vivid.adapter import add_adapter, load_adapter, save_adapter, trainable_parameters
from core.vivid.layout import ChannelLayout
from core.vivid.model import load_vivid
from tests.builders import tiny_network, tiny_vivid_package

pytestmark = pytest.mark.usefixtures("one_thread")


def _base(**changes: int) -> CogVideoXTransformer3DModel:
    torch.manual_seed(3)
    config = dict(build_transformer(tiny_network(**changes)).config)
    return CogVideoXTransformer3DModel.from_config(config | {"in_channels": 4}).eval()


def _trained(layout: ChannelLayout | None = None) -> CogVideoXTransformer3DModel:
    """A base with an adapter that changes something everywhere."""
    transformer = _base()
    add_adapter(transformer, layout, rank=4)
    with torch.no_grad():
        for parameter in trainable_parameters(transformer):
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(parameter.numel())) * 0.1)
    return transformer


def _run(transformer: CogVideoXTransformer3DModel) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    latent, text = torch.randn(1, 2, 9, 4, 4, generator=generator), torch.randn(1, 16, 16, generator=generator)
    with torch.inference_mode():
        return transformer(latent, text, torch.tensor([500]), image_rotary_emb=rotary_embedding(transformer, 2, 4, 4, "cpu")).sample


@pytest.mark.parametrize("merge", [False, True])
def test_an_adapter_comes_back_as_it_was(tmp_path: Path, merge: bool) -> None:
    trained = _trained()
    save_adapter(trained, tmp_path / "vivid.safetensors")
    fresh = _base()
    before = fresh.state_dict()["transformer_blocks.0.attn1.to_q.weight"].clone()
    assert load_adapter(fresh, tmp_path / "vivid.safetensors", merge=merge) == ChannelLayout()
    torch.testing.assert_close(_run(fresh), _run(trained), rtol=0, atol=1e-5)
    if merge:
        after = fresh.state_dict()["transformer_blocks.0.attn1.to_q.weight"]  # the plain name is back
        assert not torch.equal(after, before)
        assert not any("lora" in name for name, _ in fresh.named_modules())


def test_the_file_holds_lora_patch_embedding_and_layout_only(tmp_path: Path) -> None:
    layout = ChannelLayout.parse("noise,masked,mask")
    save_adapter(_trained(layout), tmp_path / "vivid.safetensors", layout)
    with safe_open(tmp_path / "vivid.safetensors", "pt") as file:
        metadata, names = file.metadata(), set(file.keys())
    assert metadata["layout"] == "noise,masked,mask"
    assert metadata["rank"] == "4"
    assert json.loads(metadata["targets"]) == ["to_k", "to_out.0", "to_q", "to_v"]
    rest = {name for name in names if not name.startswith("lora.")}
    assert rest == {"patch_embed.proj.weight", "patch_embed.proj.bias"}
    assert len(names) == 2 + 2 * 4 * 2  # A and B of four projections in two blocks
    assert load_adapter(_base(), tmp_path / "vivid.safetensors") == layout


def test_only_lora_and_patch_embedding_are_trained() -> None:
    transformer = _trained()
    count = len(trainable_parameters(transformer))
    assert count == 2 + 2 * 4 * 2
    assert not transformer.proj_out.weight.requires_grad


def _change(path: Path, **metadata: str) -> None:
    with safe_open(path, "pt") as file:
        old = file.metadata()
    save_file(load_file(path), path, {key: value for key, value in (old | metadata).items() if value})


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"layout": "noise,mask,image"}, "channel layout"),
        ({"mask_channels": "2"}, "9 input channels, its layout 'noise,mask,masked' makes 10"),
        ({"layout": ""}, "no VIVID adapter"),
        ({"format": "something else"}, "no VIVID adapter"),
    ],
)
def test_a_wrong_layout_is_named(tmp_path: Path, metadata: dict[str, str], message: str) -> None:
    path = tmp_path / "vivid.safetensors"
    save_adapter(_trained(), path)
    _change(path, **metadata)
    with pytest.raises(InputError, match=message):
        load_adapter(_base(), path)


def test_an_adapter_of_another_transformer_or_no_adapter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vivid.safetensors"
    save_adapter(_trained(), path)
    with pytest.raises(InputError, match="width 32, this one has 48"):
        load_adapter(_base(heads=3), path)
    with pytest.raises(InputError, match="another transformer"):
        load_adapter(_base(layers=1), path)
    with pytest.raises(InputError, match="makes 13 for this model"):
        load_adapter(build_transformer(tiny_network(latent_channels=6)), path)
    (tmp_path / "text.safetensors").write_text("not tensors")
    with pytest.raises(InputError, match="can't be read"):
        load_adapter(_base(), tmp_path / "text.safetensors")
    with pytest.raises(InputError, match="can't be read"):
        load_adapter(_base(), tmp_path / "absent.safetensors")


def test_a_package_may_be_a_base_model_and_an_adapter(tmp_path: Path) -> None:
    config = tiny_network()
    torch.manual_seed(0)
    base = CogVideoXPipeline(build_tokenizer(), build_text_encoder(config), build_vae(config), _base(), build_scheduler())
    base.save_pretrained(tmp_path / "base")
    package = tiny_vivid_package(tmp_path / "package")
    trained = _trained()
    save_adapter(trained, package / "vivid.safetensors")
    facts = json.loads((package / "vivid.json").read_text())
    (package / "vivid.json").write_text(json.dumps(facts | {"base": "../base", "adapter": "vivid.safetensors"}))
    model = load_vivid(str(package), "cpu", ModelStore())
    torch.testing.assert_close(_run(model.pipeline.transformer), _run(trained), rtol=0, atol=1e-5)
