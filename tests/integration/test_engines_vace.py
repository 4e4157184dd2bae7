"""VACE at toy size, with random weights: its packing and steps against diffusers', and the whole
way of an edit through command line and page.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import dataclasses
import json
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from builders import disc_clip, finish, FrameList, held_at, noise_frames
from command_line import run_here, same_as_pngs
from diffusers import WanVACEPipeline
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_engines import TOY, write_vace

from app.editor.editor import Editor
from app.engine import Engine
from app.settings import Settings
from core.engines.loading import load_video_engine
from core.engines.wan_vace import VaceEngine
from core.errors import InputError, ModelMissingError
from core.geometry import FrameRange
from core.masks import MaskSequence
from core.media import open_clip
from core.models import MODELS, ModelStore
from core.models.model import Draft
from core.models.presets import draft_files
from core.progress import JobContext
from core.project import project as document
from core.project.edits import PRESETS, SamplingSettings
from core.propagation.direct import direct_keyframe
from core.propagation.request import EditRequest, Keyframe
from core.propagation.schedule import plan_segments, run_segments
from core.vivid.contract import Sampling, VideoEngine
from core.vivid.memory import MemoryPlan
from core.vivid.offload import carry_out, needs_of

pytestmark = pytest.mark.usefixtures("one_thread")

FRAMES = 12
SIZE = (32, 48)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draft = {"steps": 1, "guidance": 1.0, "shift": 2, "lora": "lora.safetensors", "lora_scale": 0.5}
    found = write_vace(tmp_path_factory.mktemp("vace") / "toy-vace", draft=draft)
    down, up = torch.randn(4, 32), torch.randn(32, 4)
    layers = {"transformer.blocks.0.attn1.to_q.lora_A.weight": down, "transformer.blocks.0.attn1.to_q.lora_B.weight": up}
    save_file(layers, found / "lora.safetensors")
    return found


@pytest.fixture(scope="module")
def model(one_thread: None, folder: Path) -> VaceEngine:
    return loaded(folder)


def loaded(folder: Path, speed: str = "auto") -> VaceEngine:
    found = load_video_engine(str(folder), "cpu", ModelStore(), speed=speed)
    assert isinstance(found, VaceEngine)
    return found


def waves(frames: int = 9) -> tuple[torch.Tensor, torch.Tensor]:
    """A clip of smooth waves and a box that stands still."""
    y, x, t = (torch.linspace(0, 6, size) for size in (*SIZE, frames))
    clip = torch.sin(y[None, :, None] + x[None, None, :] + t[:, None, None]).expand(1, 3, frames, *SIZE)
    mask = torch.zeros(1, 1, frames, *SIZE)
    mask[..., 8:24, 12:33] = 1
    return clip, mask


@torch.inference_mode()
def test_control_is_what_is_kept_gray_and_the_mask(model: VaceEngine) -> None:
    clip, mask = waves()
    (control,) = model.encode(clip, mask)
    assert control.shape == (1, 96, 3, 4, 6)
    other = torch.where(mask > 0, torch.rand_like(clip), clip)
    assert torch.equal(model.encode(other, mask)[0], control), "nothing of what is replaced reaches the model"
    raw = model.pipeline.vae.encode(clip * (1 - mask)).latent_dist.mode()  # gray is 0
    assert torch.allclose(control[:, 0], (raw[:, 0] + 0.7571) / 2.8184, atol=1e-5)
    assert torch.allclose(control[:, 15], (raw[:, 15] + 0.2921) / 1.9160, atol=1e-5)
    assert torch.equal(control[:, 16:32], model.encode_pixels(torch.zeros_like(clip)))
    # Of the left-most latent column that the box touches it has the right half.
    assert control[0, 32:, :, 1, 1].view(8, 8, 3)[0].tolist() == [[0.0] * 3] * 4 + [[1.0] * 3] * 4
    theirs = WanVACEPipeline(**model.pipeline.components)
    gray = clip * (1 - mask)
    assert torch.allclose(control[:, :32], theirs.prepare_video_latents(gray, mask, [[]]), atol=1e-6)
    assert torch.equal(control[:, 32:], theirs.prepare_masks(mask, [[]]))


@torch.inference_mode()
def test_a_kept_first_frame_holds_where_diffusers_loses_it(model: VaceEngine) -> None:
    clip, mask = waves()
    mask[:, :, 0] = 0
    told = model.encode(clip, mask)[0][:, 32:]
    assert [bool(one) for one in told.amax((0, 1, 3, 4))] == [False, True, True]
    theirs = WanVACEPipeline(**model.pipeline.components).prepare_masks(mask, [[]])
    assert theirs[:, :, 0].max() == 1, "if this changes, diffusers reads frame 0 too"


@torch.inference_mode()
def test_the_steps_are_those_of_diffusers(model: VaceEngine) -> None:
    clip, mask = waves()
    conditions = model.encode(clip, mask)
    ours = model.paint("a red ball", conditions, [3], Sampling(4, 3.0), lambda step: None)
    text, negative = model.embed("a red ball"), model.embed(model.declared.negative_caption)
    theirs = WanVACEPipeline(**model.pipeline.components)
    theirs.set_progress_bar_config(disable=True)
    made = theirs(
        video=((clip * (1 - mask)).transpose(1, 2) + 1) / 2,
        mask=mask.transpose(1, 2),
        prompt_embeds=text,
        negative_prompt_embeds=negative,
        latents=model._noise(3, conditions[0]),
        num_inference_steps=4,
        guidance_scale=3.0,
        height=SIZE[0],
        width=SIZE[1],
        num_frames=9,
        output_type="pt",
    ).frames
    assert torch.allclose((ours.transpose(1, 2) + 1) / 2, made, atol=1e-4)
    both = model.paint("a red ball", conditions, [8, 3], Sampling(4, 3.0), lambda step: None)
    assert torch.allclose(both[1], ours[0], atol=1e-5)
    late = model.paint("a red ball", conditions, [3], Sampling(4, 1.0, 0.25), lambda step: None, model.encode_pixels(clip))
    start = model.decode(model.encode_pixels(clip))
    assert (late - start).abs().mean() < (ours - start).abs().mean()


@torch.inference_mode()
def test_levers_and_moving_weights_paint_the_same(model: VaceEngine, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    clip, mask = waves(1)
    conditions = model.encode(clip, mask)

    def painted(one: VaceEngine) -> torch.Tensor:
        return one.paint("a red ball", conditions, [3], Sampling(2, 3.0), lambda step: None)

    for mode in ("parts", "layers"):
        moving = loaded(folder, "fused,nearby=1" if mode == "parts" else "plain")
        needs = needs_of(moving.pipeline, moving.working_size, moving.window_frames, True)
        carry_out(moving.pipeline, torch.device("cpu"), MemoryPlan(mode, True, needs.peak(mode, True), 0), needs, moving.working_size)
        assert torch.allclose(painted(moving), painted(model), atol=1e-5)
    whole, tiled = (one.encode_pixels(waves()[0]) for one in (model, moving))
    assert moving.pipeline.vae.use_tiling
    assert not model.pipeline.vae.use_tiling
    assert (whole - tiled).abs().mean() < 0.15 * whole.std()
    assert str(moving.levers) == "plain"
    assert str(loaded(folder, "fused,gpus=2,nearby=1").levers) == "fused", "what it can't do is left out"
    rounded = painted(loaded(folder, "fused,fp8"))
    assert 0 < (rounded - painted(model)).abs().mean() < 0.05 * painted(model).std()


@torch.inference_mode()
def test_two_denoisers_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = loaded(write_vace(tmp_path, two=True))
    turns: list[str] = []
    for name in ("transformer", "transformer_2"):
        getattr(model.pipeline, name).register_forward_pre_hook(lambda *_, name=name: turns.append(name))
    model.paint("a red ball", model.encode(*waves(1)), [3], Sampling(6, 1.0), lambda step: None)
    # With a shift of 12 the six steps begin at about 1000, 983, 959, 922, 856 and 702 of 1000.
    assert turns == ["transformer"] * 4 + ["transformer_2"] * 2
    assert model.declared.accelerators == {"compiled", "fused", "attention", "fp8"}


def test_keyframes_anywhere_in_a_window_are_shown_to_the_model(model: VaceEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    masks = np.zeros((9, 40, 60), bool)
    masks[:, 10:30, 20:40] = True
    region, reader = MaskSequence((60, 40), 0, masks), FrameList(noise_frames(9, 40, 60))

    def keyframe(frame: int, colour: tuple[int, int, int]) -> Keyframe:
        picture = reader.frame(frame).copy()
        picture[masks[frame]] = colour
        return Keyframe(frame, picture, "modify", "a red ball", 1)

    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    encode = VaceEngine.encode

    def watched(self: VaceEngine, video: torch.Tensor, mask: torch.Tensor, filling: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
        seen.append((video, mask))
        return encode(self, video, mask, filling)

    monkeypatch.setattr(VaceEngine, "encode", watched)
    settings = SamplingSettings(steps=1, guidance=1.0)
    red, blue, green = keyframe(0, (255, 0, 0)), keyframe(5, (0, 0, 255)), keyframe(8, (0, 255, 0))
    request = EditRequest(FrameRange(0, 9), region, (red, blue, green), settings)
    segments = plan_segments(model, request, {})
    assert [segment.keyframe.frame for segment in segments] == [0, 5, 5, 8]
    first = next(run_segments(model, reader, request, segments, JobContext(), lambda key: None))
    video, mask = seen[0]
    assert [bool(one) for one in mask.amax((0, 1, 3, 4))] == [False, True, True, True, True, False, True, True, False]
    for frame, channel in ((0, 0), (5, 2), (8, 1)):
        middle = video[0, :, frame, 16, 24]
        assert middle.argmax() == channel
        assert middle.max() > 0.9
    assert first[1].frames == tuple(range(1, 9))
    alone = direct_keyframe(reader, 0, "modify", "a red ball", 1)
    direct = dataclasses.replace(request, keyframes=(alone,), times=[Fraction(index, 30) for index in range(9)])
    (segment,) = plan_segments(model, direct, {})
    ((_, window),) = run_segments(model, reader, direct, [segment], JobContext(), lambda key: None)
    assert (segment.windows[0].seen, window.frames) == ((0, 2, 4, 6, 7, 8), tuple(range(9))), "the others are drawn between"
    assert seen[-1][1].amax((0, 1, 3, 4)).all(), "no frame is given"
    other = dataclasses.replace(request, keyframes=(red, blue, keyframe(8, (9, 9, 9))))
    changed = [one.keys != two.keys for one, two in zip(segments, plan_segments(model, other, {}), strict=True)]
    assert changed == [True, False, True, True], "the windows from frame 5 back to 1 don't have frame 8 in them"


def test_a_folder_is_recognised_by_what_lies_in_it(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "SomePipeline"}')
    with pytest.raises(ModelMissingError, match=r"no video model that is known: .* VACE"):
        load_video_engine(str(tmp_path), "cpu", ModelStore())
    broken = write_vace(tmp_path / "broken", window_frames="many")
    with pytest.raises(ModelMissingError, match=r"vivid\.json' can't be used"):
        load_video_engine(str(broken), "cpu", ModelStore())
    (broken / "vivid.json").unlink()
    bare = loaded(broken)
    assert (bare.working_size, bare.window_frames, bare.tasks["propagate"]) == ((480, 832), 81, Sampling(30, 5.0))
    weights = next((broken / "transformer").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ModelMissingError, match=r"can't be loaded \(.*: its header"):
        load_video_engine(str(broken), "cpu", ModelStore())
    for file in broken.rglob("*.safetensors"):
        file.rename(file.with_suffix(".bin"))
    with pytest.raises(ModelMissingError, match="its weights are a pickle"):
        load_video_engine(str(broken), "cpu", ModelStore())


def disc_masks() -> list[np.ndarray]:
    """The disc of `disc_clip` on each frame."""
    ys, xs = np.mgrid[:120, :160]
    return [(xs - 55 - 2 * index) ** 2 + (ys - 61) ** 2 < 22**2 for index in range(FRAMES)]


@torch.inference_mode()
def test_a_folder_may_name_distilled_weights_and_their_shift(folder: Path, model: VaceEngine, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "fast")
    query = model.pipeline.transformer.blocks[0].attn1.to_q.weight
    down, up = load_file(folder / "lora.safetensors").values()
    fused = query + 0.5 * up @ down

    def query_of(one: VideoEngine) -> torch.Tensor:
        assert not any("lora" in name for name, _ in one.pipeline.transformer.named_parameters()), "it costs nothing afterwards"
        found: torch.Tensor = one.pipeline.transformer.blocks[0].attn1.to_q.weight
        return found

    def say(**facts: object) -> None:
        (tmp_path / "fast" / "vivid.json").write_text(json.dumps(TOY | facts))

    say(lora="lora.safetensors", lora_scale=0.5, shift=2, tasks={"propagate": {"steps": 4, "guidance": 1.0}})
    fast = loaded(tmp_path / "fast")
    assert torch.allclose(query_of(fast), fused, atol=1e-5)
    assert (fast.pipeline.scheduler.config.flow_shift, fast.tasks["propagate"]) == (2.0, Sampling(4, 1.0))
    for wrong, message in (
        ({"lora": "gone.safetensors"}, "gone"),
        ({"lora": "../lora.safetensors"}, "put the file into the model's folder"),
        ({"lora": {"transformer_2": "lora.safetensors"}}, "transformer_2"),
        ({"shift": 0}, "shift"),
    ):
        say(**wrong)
        with pytest.raises(ModelMissingError, match=rf"vivid\.json' can't be used \(.*{message}.*correct it or take it away"):
            loaded(tmp_path / "fast")

    engine = Engine(Settings(workspace=tmp_path, model=str(folder), device="cpu"))
    name = engine.named(SamplingSettings(preset="draft"))
    draft = engine.video_model(name)
    assert draft.name == f"{folder}:draft"
    assert torch.allclose(query_of(draft), fused, atol=1e-5)
    assert draft.sampling("add", SamplingSettings()) == Sampling(1, 1.0)
    assert draft.pipeline.scheduler.config.flow_shift == 2.0
    assert engine.of_size(str(folder)).sampling("add", SamplingSettings()) == Sampling(2, 2.0), "estimates read nothing anew"
    assert torch.equal(query_of(engine.video_model(engine.named(SamplingSettings(preset="final")))), query)
    assert not engine.has(name), "the weights of one of them at a time"
    assert len({engine.weights(), engine.weights(name)}) == 2
    (folder / "lora.safetensors").rename(tmp_path / "lora.safetensors")
    with pytest.raises(ModelMissingError, match="can't be used"):
        engine.video_model(name)
    (tmp_path / "lora.safetensors").rename(folder / "lora.safetensors")
    with pytest.raises(InputError, match="'vivid-small' has no Draft of its own"):
        engine.named(SamplingSettings(preset="draft"), "vivid-small")
    with pytest.raises(ModelMissingError, match=r"'wan-vace-1\.3b-draft' is not on this machine"):
        draft_files(MODELS["wan-vace-1.3b"].draft or Draft(1, 1.0), tmp_path, engine.store)


def test_an_edit_on_the_command_line_and_again_from_its_recipe(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Of variable rate, 23.6 frames a second on average: the engine is shown 16.
    stamps = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 14)
    clip, masks = disc_clip(tmp_path / "disc.mp4", frames=FRAMES, rate=Fraction(30), pts=stamps), tmp_path / "masks"
    masks.mkdir()
    for index, mask in enumerate(disc_masks()):
        Image.fromarray(mask.astype(np.uint8) * 255).save(masks / f"{index:05d}.png")
    words = ("--task", "modify", "--caption", "a glass teapot", "--carry", "picture")
    run_here("edit", clip, "--out", tmp_path / "out", "--masks", masks, *words, "--model", folder, "--preset", "draft", "--png")
    told = capsys.readouterr().err
    assert "the region is the mask's box and 8 pixels around it, with which VACE does best; --adjust none keeps" in told
    assert "the model is shown 16 frames a second and the clip has 23.57: the frames between are drawn from its answers" in told
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["model"], report["working_size"], report["max_difference_outside"]) == (f"{folder}:draft", list(SIZE), 0)
    assert (report["windows"], report["settings"]["propagate"]) == (1, {"steps": 1, "guidance": 1.0, "strength": 1.0})
    assert (report["shown_rate"], report["frames"]) == (16, FRAMES)
    with open_clip(tmp_path / "out" / "output.mp4") as reader:
        assert [time * 30 for time in reader.timestamps] == [*stamps]
    run_here("replay", tmp_path / "out" / "recipe.json", "--out", tmp_path / "again", "--codec", "ffv1")
    assert same_as_pngs(tmp_path / "again" / "output.mkv", tmp_path / "out" / "frames")


def test_a_report_says_what_the_model_did_here(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report.json"
    (folder / "lora.safetensors").rename(tmp_path / "lora.safetensors")
    run_here("bench", "--model", folder, "--report", path, "--device", "cpu", "--workspace", tmp_path)
    (tmp_path / "lora.safetensors").rename(folder / "lora.safetensors")
    report = json.loads(path.read_text())
    assert (report["model"]["name"], report["versions"]["torch"]) == (folder.name, torch.__version__)
    final, draft = report["runs"]
    assert (final["preset"], final["levers"], final["steps"], final["untouched_outside"], final["frames"]) == ("final", "plain", 2, True, 9)
    assert final["keyframe_changed"] > 0
    assert draft["preset"] == "draft"
    assert "lora.safetensors" in draft["error"], "what goes wrong is part of the report"
    assert str(tmp_path) not in path.read_text(), "places of one's own are not"


def test_an_edit_on_the_page(folder: Path, tmp_path: Path) -> None:
    clip = disc_clip(tmp_path / "disc.mp4", frames=FRAMES)
    editor = Editor(Settings(workspace=tmp_path / "workspace", model=str(folder), device="cpu"))
    facts = editor.models.facts()
    assert (facts.title, facts.vocabulary) == (folder.name, None)
    project_id = editor.projects.create(clip).project_id
    editor.objects.add(project_id)
    stored = editor.pictures.masks.store(project_id, MaskSequence((160, 120), 0, disc_masks()))
    track = dataclasses.replace(editor.projects.get(project_id).track(1), masks=stored, tracked=(0, FRAMES))
    editor.workspace.change(project_id, "Masks", lambda p: document.with_track(p, track))
    asked = {preset: SamplingSettings(preset=preset) for preset in PRESETS}
    tries = [
        *finish(editor, editor.keyframes.start_tries(project_id, 0, "modify", "a glass teapot", (1,), asked["draft"]))["edits"],
        *finish(editor, editor.keyframes.start_tries(project_id, 0, "modify", "a glass teapot", (2,), asked["final"]))["edits"],
        *finish(editor, editor.keyframes.start_tries(project_id, 8, "modify", "a glass teapot", (3,), asked["final"]))["edits"],
    ]
    made = [editor.projects.get(project_id).edit(edit_id) for edit_id in tries[:2]]
    assert [(edit.model, edit.settings.preset) for edit in made] == [(f"{folder}:draft", "draft"), (str(folder), None)]
    facts = editor.estimates.painters()[0]
    assert [(one.name, one.steps, one.seconds is not None, one.lacks) for one in facts.presets] == [
        ("final", 2, True, None),
        ("draft", 1, False, None),
    ]
    editor.keyframes.accept(project_id, tries[1])
    with held_at("propagate", 3) as reached:
        job = editor.propagation.start(project_id, settings=SamplingSettings(rate="source"), carry="picture")
        assert reached.wait(240)
        editor.jobs.pause(job)
    editor.runner.wait(job, 60)
    paused = editor.projects.get(project_id).propagations[-1].propagation_id
    editor.close()

    again = Editor(editor.settings)
    assert [there for _, _, there in again.propagation.windows(project_id, paused)] == [True, False]
    finish(again, again.propagation.resume(project_id, paused))
    report = again.results.report(project_id, paused)
    assert (report["windows"], report["windows_made"], report["max_difference_outside"]) == (2, 1, 0)
    assert report["shown_rate"] is None
    forecasts = [again.estimates.propagation(project_id, SamplingSettings(rate=rate)) for rate in ("source", None)]
    assert [(one.windows, one.shown_rate, one.trained_rate) for one in forecasts if one is not None] == [(2, None, 16), (1, 16, 16)]
    estimates = [again.estimates.propagation(project_id, asked[preset]) for preset in ("final", "draft")]
    assert [one.measured for one in estimates if one is not None] == [True, False]
    again.keyframes.add(project_id, tries[2])
    finish(again, again.propagation.start(project_id, settings=asked["draft"], draft=True, carry="picture"))
    draft = again.projects.get(project_id).propagations[-1]
    assert (draft.model, draft.settings.preset) == (f"{folder}:draft", "draft")
    assert [keyframe.frame for keyframe in draft.keyframes] == [0, 8]
    report = again.results.report(project_id, draft.propagation_id)
    assert (report["working_size"], report["windows"], report["shown_rate"]) == ([16, 16], 3, 16), "to each other, and on"
    again.close()
