"""Keyframe models made faster: levers of speed, and a Draft with its LoRA."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from builders import noise_frames
from safetensors.torch import save_file
from tiny_keyframe_models import write_keyframe_model

from app.engine import Engine
from app.settings import Settings
from core.keyframe_models.loading import load_keyframe_model
from core.keyframe_models.pipeline_model import PipelineModel
from core.keyframe_models.studio import PaintingStudio
from core.models import ModelStore
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.render.composite import difference_outside
from core.vivid.speed import accelerate
from core.vivid.speed.fp8 import Fp8Linear

pytestmark = pytest.mark.usefixtures("one_thread")

FRAME = noise_frames(1, 61, 93)[0]
REGION = np.zeros((61, 93), bool)
REGION[20:47, 60:93] = True


def painted(model: PipelineModel, settings: SamplingSettings) -> np.ndarray:
    (picture,) = PaintingStudio(model).prepare(FRAME, REGION).tries("modify", "a red ball", [7], settings, JobContext())
    return picture


@pytest.mark.parametrize("kind", ["flux2-klein", "sdxl", "qwen-image"])
def test_levers_of_speed_paint_the_same(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is compiled is traced as on a GPU; only the code that comes out is run by PyTorch itself.
    monkeypatch.setattr(accelerate, "_BACKEND", "eager")
    folder, two = str(write_keyframe_model(kind, tmp_path)), SamplingSettings(steps=2)
    plain = painted(load_keyframe_model(folder, "cpu", ModelStore()), two)
    exact = "compiled" if kind == "qwen-image" else "compiled, fused"  # as far as diffusers has it
    for speed, has, apart in (("exact", exact, 1), ("fp8,guide-every=2,compute-every=2", "fp8", 12)):
        model = load_keyframe_model(folder, "cpu", ModelStore(), speed=speed)
        assert str(model.levers) == has, "what it can't do is left out"
        denoiser = getattr(model.pipeline, model.denoiser)
        assert any(isinstance(module, Fp8Linear) for module in denoiser.modules()) == model.levers.fp8
        assert any(hasattr(module, "to_qkv") for module in denoiser.modules()) == model.levers.fused
        assert np.abs(painted(model, two).astype(int) - plain).max() <= apart


def test_a_draft_adds_its_lora_and_shifts_the_steps(tmp_path: Path) -> None:
    folder, other = write_keyframe_model("qwen-image", tmp_path / "qwen"), write_keyframe_model("sdxl", tmp_path / "sdxl")
    layer = load_keyframe_model(str(folder), "cpu", ModelStore()).pipeline.transformer.transformer_blocks[0].attn.to_q
    down, up = torch.randn(4, layer.in_features), torch.randn(layer.out_features, 4)
    name = "transformer.transformer_blocks.0.attn.to_q"
    save_file({f"{name}.lora_A.weight": down, f"{name}.lora_B.weight": up}, folder / "lora.safetensors")
    facts = json.loads((folder / "vivid.json").read_text())
    draft = {"steps": 2, "guidance": 1, "shift": 3, "lora": "lora.safetensors"}
    (folder / "vivid.json").write_text(json.dumps(facts | {"draft": draft}))
    engine = Engine(Settings(workspace=tmp_path, keyframe_model=str(folder), device="cpu"))
    model = engine.painter_for(SamplingSettings(preset="draft"))
    assert isinstance(model, PipelineModel)
    assert (model.name, model.steps, model.guidance) == (f"{folder}:draft", 2, 1.0)
    added = model.pipeline.transformer.transformer_blocks[0].attn.to_q.weight
    assert torch.allclose(added, layer.weight + up @ down, atol=1e-5)
    assert model.pipeline.scheduler.config.max_shift == pytest.approx(math.log(3))
    assert difference_outside(FRAME, painted(model, SamplingSettings()), REGION) == 0
    assert len({engine.fingerprint("image", one) for one in (str(folder), model.name)}) == 2
    plain = Engine(Settings(workspace=tmp_path, keyframe_model=str(other), device="cpu"))
    assert plain.painter_name(SamplingSettings(preset="draft")) == str(other), "one without a Draft paints as ever"
