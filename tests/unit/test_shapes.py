"""Shapes that are drawn on some frames, and what they are on the others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.masks.shapes import read_shapes, shape_mask, shape_masks
from core.project.shapes import DrawnShape, ShapeKey

SIZE = (60, 40)


def square(x: float, y: float, side: float = 10) -> tuple[tuple[float, float], ...]:
    return (x, y), (x + side, y), (x + side, y + side), (x, y + side)


def test_a_shape_goes_from_one_drawing_to_the_next_and_stays_beyond_them() -> None:
    shape = DrawnShape((ShapeKey(2, square(10, 10)), ShapeKey(6, square(30, 14)), ShapeKey(8)))
    masks = shape_masks(shape, SIZE, 10)
    expected = np.zeros((SIZE[1], SIZE[0]), bool)
    expected[10:20, 10:20] = True
    assert (masks[0] == expected).all()
    assert (masks[2] == expected).all()
    between = np.zeros_like(expected)
    between[12:22, 20:30] = True
    assert (masks[4] == between).all()
    assert [masks.is_empty(frame) for frame in (6, 7, 8, 9)] == [False, False, True, True]
    moved = shape.with_key(ShapeKey(4, square(0, 0)))
    assert [key.frame for key in moved.keys] == [2, 4, 6, 8]
    assert moved.points_at(3) == square(5, 5)


def test_drawings_with_other_points_meet_on_the_way_and_curves_are_round() -> None:
    more = ((10.0, 10.0), (15.0, 10.0), (20.0, 10.0), (20.0, 20.0), (10.0, 20.0))
    shape = DrawnShape((ShapeKey(0, square(10, 10)), ShapeKey(4, more[2:] + more[:2])))
    assert shape_masks(shape, SIZE, 5)[2].sum() == pytest.approx(100, abs=6), "it does not turn inside out"
    round_one = shape_mask(square(20, 10, 20), True, SIZE)
    assert 1.2 * 400 < round_one.sum() < 1.5 * 400
    assert not round_one[9, 19]
    assert round_one[8, 30], "beyond the straight side"


def test_a_file_of_shapes_is_read_as_objects_and_a_wrong_one_is_said_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "shapes.json"
    arm = {"name": "Arm", "frames": {"0": square(10, 10), "4": square(20, 10)}}
    path.write_text(json.dumps({"size": [30, 20], "shapes": [arm, {"curve": True, "frames": {"0": square(0, 0, 8)}}]}))
    found = read_shapes(path, SIZE, 5)
    assert [one.name for one in found.objects] == ["Arm", "Shape 2"]
    assert found.objects[0].masks[2][25, 35], "scaled to the clip"
    for wrong, why in (
        ("no json", "is not a file of shapes"),
        ({"shapes": []}, "holds 0 shapes"),
        ({"shapes": [{"frames": {"0": [[1, 2], [3, 4]]}}]}, "a shape of 2 points"),
        ({"shapes": [{"frames": {"9": square(1, 1)}}]}, "the clip ends with frame 4"),
        ({"shapes": [{"frames": {"0": []}}]}, "no points on any frame"),
        ({"shapes": [{"frames": {"0": [[1, "a"], [3, 4], [5, 6]]}}]}, "is not a file of shapes"),
    ):
        path.write_text(wrong if isinstance(wrong, str) else json.dumps(wrong))
        with pytest.raises(InputError, match=why):
            read_shapes(path, SIZE, 5)
