"""The segmenter that ships, on a real clip: the mask of a click, and masks that follow the object
both ways.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import Cancelled, InputError
from core.evaluation.clips import FramesInMemory
from core.masks import write_mask
from core.media import ClipReader, open_clip
from core.models import ModelStore
from core.progress import JobContext, ProgressEvent
from core.project.prompts import BoxPrompt, MaskPrompt, PointPrompt, TextPrompt
from core.segment import load_segmenter, Segmenter, SegmentSession
from core.segment.frames import encode
from core.segment.prompts import FramePrompts
from core.segment.tracker import answer_start, mask_as_given
from tests.builders import disc_clip

FRAMES = 9

pytestmark = pytest.mark.usefixtures("one_thread")


def disc(frame: int) -> np.ndarray:
    """Where disc_clip's disc is, bool (120, 160)."""
    ys, xs = np.mgrid[:120, :160]
    return (xs - 55 - 2 * frame) ** 2 + (ys - 61) ** 2 < 20**2


def box(frame: int, object_id: int = 1) -> BoxPrompt:
    return BoxPrompt(frame, object_id, 33 + 2 * frame, 39, 77 + 2 * frame, 83)


def overlap(mask: np.ndarray, truth: np.ndarray) -> float:
    return float((mask & truth).sum() / (mask | truth).sum())


class CountingReader:
    """A clip reader that remembers which frames it was asked for."""

    def __init__(self, reader: ClipReader) -> None:
        self.info, self._reader = reader.info, reader
        self.asked: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._reader)

    def frame(self, index: int) -> np.ndarray:
        self.asked[index] += 1
        return self._reader.frame(index)


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return load_segmenter("embedded", "cpu", ModelStore())


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[CountingReader]:
    with open_clip(disc_clip(tmp_path / "disc.mp4", FRAMES)) as clip:
        yield CountingReader(clip)


@pytest.fixture
def session(segmenter: Segmenter, reader: CountingReader, tmp_path: Path) -> SegmentSession:
    return segmenter.session(reader, tmp_path)


@pytest.mark.parametrize("prompt", [box(0), PointPrompt(0, 1, 55, 61)])
def test_a_box_or_a_click_on_a_clear_object_gives_its_mask(session: SegmentSession, prompt: BoxPrompt | PointPrompt) -> None:
    mask = session.preview(0, [prompt])
    assert (mask.shape, mask.dtype) == ((120, 160), np.bool_)
    assert overlap(mask, disc(0)) > 0.85


def test_a_further_click_costs_only_the_decoder(session: SegmentSession, segmenter: Segmenter) -> None:
    network, runs = segmenter.backend.network, Counter[str]()
    parts = ("image_encoder", "memory_attention", "memory_encoder", "sam_mask_decoder")
    hooks = [getattr(network, part).register_forward_hook(lambda *_, part=part: runs.update([part])) for part in parts]
    first, beside = PointPrompt(0, 1, 55, 61), PointPrompt(0, 1, 58, 64, positive=False)
    try:
        session.preview(0, [first])
        assert all(runs[part] for part in parts)
        runs.clear()
        corrected = session.preview(0, [first, beside])
    finally:
        for hook in hooks:
            hook.remove()
    assert runs == {"sam_mask_decoder": 1}
    assert not corrected[64, 58]


def test_a_minus_click_takes_away_all_of_what_it_points_at_and_nothing_else(segmenter: Segmenter, tmp_path: Path) -> None:
    # of two discs that were taken for one object, as one click on two cups may
    ys, xs = np.mgrid[:120, :160]
    left, right = ((xs - x) ** 2 + (ys - 60) ** 2 < 22**2 for x in (40, 118))
    frame = np.full((120, 160, 3), (120, 130, 110), np.uint8)
    frame += np.random.default_rng(0).integers(0, 12, frame.shape, dtype=np.uint8)
    frame[left | right] = (200, 40, 50)
    write_mask(tmp_path / "both.png", left | right)
    session = segmenter.session(FramesInMemory(frame[None]), tmp_path)
    mask = session.preview(0, [MaskPrompt(0, 1, "both.png"), PointPrompt(0, 1, 40, 60), PointPrompt(0, 1, 118, 60, positive=False)])
    assert (mask & left).sum() == left.sum()
    assert (mask & right).sum() < 0.1 * right.sum()
    assert not (mask & ~left & ~right).any()


