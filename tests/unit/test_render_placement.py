"""Pictures from other programs laid on their frame: size, shape, place, and what differs outside
the mask.
"""

import cv2
import numpy as np
import pytest

from core.errors import InputError
from core.render.placement import compare_outside, place, Placed

SIZE = (160, 240)


def textured(seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A picture uint8 (H, W, 3) with structure of many sizes, as footage has."""
    noise = np.random.default_rng(seed)
    layers = [
        cv2.resize(noise.normal(0, 60 / s, (size[0] // s, size[1] // s, 3)), size[::-1], interpolation=cv2.INTER_CUBIC) for s in (2, 8)
    ]
    large = cv2.resize(noise.normal(0, 50, (4, 6, 3)), size[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + large + sum(layers), 0, 255).astype(np.uint8)


FRAME = textured()
MASK = np.zeros(SIZE, bool)
MASK[60:110, 90:150] = True
EDITED = FRAME.copy()
EDITED[65:105, 95:145] = (20, 40, 220)


def laid(picture: np.ndarray, alpha: np.ndarray | None = None, **how: object) -> Placed:
    opaque = np.full(picture.shape[:2], 255, np.uint8)
    return place(FRAME, picture, opaque if alpha is None else alpha, MASK, **how)  # type: ignore[arg-type]


def likeness(placed: Placed) -> str:
    return compare_outside(FRAME, placed, MASK).likeness


def test_a_picture_of_the_frames_size_stays_as_it_is() -> None:
    placed = laid(EDITED)
    assert (placed.picture == EDITED).all()
    assert (placed.resized, placed.shift, likeness(placed)) == (False, (0.0, 0.0), "same")


@pytest.mark.parametrize("shift", [(5, -3), (-7, 2), (0, 9)])
def test_a_small_shift_is_found_and_undone_without_softening(shift: tuple[int, int]) -> None:
    moved = np.roll(EDITED, shift, (1, 0))
    placed = laid(moved)
    assert placed.shift == (-shift[0], -shift[1])
    assert (placed.picture[20:-20, 20:-20] == EDITED[20:-20, 20:-20]).all()
    assert likeness(placed) == "same"
    assert laid(moved, align=False).shift == (0.0, 0.0)
    assert likeness(laid(moved, align=False)) != "same"


def test_a_shift_of_half_a_pixel_is_found() -> None:
    matrix = np.array([[1, 0, 2.5], [0, 1, -1.5]], np.float32)
    placed = laid(cv2.warpAffine(EDITED, matrix, SIZE[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT))
    assert placed.shift == pytest.approx((-2.5, 1.5), abs=0.1)


@pytest.mark.parametrize(("size", "cut", "twice"), [((160, 240), 8, 1), ((160, 240), -6, 1), ((540, 960), 21, 2)])
def test_a_picture_that_was_cropped_or_padded_is_brought_back_to_its_size(size: tuple[int, int], cut: int, twice: int) -> None:
    """As a program gives it back that cuts `cut` pixels off on every side (or adds them), and
    scales what is left to `twice` the size.
    """
    frame = textured(3, size)
    mask = np.zeros(size, bool)
    mask[size[0] // 3 : size[0] // 2, size[1] // 3 : size[1] // 2] = True
    edited = np.where(cv2.erode(mask.astype(np.uint8), np.ones((9, 9)))[..., None] > 0, np.uint8((20, 40, 220)), frame)
    across = round(cut * size[1] / size[0])
    other = edited[cut:-cut, across:-across] if cut > 0 else np.pad(edited, ((-cut,) * 2, (-across,) * 2, (0, 0)))
    other = cv2.resize(other, (twice * size[1], twice * size[0]), interpolation=cv2.INTER_CUBIC)
    alpha = np.full(other.shape[:2], 255, np.uint8)
    placed = place(frame, other, alpha, mask)
    assert placed.scale == pytest.approx(1 - 2 * cut / size[0], abs=0.002)
    assert placed.shift == pytest.approx((0, 0), abs=0.6)
    assert compare_outside(frame, placed, mask).likeness == "same"
    assert place(frame, other, alpha, mask, align=False).scale == 1.0


def test_another_size_of_the_same_shape_is_resized() -> None:
    for scale in (2, 0.5, 1.37):
        size = (round(SIZE[1] * scale), round(SIZE[0] * scale))
        placed = laid(cv2.resize(EDITED, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC))
        assert placed.resized
        assert placed.picture.shape == FRAME.shape
        assert placed.picture[85, 120].tolist() == pytest.approx([20, 40, 220], abs=3)
        assert compare_outside(FRAME, placed, MASK).mean < 12


def test_another_shape_is_a_choice() -> None:
    square = EDITED[:, 40:200]
    with pytest.raises(InputError, match=r"160x160.*240x160.*fit.*cover.*stretch"):
        laid(square)
    fitted = laid(square, fit="fit")
    assert (fitted.picture[:, 40:200] == square).all()
    assert (fitted.picture[:, :40] == FRAME[:, :40]).all(), "the frame shows beside it"
    assert fitted.covered.sum() == 160 * 160
    assert likeness(fitted) == "same"
    tall = np.pad(EDITED, ((30, 30), (0, 0), (0, 0)))
    assert (laid(tall, fit="cover").picture == EDITED).all()
    pulled = laid(cv2.resize(EDITED, (300, 160)), fit="stretch")
    assert pulled.covered.all()
    assert pulled.picture[85, 120].tolist() == pytest.approx([20, 40, 220], abs=3)


def test_what_is_transparent_shows_the_frame() -> None:
    patch = np.where(MASK[..., None], EDITED, 0).astype(np.uint8)
    placed = laid(patch, MASK.astype(np.uint8) * 255)
    assert (placed.picture == EDITED).all()
    assert likeness(placed) == "unknown", "nothing of the frame came with it"


def test_a_difference_outside_the_mask_is_measured() -> None:
    elsewhere = EDITED.copy()
    elsewhere[:40, :60] = 255
    found = compare_outside(FRAME, laid(elsewhere), MASK)
    assert found.likeness == "changed"
    assert found.share == pytest.approx(40 * 60 / (~MASK).sum(), rel=0.25)
    assert likeness(laid(textured(9))) == "another"
    noisy = np.clip(EDITED + np.random.default_rng(1).normal(0, 4, EDITED.shape), 0, 255).astype(np.uint8)
    assert likeness(laid(noisy)) == "same", "what a compressed file does is no change"
