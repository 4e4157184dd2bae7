"""Propagation on a real, tiny, untrained model: every frame count, both directions, nothing outside
the region.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.errors import Cancelled, InputError
from core.geometry import FrameRange
from core.masks import bounding_box, MaskSequence
from core.progress import JobContext, ProgressEvent
from core.project.edits import SamplingSettings
from core.propagation.direct import direct_keyframe, direct_start
from core.propagation.mask_motion import warp_clips
from core.propagation.propagate import propagate
from core.propagation.request import EditRequest, Keyframe
from core.propagation.result import composite_frames, EditedWindow, fit_keyframe
from core.propagation.schedule import composite_segments, plan_segments
from core.propagation.window_input import WindowInput
from core.render.composite import difference_outside
from core.render.crop_path import crop_path
from core.render.region import CropRegion
from core.vivid.conditioning import latent_mask, masked_video
from core.vivid.model import VividModel
from core.vivid.pixels import mask_to_model, to_model
from tests.builders import FrameList, noise_frames, tiny_vivid

pytestmark = pytest.mark.usefixtures("one_thread")

HEIGHT, WIDTH = 57, 75
SETTINGS = SamplingSettings(steps=2, guidance=1.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> VividModel:
    return tiny_vivid(tmp_path_factory.mktemp("package"))


def _clip(count: int, empty: set[int] = frozenset()) -> tuple[FrameList, MaskSequence]:
    """Noise, and a box that walks to the right (out of the frame, when the clip is long)."""
    masks = np.zeros((count, HEIGHT, WIDTH), bool)
    for index in set(range(count)) - empty:
        masks[index, 20:40, 10 + index : 30 + index] = True
    return FrameList(noise_frames(count, HEIGHT, WIDTH)), MaskSequence((WIDTH, HEIGHT), 0, masks)


def _keyframe(reader: FrameList, region: MaskSequence, index: int) -> np.ndarray:
    keyframe = reader.frame(index).copy()
    keyframe[region[index]] = (255, 0, 0)
    return keyframe


def _same(one: EditedWindow, two: EditedWindow) -> bool:
    pairs = zip(one.patches, two.patches, strict=True)
    return one.frames == two.frames and one.corners == two.corners and all((a == b).all() for a, b in pairs)


def _crops(region: MaskSequence, frames: range) -> list[CropRegion]:
    """What the model sees of a window."""
    return crop_path([bounding_box(region[frame]) for frame in frames], (WIDTH, HEIGHT), (32, 32))


def _propagate(
    model: VividModel,
    reader: FrameList,
    region: MaskSequence,
    index: int,
    span: tuple[int, int] | None = None,
    keyframe: np.ndarray | None = None,
    context: JobContext | None = None,
    **changes: object,
) -> list[EditedWindow]:
    arguments: dict[str, Any] = {"task": "add", "caption": "a red ball", "seed": 1, "settings": SETTINGS, "stored": None} | changes
    settings, stored = arguments.pop("settings"), arguments.pop("stored")
    accepted = Keyframe(index, _keyframe(reader, region, index) if keyframe is None else keyframe, **arguments)
    request = EditRequest(FrameRange(*(span or (0, len(reader)))), region, (accepted,), settings)
    return list(propagate(model, reader, request, context or JobContext(), stored))


@pytest.mark.parametrize(("count", "index"), [(1, 0), (2, 0), (2, 1), (16, 0), (17, 0), (18, 5), (40, 23)])
def test_any_frame_count_gives_every_frame_and_keeps_the_source_outside(model: VividModel, count: int, index: int) -> None:
    reader, region = _clip(count)
    windows = _propagate(model, reader, region, index)
    assert sorted(frame for window in windows for frame in window.frames) == [frame for frame in range(count) if frame != index]
    assert all(len(window.patches) == len(window.frames) for window in windows)
    results = list(composite_frames(reader, region, FrameRange(0, count), windows, index, _keyframe(reader, region, index)))
    assert [frame for frame, _, _ in results] == list(range(count))
    for frame, source, result in results:
        assert (source == reader.frame(frame)).all()
        assert difference_outside(source, result, region[frame]) == 0
        assert frame != index or (result[region[frame]] != source[region[frame]]).mean() > 0.5
    assert (results[index][2] == _keyframe(reader, region, index)).all()


def test_texture_that_stands_still_is_no_grain_on_any_frame(model: VividModel) -> None:
    """A clip of one picture: an even colour stays even, on the first frame of a window too."""
    count = 19
    texture = np.random.default_rng(0).normal(128, 4, (120, 160, 1)).clip(0, 255).astype(np.uint8).repeat(3, 2)
    reader = FrameList(np.stack([texture] * count))
    masks = np.zeros((count, 120, 160), bool)
    masks[:, 40:80, 60:100] = True
    region = MaskSequence((160, 120), 0, masks)
    windows = _propagate(replace(model, keyframe_weight=1.0), reader, region, 0)
    results = composite_frames(reader, region, FrameRange(0, count), windows, 0, _keyframe(reader, region, 0))
    uneven = [result[46:74, 66:94].std((0, 1)).max() for _, _, result in results]
    assert len(windows) == 2
    assert max(uneven) < 0.5, uneven


def test_a_span_is_all_that_is_read_and_made(model: VividModel) -> None:
    reader, region = _clip(12)
    windows = _propagate(model, reader, region, 6, span=(4, 9))
    assert [window.frames for window in windows] == [(7, 8), (5, 4)]
    results = list(composite_frames(reader, region, FrameRange(4, 9), windows, 6, _keyframe(reader, region, 6)))
    assert [frame for frame, _, _ in results] == [4, 5, 6, 7, 8]


@pytest.mark.parametrize(("fill", "task"), [("black", "modify"), ("warped", "modify"), ("warped", "delete")])
def test_kive_is_what_reaches_the_transformer(model: VividModel, monkeypatch: pytest.MonkeyPatch, fill: str, task: str) -> None:
    reader, region = _clip(9)
    monkeypatch.setattr(model, "mask_fill", fill)
    monkeypatch.setattr(model, "object_mattes", False)  # one that paints no background is not asked to
    seen: list[torch.Tensor] = []
    hook = model.pipeline.transformer.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(kwargs["hidden_states"].clone()), with_kwargs=True
    )
    _propagate(model, reader, region, 0, task=task)
    hook.remove()
    crops = _crops(region, range(9))
    masks = np.stack([crop.crop_mask(region[index]) for index, crop in enumerate(crops)])
    masks[0] = False
    frames = [_keyframe(reader, region, 0), *reader.frames(1, 9)]
    pixels = np.stack([crop.crop(frame) for crop, frame in zip(crops, frames, strict=True)])
    mask = mask_to_model(masks)
    with torch.inference_mode():
        video, key_mask = to_model(pixels), mask_to_model(crops[0].crop_mask(region[0])[None])
        warped = warp_clips(video, torch.cat([key_mask, mask[:, :, 1:]], 2), key_mask)  # as the model was trained
        expected = model.pipeline.encode_condition(masked_video(video, mask, warped if (fill, task) == ("warped", "modify") else -1.0))
    first = seen[0]
    assert first.shape == (1, 3, 9, 4, 4)
    assert torch.equal(first[:, :, :4], model.noise(1, 3)[0])
    assert first[:, 0, 4].max() == 0
    assert torch.equal(first[:, :, 4:5], latent_mask(mask))
    torch.testing.assert_close(first[:, :, 5:], expected, atol=2e-3, rtol=0.01)  # the run-time frames are whole numbers


def test_the_conditioning_frame_is_the_last_edited_frame_as_composited(model: VividModel) -> None:
    reader, region = _clip(20)
    encoded: list[torch.Tensor] = []
    encode = model.pipeline.encode_masked

    def watch(video: torch.Tensor, *rest: Any) -> tuple[torch.Tensor, torch.Tensor]:
        encoded.append(video)
        return encode(video, *rest)

    model.pipeline.encode_masked = watch
    try:
        windows = _propagate(model, reader, region, 0)
    finally:
        del model.pipeline.encode_masked
    results = {
        index: result for index, _, result in composite_frames(reader, region, FrameRange(0, 20), windows, 0, _keyframe(reader, region, 0))
    }
    assert [window.frames[0] for window in windows] == [1, 17]
    conditioning = _crops(region, range(16, 20))[0].crop(results[16])
    assert torch.equal(encoded[1][:, :, 0], to_model(conditioning[None])[:, :, 0])
    assert encoded[1].shape[2] == 9  # 16, 17, 18, 19 and the last five times more
    for padded in range(4, 9):
        assert torch.equal(encoded[1][:, :, padded], encoded[1][:, :, 3])


def test_frames_without_a_region_pass_through(model: VividModel) -> None:
    reader, region = _clip(30, empty=set(range(4, 24)))
    windows = _propagate(model, reader, region, 1)
    assert [window.frames for window in windows] == [(2, 3), (24, 25, 26, 27, 28, 29), (0,)]
    for index, source, result in composite_frames(reader, region, FrameRange(0, 30), windows, 1, _keyframe(reader, region, 1)):
        assert (result is source) == (4 <= index < 24)


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others(model: VividModel) -> None:
    reader, region = _clip(6)
    first, again, other = (_propagate(model, reader, region, 2, seed=seed) for seed in (4, 4, 5))
    for one, two, three in zip(first, again, other, strict=True):
        assert _same(one, two)
        assert not _same(one, three)


def test_what_a_keyframe_from_elsewhere_changed_outside_the_region_is_dropped(model: VividModel) -> None:
    reader, region = _clip(5)
    keyframe = _keyframe(reader, region, 0)
    soiled = np.where(region[0][..., None], keyframe, 255 - keyframe)
    for one, two in zip(_propagate(model, reader, region, 0), _propagate(model, reader, region, 0, keyframe=soiled), strict=True):
        assert _same(one, two)
    _, source, result = next(composite_frames(reader, region, FrameRange(0, 5), [], 0, soiled))
    assert difference_outside(source, result, region[0]) == 0
    assert (result == keyframe).all()


def test_every_step_is_reported_and_cancel_leaves_within_one(model: VividModel) -> None:
    reader, region = _clip(20)
    events: list[ProgressEvent] = []
    _propagate(model, reader, region, 10, context=JobContext(events.append))
    assert [(event.done, event.total) for event in events] == [(done, 4) for done in range(5)]

    steps: list[int] = []
    hook = model.pipeline.transformer.register_forward_hook(lambda *_: steps.append(1))
    context = JobContext()
    context.on_progress = lambda event: context.token.cancel() if event.done == 3 else None
    with pytest.raises(Cancelled):
        _propagate(model, reader, region, 10, context=context)
    hook.remove()
    assert len(steps) == 3


def test_a_package_may_ask_to_start_from_the_warped_keyframe(model: VividModel) -> None:
    reader, region = _clip(9)
    seen: list[torch.Tensor] = []
    hook = model.pipeline.transformer.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(kwargs["hidden_states"].clone()), with_kwargs=True
    )
    events: list[ProgressEvent] = []
    own = model.tasks["propagate"]
    model.tasks["propagate"] = replace(own, strength=0.5)
    try:
        _propagate(model, reader, region, 0, context=JobContext(events.append), settings=SamplingSettings(steps=4))
    finally:
        model.tasks["propagate"] = own
        hook.remove()
    assert len(seen) == events[-1].total == 2
    # The mask walks one pixel a frame, so the first guess is the keyframe's red box on every frame.
    guess = np.stack([reader.frame(index) for index in range(9)])
    for index in range(9):
        guess[index][region[index]] = (255, 0, 0)
    with torch.inference_mode():
        clean = model.pipeline.encode_pixels(
            to_model(np.stack([crop.crop(frame) for crop, frame in zip(_crops(region, range(9)), guess, strict=True)]))
        )
    scheduler = model.pipeline.scheduler
    expected = scheduler.add_noise(clean, model.noise(1, 3)[0], scheduler.timesteps[2:3])
    assert (seen[0][:, :, :4] - expected).abs().mean() < 0.05 * expected.std()


def test_windows_of_two_keyframes_are_mixed_by_how_near_each_is() -> None:
    reader, region = _clip(11)
    frames = tuple(range(1, 10))
    one, two = (
        replace(EditedWindow.of(frames, [np.full((HEIGHT, WIDTH, 3), level, np.uint8)] * 9, region), keyframe=keyframe)
        for level, keyframe in ((100, 0), (200, 10))
    )
    for index, source, result in composite_frames(reader, region, FrameRange(1, 10), [two, one], 0, _keyframe(reader, region, 0)):
        assert (result[region[index]] == {2: 110, 5: 150, 8: 190}.get(index, result[region[index]])).all()
        assert difference_outside(source, result, region[index]) == 0


def test_stored_windows_give_the_same_result(model: VividModel, tmp_path: Path) -> None:
    reader, region = _clip(20)
    windows = _propagate(model, reader, region, 3)
    paths = []
    for number, window in enumerate(windows):
        paths.append(tmp_path / f"{number}.npz")
        window.save(paths[-1])
    keyframe = _keyframe(reader, region, 3)
    for (_, _, one), (_, _, two) in zip(
        composite_frames(reader, region, FrameRange(0, 20), windows, 3, keyframe),
        composite_frames(reader, region, FrameRange(0, 20), paths, 3, keyframe),
        strict=True,
    ):
        assert (one == two).all()
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("carried", ["picture", "direct"])
def test_a_run_that_goes_on_from_stored_windows_gives_the_unbroken_runs_pixels(model: VividModel, tmp_path: Path, carried: str) -> None:
    reader, region = _clip(40)
    whole = _propagate(model, reader, region, 3, carried=carried)
    kept = {}
    for number in (0, 2):  # the first forwards, and one that was reached before its neighbour was lost
        path = tmp_path / f"{number}.npz"
        whole[number].save(path)
        kept[whole[number].frames] = path
    made: list[torch.Tensor] = []
    hook = model.pipeline.transformer.register_forward_hook(lambda *_: made.append(torch.zeros(0)))
    stored = lambda w: EditedWindow.load(kept[w.edited]) if w.edited in kept else None  # noqa: E731
    resumed = _propagate(model, reader, region, 3, stored=stored, carried=carried)
    hook.remove()
    assert len(made) == (len(whole) - 2) * SETTINGS.steps
    assert [window.frames for window in resumed] == [window.frames for window in whole]
    for one, two in zip(whole, resumed, strict=True):
        assert _same(one, two)


@pytest.mark.parametrize(("count", "task"), [(1, "modify"), (20, "add"), (20, "delete")])
def test_a_direct_edit_gives_every_frame_and_is_given_none(model: VividModel, count: int, task: str) -> None:
    reader, region = _clip(count, {0} if count > 1 else set())
    start = direct_start(region, FrameRange(0, count))
    keyframe = direct_keyframe(reader, start, task, "a red ball", 1)
    request = EditRequest(FrameRange(0, count), region, (keyframe,), SETTINGS)
    hidden: list[np.ndarray] = []
    given: list[bool] = []

    def answered(window: WindowInput, answers: list[np.ndarray]) -> None:
        hidden.append(window.masks)
        given.append(window.window.given)
        assert len(answers) == len(window.window.frames)

    windows = list(propagate(model, reader, request, JobContext(), answered=answered))
    assert [window.frames[0] for window in windows] == [0] if count == 1 else [1, 18]
    assert [frame for window in windows for frame in window.frames] == list(range(start, count))
    assert given == [False, True][: len(windows)]
    assert hidden[0][0].any(), "the first frame is painted, too"
    for frame, source, result in composite_segments(reader, request, windows):
        assert difference_outside(source, result, region[frame]) == 0
        assert frame < start or task == "add" or (result[region[frame]] != source[region[frame]]).mean() > 0.5
    other = Keyframe(start, _keyframe(reader, region, start), "add", "a red ball", 1)
    beside = replace(request, keyframes=(keyframe, replace(other, frame=count - 1)))
    with pytest.raises(InputError, match="two keyframes on frame 0" if count == 1 else "goes through the clip by itself"):
        plan_segments(model, beside, {})
    keyframes_only = replace(model, declared=replace(model.declared, direct=False))
    with pytest.raises(InputError, match="VIVID paints nothing without a keyframe"):
        plan_segments(keyframes_only, request, {})


def test_bad_input_is_named(model: VividModel) -> None:
    reader, region = _clip(6, empty={5})
    with pytest.raises(InputError, match="frames 0:7"):
        _propagate(model, reader, region, 0, span=(0, 7))
    with pytest.raises(InputError, match="keyframe 4 is outside the frames 0:3"):
        _propagate(model, reader, region, 4, span=(0, 3))
    with pytest.raises(InputError, match="empty on the keyframe 5"):
        _propagate(model, reader, region, 5)
    with pytest.raises(InputError, match="74x57"):
        _propagate(model, reader, region, 0, keyframe=reader.frame(0)[:, 1:])
    with pytest.raises(InputError, match="covers the frames 2:8"):
        _propagate(model, reader, MaskSequence((WIDTH, HEIGHT), 2, [region[0]] * 6), 3)
    with pytest.raises(InputError, match="unknown task"):
        _propagate(model, reader, region, 0, task="paint")


def test_a_keyframe_of_another_size_is_fitted_when_its_aspect_agrees() -> None:
    image = noise_frames(1, 96, 128)[0]
    assert fit_keyframe(image, (128, 96)) is image
    assert fit_keyframe(image, (64, 48)).shape == (48, 64, 3)
    assert fit_keyframe(image, (1281, 959)).shape == (959, 1281, 3)
    with pytest.raises(InputError, match="128x96, the clip 128x98"):
        fit_keyframe(image, (128, 98))
