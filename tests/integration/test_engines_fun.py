"""CogVideoX-Fun InP at toy size, with random weights: what it reads of a clip, and an edit."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from pathlib import Path

import numpy as np
import pytest
import torch
from builders import FrameList, noise_frames
from tiny_engines import write_fun

from core.engines.cogvideox_fun import FunInpaintModel, with_noise
from core.engines.loading import load_video_engine
from core.geometry import FrameRange
from core.masks import MaskSequence
from core.models import ModelStore
from core.progress import JobContext
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
