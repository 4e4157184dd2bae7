"""Keyframe mode on a real, tiny, untrained model: what is cached, what repeats, what stays
untouched.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import numpy as np
import pytest
import torch
from diffusers import CogVideoXDPMScheduler

from core.errors import Cancelled, InputError
from core.progress import JobContext, ProgressEvent
from core.project.edits import SamplingSettings
from core.render.composite import difference_outside
from core.vivid.conditioning import DELETE_CAPTION
from core.vivid.keyframe import KeyframeStudio
from core.vivid.model import VividModel
from tests.builders import noise_frames, tiny_vivid

pytestmark = pytest.mark.usefixtures("one_thread")

SETTINGS = SamplingSettings(steps=3, guidance=2.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> VividModel:
    return tiny_vivid(tmp_path_factory.mktemp("package"))


def _frame_and_region() -> tuple[np.ndarray, np.ndarray]:
    frame = noise_frames(1, 61, 93)[0]
    region = np.zeros((61, 93), bool)
    region[20:47, 60:93] = True
    return frame, region


def _tries(studio: KeyframeStudio, seeds: list[int], task: str = "add", caption: str = "a red ball") -> list[np.ndarray]:
    return list(studio.prepare(*_frame_and_region()).tries(task, caption, seeds, SETTINGS, JobContext()))


def test_a_seed_gives_its_pixels_whatever_it_is_drawn_with(model: VividModel) -> None:
    alone = _tries(KeyframeStudio(model), [7])[0]
    among = _tries(KeyframeStudio(model), [3, 7, 11])
    assert (among[1] == alone).all()
    assert not (among[0] == alone).all()
    together = _tries(KeyframeStudio(model, batch=3), [3, 7, 11])
    for one, other in zip(among, together, strict=True):  # in one batch sums may be formed in another order
        assert np.abs(one.astype(int) - other).max() <= 1


def test_a_scheduler_that_draws_noise_at_every_step_repeats_too(model: VividModel) -> None:
    own = model.pipeline.scheduler
    model.pipeline.scheduler = CogVideoXDPMScheduler.from_config(own.config)
    try:
        alone, among = _tries(KeyframeStudio(model), [7]), _tries(KeyframeStudio(model), [3, 7])
        together = _tries(KeyframeStudio(model, batch=2), [3, 7])
    finally:
        model.pipeline.scheduler = own
    assert (among[1] == alone[0]).all()
    assert np.abs(together[1].astype(int) - alone[0]).max() <= 1


def test_a_try_is_the_whole_frame_and_changes_the_region_only(model: VividModel) -> None:
    frame, region = _frame_and_region()
    for result in _tries(KeyframeStudio(model), [1, 2], "modify"):
        assert result.shape == frame.shape
        assert result.dtype == np.uint8
        assert difference_outside(frame, result, region) == 0
        assert (result[region] != frame[region]).mean() > 0.5


def test_another_caption_costs_only_the_denoising(model: VividModel) -> None:
    encoded: list[int] = []
    spoken: list[int] = []
    hooks = [
        model.pipeline.vae.encoder.register_forward_hook(lambda *_: encoded.append(1)),
        model.pipeline.text_encoder.register_forward_hook(lambda *_: spoken.append(1)),
    ]
    studio = KeyframeStudio(model)
    model.embed("")
    spoken.clear()
    first = _tries(studio, [1], caption="a green cone")
    assert (len(encoded), len(spoken)) == (1, 1)
    other = _tries(studio, [1], caption="a blue mushroom")
    again = _tries(studio, [1], caption="a green cone")
    assert (len(encoded), len(spoken)) == (1, 2)
    assert (again[0] == first[0]).all()
    assert (other[0] != first[0]).any()
    changed = _frame_and_region()
    changed[0][30, 50] ^= 255
    studio.prepare(*changed)
    assert len(encoded) == 2
    for hook in hooks:
        hook.remove()


def test_delete_always_reads_its_own_caption(model: VividModel) -> None:
    studio = KeyframeStudio(model)
    assert (_tries(studio, [1], "delete", "")[0] == _tries(studio, [1], "delete", "a red ball")[0]).all()
    assert (_tries(studio, [1], "delete", "")[0] == _tries(studio, [1], "modify", DELETE_CAPTION)[0]).all()


def test_every_step_is_reported_and_cancel_leaves_within_one(model: VividModel) -> None:
    events: list[ProgressEvent] = []
    prepared = KeyframeStudio(model).prepare(*_frame_and_region())
    list(prepared.tries("add", "a ball", [1, 2], SETTINGS, JobContext(events.append)))
    assert [(event.done, event.total) for event in events] == [(done, 6) for done in range(7)]

    steps: list[int] = []
    hook = model.pipeline.transformer.register_forward_hook(lambda *_: steps.append(1))
    context = JobContext()
    context.on_progress = lambda event: context.token.cancel() if event.done == 4 else None
    tries = prepared.tries("add", "a ball", [1, 2], SETTINGS, context)
    next(tries)  # what was finished before stays
    with pytest.raises(Cancelled):
        next(tries)
    hook.remove()
    assert len(steps) == 4


def test_the_model_s_own_settings_are_used_where_none_are_given(model: VividModel) -> None:
    events: list[ProgressEvent] = []
    prepared = KeyframeStudio(model).prepare(*_frame_and_region())
    list(prepared.tries("delete", "", [1], SamplingSettings(), JobContext(events.append)))
    assert events[-1].total == model.tasks["delete"].steps


def test_bad_input_is_named(model: VividModel) -> None:
    studio = KeyframeStudio(model)
    frame, region = _frame_and_region()
    with pytest.raises(InputError, match="empty on this frame"):
        studio.prepare(frame, np.zeros_like(region))
    with pytest.raises(InputError, match="92x61, the frame 93x61"):
        studio.prepare(frame, region[:, 1:])
    with pytest.raises(InputError, match="needs a caption"):
        next(studio.prepare(frame, region).tries("add", " ", [1], SETTINGS, JobContext()))


def test_a_seed_s_noise_does_not_depend_on_what_was_drawn_before(model: VividModel) -> None:
    torch.manual_seed(1)
    first, _ = model.noise(5, 3)
    torch.rand(100)
    assert torch.equal(model.noise(5, 3)[0], first)
    assert first.shape == (1, 3, 4, 4, 4)
