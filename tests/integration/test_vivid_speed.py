"""Every lever of speed against the model without it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from tiny_engines import write_fun, write_vace, write_void
from torch import Tensor

from app.commands.cli import main
from core.engines.loading import load_video_engine
from core.errors import InputError
from core.evaluation.fidelity import psnr_of_error
from core.models import ModelStore
from core.vivid.contract import Sampling
from core.vivid.model import load_vivid, VividModel
from core.vivid.speed import accelerate
from core.vivid.speed.fp8 import Fp8Linear
from core.vivid.speed.levers import Levers, parse_levers, PRESETS
from core.vivid.speed.nearby import near_cells, token_numbers
from core.vivid.speed.steps import Answers, plan_steps, whole_steps
from core.vivid.speed.twin import Twin
from tests.builders import tiny_vivid_package


def test_levers_are_read_and_named() -> None:
    assert parse_levers("fast") == PRESETS["fast"]
    own = parse_levers("compiled, fused, fp8, guide-every=3, attention=cudnn")
    assert own == Levers(compiled=True, fused=True, fp8=True, guide_every=3, attention="cudnn")
    assert parse_levers(str(own)) == own
    assert parse_levers("near,gpus=2") == Levers(compiled=True, fused=True, attention="cudnn", graphs=True, fp8=True, gpus=2)
    assert [name for name, levers in PRESETS.items() if levers.exact] == ["plain", "exact"]
    numbers = ("guide-every", "guide-every=0", "guide-every=-1", "gpus=3")
    for wrong in (*numbers, "quick", "fp8=yes", "attention=none", "attention=flash", "exact,fast"):
        with pytest.raises(InputError):
            parse_levers(wrong)


def test_steps_are_left_out_after_the_first_fifth() -> None:
    assert plan_steps(4, Levers()) == ["guided"] * 4
    assert plan_steps(10, PRESETS["fast"]) == ["guided"] * 10, "for few steps nothing is left out"
    kinds = plan_steps(22, Levers(compute_every=2, guide_every=2))
    middle = ["continued", "caption", "continued", "guided"] * 3
    assert kinds == ["guided"] * 10 + middle[:11] + ["guided"]
    assert plan_steps(50, Levers(compute_every=4))[-1] != "continued"
    fewer = Levers(compute_every=2, guide_every=2)
    assert (whole_steps(22, Levers(), True), whole_steps(22, fewer, True), whole_steps(22, fewer, False)) == (22, 14.5, 16)


def test_answers_go_on_in_a_line() -> None:
    answers = Answers(scale=3.0)
    both = torch.tensor([[1.0], [2.0]])
    assert answers.guided(900, both).item() == 4.0
    assert answers.plain(800, torch.tensor([[5.0]])).item() == 5.0 + 2.0 * 1.0
    assert answers.continued(750).item() == pytest.approx(8.5)
    assert answers.continued(700).item() == pytest.approx(10.0)


def test_eight_bits_stay_near() -> None:
    torch.manual_seed(0)
    linear, given = torch.nn.Linear(64, 48), torch.randn(2, 5, 64)
    whole, rounded = linear(given), Fp8Linear(linear, torch.device("cpu"))(given)
    assert rounded.shape == whole.shape
    assert rounded.dtype == whole.dtype
    assert (rounded - whole).norm() < 0.05 * whole.norm()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_vivid_package(tmp_path_factory.mktemp("speed"))


def _window(model: VividModel, steps: int, count: list[int] | None = None) -> Tensor:
    """Pixels of a window with a hole. `count` gets the batch of each pass of the denoiser."""
    if count is not None:
        model.pipeline.transformer.register_forward_pre_hook(
            lambda module, args, given: count.append(given["hidden_states"].shape[0]), with_kwargs=True
        )
    draw = torch.Generator().manual_seed(1)
    frames, (height, width) = model.window_frames, model.working_size
    video = torch.rand((1, 3, frames, height, width), generator=draw) * 2 - 1
    mask = torch.zeros(1, 1, frames, height, width)
    mask[..., : height // 2, :] = 1
    with torch.inference_mode():
        conditions = model.pipeline.encode_masked(video, mask)
    return model.paint("a red ball", conditions, [3], Sampling(steps, 3.0), lambda step: None)


def test_exact_levers_give_the_same_pixels(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is compiled is traced as on a GPU; only the code that comes out is run by PyTorch itself.
    monkeypatch.setattr(accelerate, "_BACKEND", "aot_eager")
    plain = _window(load_vivid(str(package), "cpu", ModelStore()), 3)
    for speed in ("fused", "exact", "fused,nearby=99"):
        model = load_vivid(str(package), "cpu", ModelStore(), speed=speed)
        assert model.levers.fused
        assert not model.levers.graphs, "a CPU has none"
        assert (_window(model, 3) - plain).abs().max() < 1e-4


EXACT = {"compiled": 1e-4, "fused": 1e-4, "nearby=99": 1e-4}
"""How far pixels in [-1, 1] may be apart at most."""
NEAR = {"fp8": 30, "guide-every=2": 30, "compute-every=2": 30}
"""PSNR in dB, at least."""


WRITERS = {"vace": write_vace, "vace-fun-2.2": partial(write_vace, two=True), "fun-inp": write_fun, "void": write_void}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_every_lever_of_every_engine(write: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that a CPU can have: `gpus` is the test of the twin, graphs and kernels need a GPU."""
    monkeypatch.setattr(accelerate, "_BACKEND", "eager")
    model, store = write(tmp_path / "model"), ModelStore(tmp_path / "model")
    ys, xs = torch.meshgrid(torch.linspace(0, 6, 32), torch.linspace(0, 6, 48), indexing="ij")
    frame, mask = torch.sin(ys + xs).expand(1, 3, 1, 32, 48), torch.zeros(1, 1, 1, 32, 48)
    mask[..., 8:24, 12:33] = 1

    def painted(speed: str) -> tuple[Tensor, str]:
        engine = load_video_engine(str(model), "cpu", store, speed=speed)
        with torch.inference_mode():
            conditions = engine.encode(frame, mask)
        video = engine.paint("a red ball", conditions, [3], Sampling(12, 3.0), lambda step: None)
        return video.clamp(-1, 1), str(engine.levers)

    plain, _ = painted("plain")
    takes = load_video_engine(str(model), "cpu", store).declared.accelerators
    for lever in (*EXACT, *NEAR):
        name = lever.partition("=")[0]
        if name.replace("-", "_") not in takes:
            continue
        video, has = painted(lever)
        assert has == lever
        if lever in EXACT:
            assert (video - plain).abs().max() <= EXACT[lever]
        else:
            assert psnr_of_error(float((video - plain).square().mean()), 2.0) >= NEAR[lever]


