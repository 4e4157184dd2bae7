"""The world that the small SAM 2 learns from: the same from the same seed, and masks that are what
is drawn.
"""

from __future__ import annotations

import pytest
import torch

from core.data import simulated_prompts
from core.data.camera_effects import compress, cosine_matrix
from core.data.creatures import Builder, PARTS
from core.data.liveliness import Liveliness
from core.data.shadows import Shadows
from core.data.tracking import TrackingWorld, whole_things
from core.data.tracking_scene import paint, THINGS

TINY = {"textures_count": 4, "outlines": 4, "solids_per_kind": 1, "backgrounds": 4, "background_size": 64, "picture_size": 32}


@pytest.fixture(scope="module")
def world() -> TrackingWorld:
    return TrackingWorld("cpu", seed=3, **TINY)


def test_the_same_seed_gives_the_same_clips_whatever_was_drawn_before(world: TrackingWorld) -> None:
    first = world.sample(3, 3, 64, seed=5)
    torch.rand(11)
    state = torch.get_rng_state()
    again = TrackingWorld("cpu", seed=3, **TINY).sample(3, 3, 64, seed=5)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.pixels, again.pixels)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.pixels, world.sample(3, 3, 64, seed=6).pixels)
    assert first.pixels.shape == (3, 3, 3, 64, 64)
    assert first.pixels.min() >= 0
    assert first.pixels.max() <= 1


def cast(batch: int, *, dark: float, own: float) -> Shadows:
    """Shadows all alike, on the ground behind."""
    shape = (batch, THINGS)
    return Shadows(*(torch.full(shape, value) for value in (dark, own, 0.4, 0.5, 0.0, 0.0, 0.0)))


def drawn(world: TrackingWorld, canvas: torch.Tensor, shadows: Shadows) -> tuple[torch.Tensor, torch.Tensor]:
    """White things on a canvas (B, 3, T, S, S), the same ones whatever the shadows."""
    torch.manual_seed(0)
    batch, _, frames = canvas.shape[:3]
    time = torch.linspace(0, 0.5, frames).expand(batch, frames)
    bodies = world.builder.draw(batch * THINGS)
    place, camera = world._placement(batch, time, torch.zeros(batch)), world._camera(batch, time)
    pictures = world._pictures(batch, torch.rand(batch, 3, 64, 64), bodies, torch.zeros(batch), 48)
    pictures = torch.cat([torch.ones_like(pictures[:, :, :3]), pictures[:, :, 3:]], 2)
    scene, labels = paint(canvas, pictures, bodies, place, camera, time, shadows, Liveliness())
    return scene[:, 0], labels


def test_masks_are_what_is_drawn(world: TrackingWorld) -> None:
    """White things on black, without shadows: what is bright is what is labelled, up to the grey of
    an edge.
    """
    scene, labels = drawn(world, torch.zeros(6, 3, 3, 96, 96), cast(6, dark=0, own=1))
    labelled = labels >= 0
    assert labelled.float().mean() > 0.05
    assert scene[labelled].min() > 0.5
    assert scene[~labelled].max() < 0.95  # edges of several things may lie over each other
    assert (scene[~labelled] > 0.5).float().mean() < 0.01
    for thing in range(THINGS):  # what is drawn last of all is whole: nothing hides it
        assert bool((labels == thing * PARTS).any())


@pytest.mark.parametrize("own", [0.0, 1.0], ids=["a spot at the feet", "a thing's own shape"])
def test_a_shadow_darkens_what_lies_behind_and_belongs_to_nothing(world: TrackingWorld, own: float) -> None:
    canvas = torch.full((6, 3, 3, 96, 96), 0.7)
    lit, labels = drawn(world, canvas, cast(6, dark=0, own=own))
    scene, found = drawn(world, canvas, cast(6, dark=0.5, own=own))
    assert torch.equal(found, labels)
    assert bool((scene <= lit + 1e-6).all())
    behind = labels < 0
    assert 0.01 < (scene[behind] < 0.45).float().mean() < 0.6
    nearest = labels // PARTS == THINGS - 1
    assert torch.equal(scene[nearest] > 0.5, lit[nearest] > 0.5)


def test_bodies_hold_together() -> None:
    """A limb's end stays on what it hangs on, however the body moves."""
    torch.manual_seed(1)
    bodies = Builder("cpu").draw(64)
    middle, angle = bodies.pose(torch.linspace(0, 1, 5).expand(64, 5))
    for part in range(1, PARTS):
        parent = bodies.parent[:, part].clamp(min=0)
        row = torch.arange(64)
        size, turn = bodies.half[row, parent], angle[row, parent]
        x, y = (bodies.joint[:, part] * size).unbind(1)
        joint = middle[row, parent] + torch.stack(
            [turn.cos() * x[:, None] - turn.sin() * y[:, None], turn.sin() * x[:, None] + turn.cos() * y[:, None]], 1
        )
        direction = torch.stack([angle[:, part].cos(), angle[:, part].sin()], 1)
        end = middle[:, part] - direction * (bodies.hang[:, part] * bodies.half[:, part, 0])[:, None, None]
        assert torch.allclose(end, joint, atol=1e-5)


def test_prompts_say_where_the_thing_is(world: TrackingWorld) -> None:
    clips = world.sample(8, 2, 64, seed=2)
    masks, usable = whole_things(clips, 2)
    assert masks.shape == (8, 2, 2, 64, 64)
    mask, parts = masks[:, 0, 0][usable[:, 0] > 0], clips.labels[:, 0][usable[:, 0] > 0]
    row = torch.arange(len(mask))
    for click in (simulated_prompts.clicks(mask, parts), simulated_prompts.deepest(mask)):
        column, line = click.long().unbind(1)
        assert mask[row, line, column].all()
    for box, one in zip(simulated_prompts.boxes(mask, 0.0), mask, strict=True):
        lines, columns = torch.nonzero(one).unbind(1)
        assert box.tolist() == [[columns.min(), lines.min()], [columns.max() + 1, lines.max() + 1]]
    answer = mask.clone()
    answer[:, :, :32] = False
    place, label = simulated_prompts.corrections(answer, mask)
    column, line = place.long().unbind(1)
    assert torch.equal(label[:, 0] == 1, mask[row, line, column])
    lost = (answer != mask).flatten(1).any(1)
    assert (answer != mask)[row, line, column][lost].all()


def test_compression_keeps_what_it_may_and_rounds_the_rest() -> None:
    picture = torch.rand(2, 3, 16, 24)
    cosine = cosine_matrix("cpu")
    assert torch.allclose(compress(picture, torch.tensor([1e-5, 1e-5]), cosine), picture, atol=1e-3)
    coarse = compress(picture, torch.tensor([0.3, 8.0]), cosine)
    assert 0.01 < (coarse[0] - picture[0]).abs().mean() < (coarse[1] - picture[1]).abs().mean()
    assert coarse[1].view(3, 2, 8, 3, 8).std(dim=(2, 4)).max() < 1e-5  # every block of one colour