def test_a_further_click_reads_no_frame_again(session: SegmentSession, reader: CountingReader) -> None:
    clicks = [PointPrompt(3, 1, 61, 61), PointPrompt(3, 1, 55, 66), PointPrompt(3, 1, 150, 10, positive=False)]
    for count in range(1, 4):
        session.preview(3, clicks[:count])
    assert reader.asked == {3: 1}


def test_a_mask_is_taken_at_its_word_as_the_network_takes_it(session: SegmentSession, segmenter: Segmenter, reader: CountingReader) -> None:
    # a click on a mask is answered without the network's own way of saying the same, which makes a
    # memory of it as well
    network, features = segmenter.backend.network, encode(segmenter.backend.network, reader.frame(0))
    begun = answer_start(network, features, FramePrompts((), (), disc(0)), (160, 120), segmenter.backend.passes)
    assert torch.equal(mask_as_given(network, disc(0)), begun["pred_masks"])


def test_tracking_follows_both_ways_and_covers_each_frame_once(session: SegmentSession, reader: CountingReader) -> None:
    events: list[ProgressEvent] = []
    answers = list(session.track({1: [box(4)]}, 0, FRAMES, JobContext(events.append)))
    assert [frame for frame, _ in answers] == [4, 5, 6, 7, 8, 3, 2, 1, 0]
    assert np.mean([overlap(masks[1], disc(frame)) for frame, masks in answers]) > 0.8
    assert reader.asked == dict.fromkeys(range(FRAMES), 1)
    assert [event.done for event in events] == list(range(FRAMES + 1))
    assert {event.total for event in events} == {FRAMES}
    assert events[-1].partial[0] == 0


def test_the_prompted_frame_shows_what_the_preview_showed(session: SegmentSession) -> None:
    prompts = [box(2)]
    before = session.preview(2, prompts)
    _, masks = next(session.track({1: prompts}, 0, FRAMES, JobContext()))
    assert (masks[1] == before).all()


@pytest.mark.parametrize(("direction", "covered"), [("forward", [3, 4, 5, 6]), ("backward", [3, 2])])
def test_one_direction_only_and_only_the_span(session: SegmentSession, direction: str, covered: list[int]) -> None:
    answers = session.track({1: [box(3), box(8)]}, 2, 7, JobContext(), direction)
    assert [frame for frame, _ in answers] == covered


def test_objects_shown_on_different_frames_are_all_followed(session: SegmentSession) -> None:
    answers = dict(session.track({1: [box(2)], 7: [box(5, 7)]}, 0, FRAMES, JobContext()))
    assert sorted(answers) == list(range(FRAMES))
    for object_id in (1, 7):
        assert np.mean([overlap(masks[object_id], disc(frame)) for frame, masks in answers.items()]) > 0.75
    ahead = dict(session.track({1: [box(2)], 7: [box(5, 7)]}, 0, FRAMES, JobContext(), "forward"))
    assert sorted(ahead) == list(range(2, FRAMES))
    assert not any(ahead[frame][7].any() for frame in (2, 3, 4))


def test_a_given_mask_is_taken_at_its_word_on_any_frame(session: SegmentSession, tmp_path: Path) -> None:
    write_mask(tmp_path / "drawn.png", disc(6))
    drawn = MaskPrompt(6, 1, "drawn.png")
    assert (session.preview(6, [drawn]) == disc(6)).all()
    answers = dict(session.track({1: [box(0), drawn]}, 0, FRAMES, JobContext()))
    assert (answers[6][1] == disc(6)).all()
    assert overlap(answers[7][1], disc(7)) > 0.8


