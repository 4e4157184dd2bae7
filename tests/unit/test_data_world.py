"""The procedural world: the same from a seed, of the promised shape, its captions known, its
regions true to their form.
"""

from __future__ import annotations

import av
import numpy as np
import pytest
import torch
from PIL import Image

from core.data import vocabulary
from core.data.examples import ExampleClip, write
from core.data.pool_sizes import PoolSizes
from core.data.regions import box, draw_form, expand, FORMS, REACHES
from core.data.silhouettes import render_silhouettes
from core.data.solids import render_solids
from core.data.world import CAPTIONS, DELETE_INDEX, LOOSE_BOX, World
from core.training.small.networks import build_tokenizer
from core.vivid.conditioning import DELETE_CAPTION

SMALL = PoolSizes(solids_per_kind=1, solid_size=32, backgrounds=3, background_size=48, silhouettes=8)


@pytest.fixture(scope="module")
def world() -> World:
    return World("cpu", seed=3, pools=SMALL, size=(64, 64))


def test_the_same_seed_gives_the_same_world_and_clips(world: World) -> None:
    again = World("cpu", seed=3, pools=SMALL, size=(64, 64))
    assert torch.equal(world.solids.rgba, again.solids.rgba)
    first, second = world.sample(3, 9, seed=8), again.sample(3, 9, seed=8)
    assert torch.equal(first.pixels, second.pixels)
    assert torch.equal(first.mask, second.mask)
    assert torch.equal(first.caption, second.caption)
    assert not torch.equal(first.pixels, world.sample(3, 9, seed=9).pixels)


def test_a_seeded_draw_leaves_the_generator_alone(world: World) -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    world.sample(1, 1, seed=5)
    assert torch.equal(torch.rand(3), expected)


def test_clips_have_the_promised_shapes_and_ranges(world: World) -> None:
    clips = world.sample(6, 5, seed=1)
    assert clips.pixels.shape == (6, 3, 5, 64, 64)
    assert clips.mask.shape == (6, 1, 5, 64, 64)
    assert clips.pixels.min() >= -1
    assert clips.pixels.max() <= 1
    assert set(clips.mask.unique().tolist()) == {0.0, 1.0}
    assert (clips.mask[:, :, 0].flatten(1).sum(1) > 0).all()
    tracked = world.sample(6, 1, seed=1, delete=0, tracked=True)
    assert (tracked.form == FORMS.index("as-is")).all()
    assert torch.equal(tracked.mask[:, 0] > 0, tracked.own)


def test_deletion_has_its_caption_and_drawing_has_not(world: World) -> None:
    assert (world.sample(8, 1, delete=1.0, seed=2).caption == DELETE_INDEX).all()
    assert (world.sample(8, 1, delete=0.0, seed=2).caption < DELETE_INDEX).all()
    assert CAPTIONS[DELETE_INDEX] == DELETE_CAPTION


def test_captions_name_the_thing_that_is_shown(world: World) -> None:
    clips = world.sample(32, 1, delete=0.0, seed=4)
    kinds, colours = vocabulary.KINDS, list(vocabulary.COLOURS)
    for caption, kind, colour in zip(clips.caption.tolist(), clips.kind.tolist(), clips.colour.tolist(), strict=True):
        words = CAPTIONS[caption].split(" with ")[0].split(" made ")[0].split()
        assert words[-1] in (kinds[kind], vocabulary.GENERIC)
        assert not set(words) & (set(colours) - {colours[colour]})


def test_every_caption_is_in_the_tokenizer() -> None:
    tokenizer = build_tokenizer()
    unknown = tokenizer.unk_token_id
    for caption in CAPTIONS[::17] + CAPTIONS[-3:]:
        ids = tokenizer(caption).input_ids
        assert unknown not in ids
        assert len(ids) <= vocabulary.MAX_TEXT_LENGTH
    assert tokenizer("a tiny GREY sphere!").input_ids == tokenizer("a small gray ball").input_ids
    assert unknown in tokenizer("a giraffe").input_ids


def test_without_motion_everything_stands_still(world: World) -> None:
    world.motion.fill_(0.0)
    try:
        clips = world.sample(4, 5, seed=6)
    finally:
        world.motion.fill_(1.0)
    assert torch.equal(clips.mask[:, :, 0], clips.mask[:, :, 4])
    assert (clips.pixels[:, :, 0] - clips.pixels[:, :, 4]).abs().mean() < 0.03  # only grain differs


