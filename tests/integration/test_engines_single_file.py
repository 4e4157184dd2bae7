"""A denoiser of one's own in a single file, in diffusers' layout or its makers', in the place of a
model's own.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import CogVideoXTransformer3DModel, WanVACETransformer3DModel
from gguf_files import write_gguf
from safetensors.torch import load_file, save_file
from tiny_engines import write_fun, write_vace

from app.contract.error_text import error_text
from app.engine import Engine
from app.settings import Settings
from core.engines.loading import load_video_engine
from core.errors import ModelMissingError
from core.models import ModelStore
from core.models.vocabulary import read_vocabulary
from core.vivid.contract import Sampling

STATE_DICTS = Path(__file__).parents[1] / "data" / "state_dicts"
Tensors = dict[str, torch.Tensor]


def tuned(folder: Path) -> Tensors:
    """The denoiser of a model, changed a little."""
    (weights,) = (folder / "transformer").glob("*.safetensors")
    return {name: value * 1.01 for name, value in load_file(weights).items()}


def as_its_makers(tensors: Tensors) -> Tensors:
    """The names that the makers of VACE give the tensors, as other programs write them."""
    facts = json.loads((STATE_DICTS / "wan-vace-1.3b.json").read_text())
    originals = {}
    for pattern in facts["keys"]:
        for number in range(2):
            original = name = pattern.replace("{0-29}", str(number)).replace("{0-14}", str(number)).replace("{1-14}", "1")
            for old, new in facts["renamed"]:
                name = name.replace(old, new)
            originals[name] = original
    return {f"model.diffusion_model.{originals[name]}": value for name, value in tensors.items()}


@pytest.mark.parametrize(
    ("name", "write", "layout"),
    [
        ("wan-vace-1.3b", write_vace, as_its_makers),
        ("wan-vace-1.3b", write_vace, dict),
        ("cogvideox-fun-inp-5b", write_fun, dict),
    ],
)
def test_a_file_takes_the_place_of_the_denoiser(
    name: str, write: Callable[[Path], Path], layout: Callable[[Tensors], Tensors], tmp_path: Path
) -> None:
    folder, store, file = write(tmp_path / "models" / name), ModelStore(tmp_path / "models"), tmp_path / "mine.safetensors"
    wanted = tuned(folder)
    written = layout(wanted)
    save_file(written, file)
    found = load_video_engine(str(file), "cpu", store).pipeline.transformer.state_dict()
    assert set(found) == set(wanted)
    assert all(torch.equal(found[key], wanted[key]) for key in wanted)
    assert read_vocabulary(file) is None
    engine = Engine(Settings(workspace=tmp_path, model=str(file)))
    before = engine.weights()
    (folder / "vivid.json").write_text(json.dumps(json.loads((folder / "vivid.json").read_text()) | {"shift": 2}))
    assert engine.weights() != before, "the other parts change what it paints"

    written.pop(next(key for key in written if "norm" in key))
    save_file(written, file)
    with pytest.raises(ModelMissingError, match=r"mine\.safetensors' can't be loaded"):
        load_video_engine(str(file), "cpu", store)


def test_a_folder_of_pieces_and_a_gguf_file_are_denoisers_too(tmp_path: Path) -> None:
    folder, store = write_vace(tmp_path / "models" / "wan-vace-1.3b"), ModelStore(tmp_path / "models")
    wanted = tuned(folder)
    tensors = {name.removeprefix("model.diffusion_model."): value for name, value in as_its_makers(wanted).items()}
    pieces, names = tmp_path / "Wan2.1-VACE", sorted(tensors)
    pieces.mkdir()
    (pieces / "config.json").write_text('{"_class_name": "VaceWanModel"}')
    for number in (0, 1):
        file = pieces / f"diffusion_pytorch_model-0000{number + 1}-of-00002.safetensors"
        save_file({name: tensors[name] for name in names[number::2]}, file)
    found = load_video_engine(str(pieces), "cpu", store).pipeline.transformer.state_dict()
    assert all(torch.equal(found[key], wanted[key]) for key in wanted)
    whole = Engine(Settings(workspace=tmp_path, model=str(pieces))).weights()
    save_file({name: tensors[name] * 2 for name in names[1::2]}, file)
    assert Engine(Settings(workspace=tmp_path, model=str(pieces))).weights() != whole

    gguf_file = write_gguf(tmp_path / "mine.gguf", tensors)
    small, plain = (load_video_engine(str(path), "cpu", store, speed="compiled,guide-every=2") for path in (gguf_file, folder))
    assert sum(one.nbytes for one in small.pipeline.transformer.parameters()) < sum(value.nbytes for value in wanted.values()) / 2
    assert str(small.levers) == "guide-every=2", "what works on layers of 16 bits is left out"
    frame, mask = torch.rand(1, 3, 1, 32, 48), torch.ones(1, 1, 1, 32, 48)
    one, other = (model.paint("a ball", model.encode(frame, mask), [1], Sampling(2, 1.0), lambda step: None) for model in (small, plain))
    assert 0 < (one - other).abs().mean() < 0.05 * other.std()
    gguf_file.write_bytes(gguf_file.read_bytes()[:500])
    with pytest.raises(ModelMissingError, match="can't be read as GGUF"):
        load_video_engine(str(gguf_file), "cpu", store)


def test_a_file_without_the_rest_of_its_model_says_what_to_fetch(tmp_path: Path) -> None:
    file, store = tmp_path / "mine.safetensors", ModelStore(tmp_path / "models")
    save_file({"vace_patch_embedding.weight": torch.zeros(1536, 96, 1, 1, 1)}, file)
    with pytest.raises(ModelMissingError) as caught:
        load_video_engine(str(file), "cpu", store)
    assert "text encoder and autoencoder come with 'wan-vace-1.3b'" in str(caught.value)
    assert error_text(caught.value).endswith("run `launch.py models fetch wan-vace-1.3b` where there is a network")
    write_vace(tmp_path / "models" / "wan22-vace-fun-14b", two=True)
    save_file({"vace_patch_embedding.weight": torch.zeros(32, 96, 1, 1, 1)}, file)
    with pytest.raises(ModelMissingError, match=r"has 32 channels, which none of wan-vace-1\.3b, wan-vace-14b has"):
        load_video_engine(str(file), "cpu", store)
    save_file({"vace_patch_embedding.weight": torch.zeros(1536, 96, 1, 1, 1), "scaled_fp8": torch.zeros(1)}, file)
    with pytest.raises(ModelMissingError, match="scaled 8-bit format, which is not read"):
        load_video_engine(str(file), "cpu", store)
    for engine, name, channels in (("CogVideoX-Fun InP", "patch_embed.proj.weight", 33), ("VOID", "patch_embed.proj.weight", 384)):
        small = write_gguf(tmp_path / "mine.gguf", {name: torch.zeros(32, channels, 2, 2)})
        with pytest.raises(ModelMissingError, match=f"is a GGUF file of {engine}, which is not read: give its denoiser as safetensors"):
            load_video_engine(str(small), "cpu", store)
    assert [hasattr(kind, "from_single_file") for kind in (WanVACETransformer3DModel, CogVideoXTransformer3DModel)] == [True, False]
    save_file({"a": torch.zeros(1)}, file)
    with pytest.raises(ModelMissingError, match="holds no denoiser of a video model that is known"):
        load_video_engine(str(file), "cpu", store)
    file.write_bytes(b"rubbish")
    with pytest.raises(ModelMissingError, match="can't be read as safetensors"):
        load_video_engine(str(file), "cpu", store)