def test_a_twin_gives_the_same_pixels(package: Path) -> None:
    model = load_vivid(str(package), "cpu", ModelStore())
    plain = _window(model, 3)
    model.pipeline.twin = Twin(model.pipeline.transformer, torch.device("cpu"))
    counted: list[int] = []
    assert (_window(model, 3, counted) - plain).abs().max() < 1e-4
    assert counted == [1, 1, 1], "the other half is asked of the twin"


def test_left_out_passes_are_not_run(package: Path) -> None:
    model, counted = load_vivid(str(package), "cpu", ModelStore(), speed="guide-every=2,compute-every=2"), list[int]()
    assert _window(model, 15, counted).isfinite().all()
    assert counted == [2] * 10 + [1, 2, 1]


def test_only_what_is_near_the_region_is_looked_at(package: Path) -> None:
    mask = torch.zeros(1, 2, 1, 16, 16)
    mask[0, 1, 0, 2:4, 4:6] = 1  # one cell of 8x8
    near = near_cells(mask, 2, ring=1)
    assert near.shape == (8, 8)
    assert near[:3, 1:4].all(), "the cell and those around it"
    assert near.sum() == 16, "two eighths of 64 cells"
    assert token_numbers(near, 2).tolist()[:3] == near.flatten().nonzero()[:3, 0].tolist()
    assert near_cells(mask, 2, ring=99).all()
    model, looked_at = load_vivid(str(package), "cpu", ModelStore(), speed="nearby=1"), list[int]()
    model.pipeline.transformer.transformer_blocks[0].register_forward_pre_hook(
        lambda module, args, given: looked_at.append(given["hidden_states"].shape[1]), with_kwargs=True
    )
    assert _window(model, 2).isfinite().all()
    frames, (height, width) = (model.window_frames - 1) // 4 + 1, model.working_size
    assert 0 < looked_at[0] < frames * (height // model.size_unit) * (width // model.size_unit)


def test_approximations_stay_close_on_the_model_that_ships() -> None:
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 128), torch.linspace(-1, 1, 128), indexing="ij")
    frame = torch.stack([rows, columns * rows, -columns])[None, :, None]
    mask = torch.zeros(1, 1, 1, 128, 128)
    mask[..., 30:100, 30:100] = 1
    made = []
    for speed in ("plain", "fp8", "guide-every=2", "compute-every=2"):
        model = load_vivid("vivid-small", "cpu", ModelStore(), speed=speed)
        with torch.inference_mode():
            conditions = model.pipeline.encode_masked(frame, mask)
        made.append(model.paint("a red ball", conditions, [3], Sampling(20, 3.0), lambda step: None).clamp(-1, 1))
    for near in made[1:]:
        assert (near - made[0]).abs().max() > 0, "the lever does something"
        assert psnr_of_error(float((near - made[0]).square().mean()), 2.0) >= 30


def test_the_bench_goes_all_the_way_on_a_toy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "--random-weights", "--device", "cpu", "--steps", "2", "--speed", "fused", "--out", str(tmp_path)]
    assert main([*words, "--model", "vivid-toy"]) == 0
    rows = json.loads((tmp_path / "bench.json").read_text())
    assert [(row["what"], row["levers"]) for row in rows] == [
        ("keyframe", "diffusers"),
        ("window", "diffusers"),
        ("keyframe", "fused"),
        ("keyframe, 4 variations", "fused"),
        ("window", "fused"),
    ]
    capsys.readouterr()
    toy = [*words, "--model", "vivid-toy"]
    for wrong in (
        words,
        [*words, "--model", "vivid-small"],
        [*toy, "--speed", "quick"],
        [*toy, "--memory", "parts"],
        ["bench", "--out", "x"],
    ):
        assert main(wrong) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