def test_outside_its_region_a_thing_changes_nothing(world: World) -> None:
    # The same draw with and without the thing: the deleting coin decides nothing but what the
    # region shows.
    drawn, bare = (world.sample(6, 5, delete=share, seed=12) for share in (0.0, 1.0))
    # softness and the blocks of compression reach a few pixels further
    outside = 1 - torch.nn.functional.max_pool2d(drawn.mask.flatten(0, 2), 21, 1, 10).view_as(drawn.mask)
    assert outside.flatten(1).sum(1).gt(0).any()
    assert torch.equal(drawn.pixels * outside, bare.pixels * outside)
    assert ((drawn.pixels - bare.pixels).abs() * drawn.mask).flatten(1).sum(1).gt(0).all()


def test_boxes_of_any_shape_hold_the_thing_with_room_to_spare(world: World) -> None:
    drawn, bare = (world.sample(48, 1, delete=share, seed=13) for share in (0.0, 1.0))
    loose = drawn.form == LOOSE_BOX
    assert loose.any()
    changed = ((drawn.pixels - bare.pixels).abs().amax(1, keepdim=True) > 0.1) & (drawn.mask > 0)
    assert (changed[loose].flatten(1).sum(1) < drawn.mask[loose].flatten(1).sum(1)).all()


@pytest.mark.parametrize("form", range(len(FORMS)))
def test_each_of_the_six_forms_contains_the_mask(form: int) -> None:
    own = torch.zeros(1, 2, 48, 48)
    own[0, 0, 20:26, 10:30] = 1
    own[0, 0, 14:32, 18:22] = 1  # a plus
    hull = box(own)
    hull[0, 0, 14:17, 10:13] = 0  # a hull is within the box
    region = draw_form(own, hull, torch.tensor([form]), torch.tensor([1]))
    assert (region >= own).all()
    assert region[0, 1].sum() == 0, "an empty frame stays empty"
    expected = {
        "as-is": own,
        "expand": expand(own, REACHES[1]),
        "hull": hull,
        "box": box(own),
        "hull+expand": expand(hull, REACHES[1]),
        "box+expand": expand(box(own), REACHES[1]),
    }[FORMS[form]]
    assert torch.equal(region, expected)


def test_box_and_expand_by_hand() -> None:
    own = torch.zeros(1, 1, 8, 8)
    own[0, 0, 2, 3] = own[0, 0, 4, 5] = 1
    assert torch.nonzero(box(own)[0, 0]).min(0).values.tolist() == [2, 3]
    assert box(own).sum() == 9
    assert expand(own, 1).sum() == 9 + 9 - 1


def test_solids_are_opaque_centred_and_fill_their_picture() -> None:
    torch.manual_seed(0)
    solids = render_solids(1, 48, "cpu")
    coverage = solids.rgba[:, 3].float() / 255
    for index, kind in enumerate(solids.kind.tolist()):
        name = vocabulary.KINDS[kind]
        rows, columns = torch.nonzero(coverage[index] > 0.5, as_tuple=True)
        larger = max(int(rows.max() - rows.min()), int(columns.max() - columns.min())) + 1
        assert 40 <= larger <= 48, name
        assert abs(float(rows.min() + rows.max()) / 2 - 23.5) < 2.5, name
        assert (coverage[index] > 0.95).float().mean() > 0.15, name
    assert ((solids.rgba[:, 4] > 127) | (coverage < 0.6)).all(), "the hull contains the thing"


def test_the_inscribed_disc_lies_inside_its_outline() -> None:
    torch.manual_seed(1)
    pool = render_silhouettes(6, 48, "cpu")
    line = (torch.arange(48) + 0.5) / 48 * 2 - 1
    for coverage, (x, y), radius in zip(pool.coverage[:, 0], pool.centre.tolist(), pool.radius.tolist(), strict=True):
        disc = (line[None] - x) ** 2 + (line[:, None] - y) ** 2 < (0.85 * radius) ** 2
        assert disc.any()
        assert (coverage[disc] > 127).float().mean() > 0.97


def test_an_example_clip_plays_and_its_masks_fit(tmp_path) -> None:
    frames = np.zeros((6, 360, 640, 3), np.uint8)
    frames[..., 0] = np.arange(6)[:, None, None] * 40
    masks = np.zeros((6, 360, 640), bool)
    masks[:, 10:20, 30:50] = True
    sound = np.sin(np.arange(48_000 // 5) / 20).astype(np.float32)
    write(ExampleClip(frames, masks, 30, sound), tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.pix_fmt, video.average_rate) == ("h264", "yuv420p", 30)
        assert len(container.streams.audio) == 1
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video)]
    assert len(decoded) == 6
    assert abs(int(decoded[5][100, 100, 0]) - 200) < 6
    mask = np.asarray(Image.open(tmp_path / "clip_masks" / "00003.png"))
    assert np.array_equal(mask.astype(bool), masks[3])