def test_a_correction_holds_onward(segmenter: Segmenter, tmp_path: Path) -> None:
    # of two discs that touch and were taken for one object, one is taken away on frame 3
    def discs(frame: int) -> tuple[np.ndarray, np.ndarray]:
        ys, xs = np.mgrid[:120, :160]
        left, right = ((xs - x - 2 * frame) ** 2 + (ys - 60) ** 2 < side**2 for x, side in ((40, 20), (76, 16)))
        return left, right & ~left

    frames = np.full((6, 120, 160, 3), (120, 130, 110), np.uint8) + np.random.default_rng(0).integers(0, 12, (120, 160, 3), dtype=np.uint8)
    for frame, picture in enumerate(frames):
        for disc, colour in zip(discs(frame), ((200, 40, 50), (40, 60, 200)), strict=True):
            picture[disc] = colour
    write_mask(tmp_path / "both.png", np.logical_or(*discs(0)))
    write_mask(tmp_path / "left.png", discs(3)[0])
    prompts = [MaskPrompt(0, 1, "both.png"), MaskPrompt(3, 1, "left.png")]
    found = dict(segmenter.session(FramesInMemory(frames), tmp_path).track({1: prompts}, 0, 6, JobContext()))
    shares = [[float((found[frame][1] & disc).sum() / disc.sum()) for disc in discs(frame)] for frame in range(6)]
    assert min(left for left, _ in shares) > 0.9
    assert [right > 0.5 for _, right in shares] == [True, True, True, False, False, False]


def test_a_click_on_a_later_frame_corrects_it(session: SegmentSession) -> None:
    plain = dict(session.track({1: [box(0)]}, 0, 5, JobContext()))
    corrected = dict(session.track({1: [box(0), PointPrompt(3, 1, 61, 61, positive=False)]}, 0, 5, JobContext()))
    assert (plain[2][1] == corrected[2][1]).all()
    assert plain[3][1][61, 61]
    assert not corrected[3][1][61, 61]


def test_further_clicks_are_honoured_and_keep_the_object(session: SegmentSession) -> None:
    clicks = [PointPrompt(0, 1, 55, 61), PointPrompt(0, 1, 130, 100), PointPrompt(0, 1, 48, 52, positive=False)]
    mask = session.preview(0, clicks)
    assert mask[100, 130]
    assert not mask[52, 48]
    assert (mask & disc(0)).sum() > 0.5 * disc(0).sum()


def test_stopping_takes_effect_within_a_frame(session: SegmentSession) -> None:
    context = JobContext()
    answers = session.track({1: [box(0)]}, 0, FRAMES, context)
    assert next(answers)[0] == 0
    context.token.cancel()
    with pytest.raises(Cancelled):
        next(answers)


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        ([], r"object 1 has no prompt on frames 0 to 8 that shows it"),
        ([PointPrompt(2, 1, 5, 5, positive=False)], r"object 1 has no prompt on frames 0 to 8 that shows it"),
        ([PointPrompt(2, 1, 160, 5)], r"the point 160,5 is outside the frame: X must be below 160, Y below 120"),
        ([PointPrompt(9, 1, 5, 5)], r"frame 9 is outside the clip: choose one from 0 to 8"),
        ([TextPrompt(0, 1, "the disc")], r"'the disc' can't be tracked yet"),
        ([MaskPrompt(0, 1, "nowhere.png")], r"there is no mask at .*nowhere\.png"),
    ],
)
def test_prompts_that_cannot_be_followed_are_named(session: SegmentSession, prompts: list, message: str) -> None:
    with pytest.raises(InputError, match=message):
        session.track({1: prompts}, 0, FRAMES, JobContext())


def test_nothing_to_do_is_said_plainly(session: SegmentSession) -> None:
    with pytest.raises(InputError, match="nothing on frame 1 says where the object is"):
        session.preview(1, [PointPrompt(1, 1, 5, 5, positive=False), box(0)])
    with pytest.raises(InputError, match="no object to track"):
        session.track({}, 0, FRAMES, JobContext())
    with pytest.raises(InputError, match="unknown direction 'up'"):
        session.track({1: [box(0)]}, 0, FRAMES, JobContext(), "up")
