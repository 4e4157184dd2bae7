"""Weights that come when they are called, at toy size: the hooks are the real ones, with the CPU as
the device that they move to.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from app.engine import Engine
from app.jobs.estimates import timing_key
from app.settings import Settings
from core.errors import DeviceMemoryError, InputError
from core.geometry import FrameRange
from core.models import ModelStore
from core.project.edits import SamplingSettings
from core.propagation.request import EditRequest, Keyframe
from core.propagation.schedule import plan_segments
from core.vivid import loading
from core.vivid.contract import Sampling
from core.vivid.memory import MemoryPlan
from core.vivid.model import load_vivid, VividModel
from core.vivid.offload import carry_out, needs_of
from core.vivid.pipeline import VividPipeline
from core.vivid.residents import memory_errors
from tests.builders import tiny_vivid_package

pytestmark = pytest.mark.usefixtures("one_thread")

SIZE = (32, 32)
TILED = (80, 64)
"""Cut into four tiles."""
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_vivid_package(tmp_path_factory.mktemp("offload") / "package")


@pytest.fixture(scope="module")
def whole(one_thread: None, package: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """A clip and a lone frame, painted by the model as a CPU has it."""
    model = loaded(package)
    return window(model), window(model, 1)


def loaded(package: Path, mode: str = "all", tiled: bool = False, free: int = 0) -> VividModel:
    """The model in a mode that a CPU by itself never has."""
    model = load_vivid(str(package), "cpu", ModelStore())
    needs = needs_of(model.pipeline, model.working_size, model.window_frames, True)
    carry_out(model.pipeline, CPU, MemoryPlan(mode, tiled, needs.peak(mode, tiled), free), needs, model.working_size)
    return model


def window(model: VividModel, frames: int = 9) -> torch.Tensor:
    """Two steps over a clip of smooth waves, the way the editor runs them: encode, read the
    caption, denoise, decode.
    """
    y, x, t = (torch.linspace(0, 6, size) for size in (*SIZE, frames))
    clip = torch.sin(y[None, :, None] + x[None, None, :] + t[:, None, None]).expand(1, 3, frames, *SIZE)
    mask = torch.zeros(1, 1, frames, *SIZE)
    mask[..., 8:24, 8:24] = 1
    with torch.inference_mode():
        conditions = model.pipeline.encode_masked(clip, mask)
        guess = model.pipeline.encode_pixels(clip)
    return model.paint("a red ball", conditions, [3], Sampling(4, 3.0, 0.5), lambda step: None, guess)


@pytest.mark.parametrize("mode", ["parts", "layers"])
def test_weights_that_come_and_go_paint_the_same_pixels(package: Path, mode: str, whole: tuple[torch.Tensor, torch.Tensor]) -> None:
    moving = loaded(package, mode)
    assert torch.equal(whole[0], window(moving))
    assert torch.equal(whole[1], window(moving, 1))
    assert moving.device == CPU


@pytest.mark.parametrize("mode", ["parts", "layers"])
def test_what_moves_are_the_weights_that_levers_have_changed(package: Path, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    still = load_vivid(str(package), "cpu", ModelStore(), speed="fused,fp8,compute-every=2")
    plain = loaded(package).pipeline

    def placed(
        pipeline: VividPipeline, device: torch.device, wanted: str, size: tuple[int, int], frames: int, guided: bool, free: None
    ) -> None:
        needs = needs_of(pipeline, size, frames, guided)
        assert needs.transformer < needs_of(plain, size, frames, guided).transformer, "8 bits are less to hold"
        carry_out(pipeline, device, MemoryPlan(mode, False, needs.peak(mode, False), 0), needs, size)

    monkeypatch.setattr(loading, "place", placed)
    moving = load_vivid(str(package), "cpu", ModelStore(), speed="near,compute-every=2")
    assert moving.levers == still.levers, "what moves is not compiled"
    if mode == "parts":
        assert moving.pipeline.residents is not None
        transformer = moving.pipeline.transformer
        known = moving.pipeline.residents._parts["transformer"].kept
        assert known.keys() == {name for name, _ in (*transformer.named_parameters(), *transformer.named_buffers())}
    assert torch.allclose(window(moving, 1), window(still, 1), atol=1e-4)


def test_parts_take_turns_and_the_text_encoder_never_stays(package: Path) -> None:
    model = loaded(package, "parts")
    residents = model.pipeline.residents
    assert residents is not None
    assert residents.here == ()
    residents.budget = 0
    visits: list[tuple[str, ...]] = []
    come = residents.come

    def watched(name: str) -> None:
        come(name)
        visits.append(residents.here)

    residents.come = watched  # type: ignore[method-assign]
    window(model)
    assert [here for at, here in enumerate(visits) if not at or here != visits[at - 1]] == [
        ("vae",),
        ("text_encoder",),
        ("transformer",),
        ("vae",),
    ]
    visits.clear()
    model.embed("")
    model.embed("a red ball")
    assert not visits  # both were read at one visit
    model.embed("a blue cube")
    assert visits == [("text_encoder",)]
    assert residents.here == ()


def test_parts_stay_together_where_there_is_room(package: Path) -> None:
    model = loaded(package, "parts", free=2**40)
    residents = model.pipeline.residents
    assert residents is not None
    window(model)
    assert residents.here == ("vae", "transformer")


def test_a_part_that_finds_no_room_sends_the_others_back_and_comes_again(package: Path, whole: tuple[torch.Tensor, torch.Tensor]) -> None:
    """Another program may take, later, what was free when the mode was chosen."""
    model = loaded(package, "parts", free=2**40)
    residents = model.pipeline.residents
    assert residents is not None
    model.pipeline.encode_pixels(torch.zeros(1, 3, 1, *SIZE))
    assert residents.here == ("vae",)
    transformer, full = residents._parts["transformer"], [True]
    come = transformer.come

    def crowded() -> None:
        if full.pop() or residents.here:
            full.append(False)
            raise torch.OutOfMemoryError("CUDA out of memory")
        come()

    transformer.come = crowded  # type: ignore[method-assign]
    assert torch.equal(window(model, 1), whole[1])
    assert residents.here == ("transformer", "vae")


def test_layers_lie_in_the_hosts_memory_between_their_turns(package: Path) -> None:
    model = loaded(package, "layers")
    encoder = model.pipeline.text_encoder.encoder
    kept = [parameter.data_ptr() for parameter in encoder.parameters()]
    seen: list[str] = []
    for number, layer in enumerate(encoder.block):
        layer.register_forward_hook(lambda *_, number=number: seen.append(f"layer {number}"))
    window(model)
    assert seen == ["layer 0", "layer 1"] * 2  # the caption and the empty one
    assert [parameter.data_ptr() for parameter in encoder.parameters()] == kept


def test_a_clip_coded_in_tiles_looks_the_same(package: Path, whole: tuple[torch.Tensor, torch.Tensor]) -> None:
    """With the weights that ship, of random ones nothing can be said: each tile is normalised by
    what it sees, so they are not equal.
    """
    pipeline = load_vivid("vivid-small", "cpu", ModelStore()).pipeline
    needs = needs_of(pipeline, TILED, 9, True)
    y, x, t = torch.linspace(0, 5, TILED[0])[:, None], torch.linspace(0, 4, TILED[1]), torch.linspace(0, 1, 9)[:, None, None]
    clip = torch.stack([torch.sin(y + t) * torch.cos(x), torch.sin(x - t + 0 * y), torch.cos(y * x / 6 + t)])[None] * 0.3
    with torch.inference_mode():
        plain = pipeline.decode_latents(pipeline.encode_pixels(clip))
        carry_out(pipeline, CPU, MemoryPlan("all", True), needs, TILED)
        in_tiles = pipeline.decode_latents(pipeline.encode_pixels(clip))
    assert in_tiles.shape == plain.shape
    assert not torch.equal(in_tiles, plain)
    assert (in_tiles - plain).abs().mean() < 4 / 127.5  # four of 255 levels
    assert torch.equal(whole[1], window(loaded(package, "parts", tiled=True), 1))  # a lone frame is not cut up


def test_what_was_made_and_measured_in_another_way_has_another_name(package: Path, tmp_path: Path) -> None:
    from core.masks import MaskSequence

    whole, moving, tiled = loaded(package), loaded(package, "parts"), loaded(package, "parts", tiled=True)
    masks = MaskSequence((160, 120), 0, [np.ones((120, 160), bool)] * 12)
    keyframe = Keyframe(0, np.zeros((120, 160, 3), np.uint8), "add", "a red ball", 0)
    request = EditRequest(FrameRange(0, 12), masks, (keyframe,), SamplingSettings())
    keys = [plan_segments(model, request, {})[0].keys for model in (whole, moving, tiled)]
    assert keys[0] == keys[1] != keys[2]
    names = [timing_key("picture", model, True, "weights") for model in (whole, moving, tiled)]
    assert len(set(names)) == 3


def test_running_out_of_memory_is_one_sentence() -> None:
    with pytest.raises(DeviceMemoryError) as told, memory_errors("parts", torch.device("cuda:0")):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
    assert (told.value.device, told.value.mode, told.value.next_mode) == ("cuda:0", "parts", "layers")
    assert "\n" not in str(told.value)
    assert "--" not in str(told.value), "flags are the command line's"
    with pytest.raises(RuntimeError, match="shape"), memory_errors("parts", torch.device("cuda:0")):
        raise RuntimeError("another shape")


def test_the_mode_is_a_setting(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("VIVID_MEMORY", "layers")
    assert Settings.from_environment().memory == "layers"
    with pytest.raises(InputError, match="known: auto, all, parts, layers"):
        Settings(memory="some")
    caplog.set_level("INFO", "app.engine")
    engine = Engine(Settings(workspace=tmp_path, device="cpu", memory="layers", model=str(package)))
    assert engine.video_model().memory == MemoryPlan()
    assert "nothing" in caplog.text
