"""CogVideoX-Fun InP and VOID, which was made of it, at toy size, with random weights: what they
read of a clip, and an edit by command line and page.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import dataclasses
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from builders import disc_clip, finish, FrameList, noise_frames
from command_line import run_here, same_as_pngs
from diffusers import DDIMScheduler
from PIL import Image
from tiny_engines import write_fun, write_void

from app.commands.cli import main
from app.editor.editor import Editor
from app.settings import Settings
from core.engines.cogvideox_fun import FunInpaintModel, with_noise
from core.engines.loading import load_video_engine
from core.engines.void import VoidModel
from core.geometry import FrameRange
from core.masks import MaskSequence
from core.models import ModelStore
from core.progress import JobContext
from core.project import project as document
from core.project.edits import SamplingSettings
from core.propagation.direct import direct_keyframe
from core.propagation.propagate import propagate
from core.propagation.request import EditRequest, Keyframe
from core.vivid.contract import Sampling
from core.vivid.keyframe import KeyframeStudio

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def model(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> FunInpaintModel:
    return loaded(write_fun(tmp_path_factory.mktemp("fun") / "toy-fun"))


def loaded(folder: Path) -> FunInpaintModel:
    found = load_video_engine(str(folder), "cpu", ModelStore())
    assert isinstance(found, FunInpaintModel)
    return found


def clip_and_mask() -> tuple[torch.Tensor, torch.Tensor]:
    clip, mask = torch.rand(1, 3, 9, 32, 48) * 2 - 1, torch.zeros(1, 1, 9, 32, 48)
    mask[:, :, 1:, 8:24, 16:32] = 1
    return clip, mask


@torch.inference_mode()
def test_the_mask_says_what_is_kept_in_the_autoencoder_s_scale(model: FunInpaintModel) -> None:
    clip, mask = clip_and_mask()
    scale = model.pipeline.vae.config.scaling_factor
    assert scale == 0.7
    masked, told = model.encode(clip, mask)
    assert (masked.shape, told.shape) == ((1, 3, 16, 4, 6), (1, 3, 1, 4, 6))
    assert told[0, 0].unique().tolist() == pytest.approx([scale]), "frame 0 is kept and stands alone"
    assert told[0, 1, 0, 1].tolist() == pytest.approx([scale, scale, 0, 0, scale, scale])
    other = torch.where(mask > 0, torch.rand_like(clip), clip)
    assert torch.equal(model.encode(other, mask)[0], masked), "nothing of what is replaced reaches the model"


@torch.inference_mode()
def test_what_is_not_black_is_shown_with_noise_if_the_weights_say_so(model: FunInpaintModel, tmp_path: Path) -> None:
    clip, mask = clip_and_mask()
    black = torch.full_like(clip, -1.0)
    assert torch.equal(with_noise(black, 0.0563), black)
    gray = torch.full((1, 3, 9, 64, 64), 0.25)
    noise = with_noise(gray, 0.0563) - gray
    assert float(noise.std()) == pytest.approx(0.0563, rel=0.02)
    assert abs(float(noise.mean())) < 0.001
    shown = torch.where(mask > 0, black, clip)
    assert torch.equal(model.encode(clip, mask)[0], model.encode_pixels(with_noise(shown, 0.0563)))
    plain = loaded(write_fun(tmp_path, noisy=False))
    assert (model.declared.reference_noise, plain.declared.reference_noise) == (0.0563, 0.0)
    assert torch.equal(plain.encode(clip, mask)[0], plain.encode_pixels(shown))


@torch.inference_mode()
def test_where_nothing_is_kept_all_is_0(model: FunInpaintModel) -> None:
    clip, mask = clip_and_mask()
    masked, told = model.encode(clip, torch.ones_like(mask))
    assert not masked.any()
    assert not told.any()
    assert model.encode(clip[:, :, :1], mask[:, :, 1:2])[1].any()


def test_noise_mask_and_masked_video_reach_the_denoiser_in_this_order(model: FunInpaintModel) -> None:
    seen: list[torch.Tensor] = []
    hook = model.pipeline.transformer.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(kwargs["hidden_states"].clone()), with_kwargs=True
    )
    clip, mask = clip_and_mask()
    with torch.inference_mode():
        masked, told = model.encode(clip, mask)
    video = model.paint("a glass teapot", (masked, told), [3], Sampling(1, 1.0), lambda step: None)
    hook.remove()
    assert video.shape == clip.shape
    assert seen[0].shape[2] == 33
    assert torch.equal(seen[0][:, :, 16:17], told)
    assert torch.equal(seen[0][:, :, 17:], masked)


def test_a_keyframe_and_its_propagation(model: FunInpaintModel) -> None:
    masks = np.zeros((9, 40, 60), bool)
    masks[:, 10:30, 20:40] = True
    region, reader, settings = MaskSequence((60, 40), 0, masks), FrameList(noise_frames(9, 40, 60)), SamplingSettings(steps=2)
    prepared = KeyframeStudio(model).prepare(reader.frame(0), masks[0])
    (picture,) = prepared.tries("modify", "a glass teapot", (1,), settings, JobContext())
    assert (picture != reader.frame(0)).any(-1)[masks[0]].any()
    assert (picture == reader.frame(0))[~masks[0]].all()
    keyframe = Keyframe(0, picture, "modify", "a glass teapot", 1)
    (window,) = propagate(model, reader, EditRequest(FrameRange(0, 9), region, (keyframe,), settings), JobContext())
    last = window.onto(8, reader.frame(8), masks[8])
    assert (last == reader.frame(8))[~masks[8]].all()
    assert (last != reader.frame(8)).any()
    direct = EditRequest(FrameRange(0, 9), region, (direct_keyframe(reader, 0, "modify", "a glass teapot", 1),), settings)
    (whole,) = propagate(model, reader, direct, JobContext())
    assert whole.frames == tuple(range(9))
    first = whole.onto(0, reader.frame(0), masks[0])
    assert (first != reader.frame(0)).any(-1)[masks[0]].any()
    assert (first == reader.frame(0))[~masks[0]].all()


@pytest.fixture(scope="module")
def remover(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> VoidModel:
    workspace = tmp_path_factory.mktemp("void")
    write_void(workspace / "models")
    found = load_video_engine("void", "cpu", ModelStore(workspace / "models"))
    assert isinstance(found, VoidModel)
    return found


@torch.inference_mode()
def test_void_sees_the_clip_as_it_is_and_its_region_as_a_picture(remover: VoidModel) -> None:
    clip, mask = clip_and_mask()
    video, told = remover.encode(clip, mask)
    assert video.shape == told.shape == (1, 4, 16, 4, 6), "one latent more, so that they go in pairs"
    assert torch.equal(video, remover.encode_pixels(with_noise(clip, 0.0563)))
    picture = torch.where(mask > 0, 0.0, 1.0)[:, :, [*range(9), 8, 8, 8, 8]].expand(-1, 3, -1, -1, -1)
    plain = remover.pipeline.vae.encode(picture).latent_dist.mode()
    assert torch.allclose(told, plain.transpose(1, 2) * 0.7, atol=1e-6), "0 goes, 1 stays, in the autoencoder's scale"
    seen: list[torch.Tensor] = []
    hook = remover.pipeline.transformer.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(kwargs["hidden_states"].clone()), with_kwargs=True
    )
    painted = remover.paint("A table.", (video, told), [3], Sampling(1, 1.0), lambda step: None)
    hook.remove()
    assert painted.shape == clip.shape
    assert torch.equal(seen[0][:, :, 16:], torch.cat([told, video], dim=2)), "noise, region, video"
    (still,) = remover.paint("", remover.encode(clip[:, :, :1], mask[:, :, 1:2]), [3], Sampling(1, 1.0), lambda step: None)
    assert still.shape == (3, 1, 32, 48)
    assert (remover.caption_for("delete", " A table. "), remover.caption_for("delete", "")) == ("A table.", "A clean background.")
    # Its makers step with plain DDIM.
    config = remover.pipeline.scheduler.config
    names = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "prediction_type", "rescale_betas_zero_snr")
    theirs = DDIMScheduler(**{name: config[name] for name in names}, timestep_spacing=config.timestep_spacing, clip_sample=False)
    ours = remover.pipeline.scheduler
    for scheduler in (ours, theirs):
        scheduler.set_timesteps(4)
    assert ours.timesteps.tolist() == theirs.timesteps.tolist()
    noise, answer = torch.randn(2, 1, 2, 16, 4, 6)
    for step in ours.timesteps:
        one, two = (scheduler.step(answer, step, noise, return_dict=False)[0] for scheduler in (ours, theirs))
        assert torch.allclose(one, two, atol=1e-5)


def test_void_removes_by_command_line_and_page_and_does_nothing_else(
    remover: VoidModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = tmp_path / "workspace"
    denoiser = write_void(workspace / "models")
    clip, masks = disc_clip(tmp_path / "disc.mp4", frames=9, rate=Fraction(12)), tmp_path / "masks"
    masks.mkdir()
    ys, xs = np.mgrid[:120, :160]
    discs = [(xs - 55 - 2 * index) ** 2 + (ys - 61) ** 2 < 24**2 for index in range(9)]
    for index, disc in enumerate(discs):
        Image.fromarray(disc.astype(np.uint8) * 255).save(masks / f"{index:05d}.png")
    told: list[str] = []
    paint = VoidModel.paint
    monkeypatch.setattr(VoidModel, "paint", lambda self, caption, *rest: told.append(caption) or paint(self, caption, *rest))
    given = ("--masks", masks, "--workspace", workspace)
    words = ("--task", "delete", "--caption", "A calm wall.", "--model", "void")
    run_here("edit", clip, "--out", tmp_path / "out", *given, *words, "--png")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["task"], report["model"], report["max_difference_outside"], report["windows"]) == ("delete", "void", 0, 1)
    assert told == ["A calm wall."] * 2
    run_here("replay", tmp_path / "out" / "recipe.json", "--out", tmp_path / "again", "--workspace", workspace, "--codec", "ffv1")
    assert same_as_pngs(tmp_path / "again" / "output.mkv", tmp_path / "out" / "frames")
    capsys.readouterr()
    words = ("--task", "add", "--caption", "a hat", "--model", denoiser)
    assert main([str(word) for word in ("edit", clip, "--out", tmp_path / "no", *given, *words)]) == 2
    assert "VOID only removes things: choose the task delete, or another model to add something" in capsys.readouterr().err

    editor = Editor(Settings(workspace=workspace, model="void", device="cpu"))
    project_id = editor.projects.create(clip).project_id
    editor.objects.add(project_id)
    stored = editor.pictures.masks.store(project_id, MaskSequence((160, 120), 0, discs))
    track = dataclasses.replace(editor.projects.get(project_id).track(1), masks=stored, tracked=(0, 9))
    editor.workspace.change(project_id, "Masks", lambda p: document.with_track(p, track))
    (tried,) = finish(editor, editor.keyframes.start_tries(project_id, 0, "delete", "", (1,)))["edits"]
    editor.keyframes.accept(project_id, tried)
    made = finish(editor, editor.propagation.start(project_id))["propagation"]
    assert editor.results.report(project_id, made)["max_difference_outside"] == 0
    assert told[-1] == "A clean background."
    editor.close()
