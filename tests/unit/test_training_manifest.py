"""Manifests: every form of media and masks that is documented, and one line for everything that can
be wrong with them.
"""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco

from core.dataset.rle import decode_rle
from core.errors import InputError
from core.media import write_image
from core.project.tracks import FORMS, MaskAdjustment
from core.training.adapter.config import Vivid5bConfig
from core.training.common.overrides import with_overrides
from core.training.datasets.conditions import draw_conditions
from core.training.datasets.feed import ManifestSource
from core.training.datasets.reading import groups_of, read_data, with_frames
from core.training.datasets.records import choose_frames, load_frame, load_record, plan_crop
from core.training.datasets.sample_schedule import DrawnSample
from core.vivid.conditioning import DELETE_CAPTION
from tests.builders import noise_frames, training_records, video_file

CONFIG = Vivid5bConfig(height=32, width=48, frames=9, fps=0)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return training_records(tmp_path_factory.mktemp("records"))


def test_masks_in_every_form_are_the_same_masks(manifest: Path) -> None:
    """PNG folder, mask video and run lengths: the records' masks move alike, and so do what is read
    of them.
    """
    records = [record for record in read_data(str(manifest)) if record.kind == "video"]
    assert [type(record.masks).__name__ for record in records] == ["PosixPath", "PosixPath", "tuple"]
    config = Vivid5bConfig(height=32, width=48, frames=9, fps=0, seed=3)
    examples = [load_record(record, config) for record in records]
    for example in examples:
        assert example.frames.shape == (9, 32, 48, 3)
        assert example.masks.shape == (9, 32, 48)
        assert np.array_equal(example.source, example.frames)
        widths = example.masks.any(axis=1).sum(axis=1)
        assert len(set(widths.tolist())) <= 2, "the region keeps its width"
        red = example.frames[..., 0].astype(int) > 150
        assert (red == example.masks).mean() > 0.95, "the masks lie on the thing, at every frame"
    single = [load_frame(records[0], config, visit) for visit in range(4)]
    assert {frame.frames.shape for frame in single} == {(1, 32, 48, 3)}
    assert all(((frame.frames[..., 0].astype(int) > 150) == frame.masks).mean() > 0.95 for frame in single)
    assert len({frame.frames.tobytes() for frame in single}) > 1, "each visit sees another frame"
    groups = with_frames(groups_of(read_data(str(manifest))))
    assert [list(groups[kind, "draw"]) for kind in ("image", "video")] == [[3, 4, 0, 1], [0, 1]]  # type: ignore[index]
    source = ManifestSource(read_data(str(manifest)), replace(config, images_from_videos=True), None)
    assert source.sample(DrawnSample("image", "delete", 0, 2, 1)).frames.shape[0] == 1


def test_masks_are_given_forms_or_left_alone() -> None:
    plain = replace(CONFIG, mask_forms=False)
    drawn = [(draw_conditions(CONFIG, "clip", "video", visit), draw_conditions(plain, "clip", "video", visit)) for visit in range(40)]
    assert {formed.adjustment.form for formed, _ in drawn} == set(FORMS)
    assert {left.adjustment for _, left in drawn} == {MaskAdjustment()}
    assert all(formed.keyframe == left.keyframe for formed, left in drawn)


def test_records_say_what_they_are(manifest: Path) -> None:
    records = read_data(str(manifest))
    assert [record.group for record in records] == [
        ("video", "draw"),
        ("video", "draw"),
        ("video", "delete"),
        ("image", "draw"),
        ("image", "draw"),
        ("image", "delete"),
    ]
    assert records[0].captions == ("a ball", "a red ball", "a large red shiny ball")
    assert records[2].captions == (DELETE_CAPTION,), "whatever was written"
    assert records[1].where == f"{manifest}:2"
    assert load_record(records[3], CONFIG).frames.shape == (1, 32, 48, 3)


def test_run_lengths_are_cocos() -> None:
    generator = np.random.default_rng(0)
    for number in range(60):
        height, width = (int(side) for side in generator.integers(1, 60, 2))
        mask = generator.random((height, width)) < (0.0, 0.02, 0.5, 1.0, 0.98)[number % 5]
        packed = coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
        assert np.array_equal(decode_rle(packed, height, width), mask)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], mask.T.ravel()]))).tolist()
        assert np.array_equal(decode_rle(np.diff([0, *edges, mask.size]).tolist(), height, width), mask)


def test_run_lengths_by_hand() -> None:
    wanted = [[False, False, True], [False, True, False]]
    assert np.array_equal(decode_rle([3, 2, 1], 2, 3), wanted)
    assert np.array_equal(decode_rle("321", 2, 3), wanted)
    # 40 takes two characters of five bits each, the lower first: 8 and a bit that says more
    # follows, then 1.
    assert decode_rle("8X1", 8, 6).T.ravel().tolist() == [False] * 8 + [True] * 40
    # From the fourth number on each is the difference to the one two before: 2, 3, 4, then 3 - 3 =
    # 0 and 5 - 4 = 1.
    assert decode_rle("23401", 17, 1).ravel().tolist() == [False] * 2 + [True] * 3 + [False] * 4 + [True] * 3 + [False] * 5
    for counts, hint in (
        ([3, 2], "5 pixels, where 3x2 has 6"),
        ([7, -1], "6 pixels, where 3x2 has 6"),
        ("32", "do not make up a picture of 3x2"),
        ("3211", "do not make up a picture of 3x2"),
        ("0O", "do not make up a picture of 3x2"),
        ("0\x7f", "no place"),
        ("P", "middle of a number"),
        ("", "middle of a number"),
    ):
        with pytest.raises(ValueError, match=hint):
            decode_rle(counts, 2, 3)


def _tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def _png(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()


def test_a_webdataset_tar_gives_what_the_files_beside_a_manifest_give(manifest: Path, tmp_path: Path) -> None:
    folder = manifest.parent
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    mask_pngs = sorted((folder / "clip0_masks").iterdir())
    facts = [json.dumps({name: line[name] for name in ("task", "captions")}).encode() for line in lines]
    members = {
        "videos/000.mp4": (folder / "clip0.mp4").read_bytes(),
        **{f"videos/000.mask.{path.name}": path.read_bytes() for path in mask_pngs},
        "videos/000.json": facts[0],
        "videos/001.mp4": (folder / "clip1.mp4").read_bytes(),
        "videos/001.mask.mp4": (folder / "clip1_masks.mp4").read_bytes(),
        "videos/001.json": facts[1],
        "images/000.png": (folder / "image0.png").read_bytes(),
        "images/000.masked.png": _png(np.full((48, 64, 3), 9, np.uint8)),
        "images/000.json": json.dumps({name: lines[3][name] for name in ("task", "captions", "masks")}).encode(),
    }
    (tmp_path / "shards").mkdir()
    _tar(tmp_path / "shards" / "a.tar", members)
    records = read_data(str(tmp_path / "shards"))
    assert [record.key for record in records] == ["a/videos/000", "a/videos/001", "a/images/000"]
    beside = read_data(str(manifest))
    for ours, theirs in zip(records, (beside[0], beside[1], beside[3]), strict=True):
        config = Vivid5bConfig(height=32, width=48, frames=9, fps=8)  # both clips are too short for it: all of them is taken
        one, other = load_record(ours, config), load_record(theirs, config)
        assert np.array_equal(one.frames, other.frames)
        assert np.array_equal(one.masks, other.masks)
        if ours.kind == "image":
            assert (one.source == 9).all(), "the masked media is what is seen around the region"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"media": None}, "'media' has to be a path, not null"),
        ({"media": "absent.mp4"}, "'media' does not exist: .*absent.mp4"),
        ({"media": "manifest.jsonl"}, "neither a video nor an image"),
        ({"masks": "absent"}, "'masks' does not exist"),
        ({"masks": {"size": [40], "counts": "0"}}, "mask 0 has to be a path, or run lengths"),
        ({"masks": []}, "no masks"),
        ({"task": "replace"}, 'the task "replace" is not one of add, modify, delete'),
        ({"captions": []}, "to add, 'captions' has to be a list of texts"),
        ({"captions": {"tiny": "a"}}, "an object of short, medium and long"),
        ({"mask": "clip0_masks"}, "unknown 'mask'; a record has captions, key, masked, masks, media, task"),
    ],
)
def test_a_wrong_line_is_named_by_file_and_number(manifest: Path, change: dict[str, Any], message: str) -> None:
    lines = manifest.read_text().splitlines()
    wrong = manifest.parent / "wrong.jsonl"
    wrong.write_text("\n".join([lines[1], "", json.dumps(json.loads(lines[0]) | change)]))
    with pytest.raises(InputError, match=rf"wrong\.jsonl:3: .*{message}") as caught:
        read_data(str(wrong))
    assert "\n" not in str(caught.value)
    assert len(read_data(str(wrong), bad_records="skip")) == 1


def test_wrong_files_are_named(manifest: Path, tmp_path: Path) -> None:
    folder = tmp_path
    (folder / "lines.jsonl").write_text('{"media": \n')
    with pytest.raises(InputError, match=r"lines\.jsonl:1: not JSON"):
        read_data(str(folder / "lines.jsonl"))
    (folder / "list.jsonl").write_text("[1]\n")
    with pytest.raises(InputError, match=r"list\.jsonl:1: a record is an object"):
        read_data(str(folder / "list.jsonl"))
    (folder / "twice.jsonl").write_text("\n")
    with pytest.raises(InputError, match="no records in it"):
        read_data(str(folder / "twice.jsonl"))
    twice = manifest.parent / "twice.jsonl"
    twice.write_text(manifest.read_text() * 2)
    with pytest.raises(InputError, match=r"twice\.jsonl:7: the key 'clip0\.mp4' was taken already, at .*twice\.jsonl:1"):
        read_data(str(twice))
    with pytest.raises(InputError, match="can't be read: No such file"):
        read_data(str(folder / "absent.jsonl"))
    with pytest.raises(InputError, match=r"a manifest is a \.jsonl file"):
        read_data("records.csv")
    (folder / "text.tar").write_text("no tar at all" * 100)
    with pytest.raises(InputError, match=r"text\.tar can't be read as a tar"):
        read_data(str(folder / "text.tar"))
    with pytest.raises(InputError, match=r"b\.tar:x/1: no 1\.json beside png"):
        read_data(str(_tar(folder / "b.tar", {"x/1.png": b""})))
    with pytest.raises(InputError, match=r"c\.tar:1: no masks"):
        read_data(str(_tar(folder / "c.tar", {"1.png": b"", "1.json": b'{"task": "delete"}'})))
    with pytest.raises(InputError, match=r"d\.tar:1: 0 videos or images"):
        read_data(str(_tar(folder / "d.tar", {"1.json": b'{"task": "delete"}'})))
    whole = _tar(
        folder / "e.tar", {"1.png": _png(np.zeros((9, 9, 3), np.uint8)), "1.mask.png": b"x" * 2000, "1.json": b'{"task": "delete"}'}
    )
    (record,) = read_data(str(whole))
    with pytest.raises(InputError, match=r"e\.tar:1: the mask .*1\.mask\.png is not a readable picture"):
        load_record(record, CONFIG)


def test_what_only_shows_when_a_record_is_read_is_named_as_well(tmp_path: Path) -> None:
    video_file(tmp_path / "short.mp4", noise_frames(5, 32, 48))
    video_file(tmp_path / "clip.mp4", noise_frames(10, 32, 48))
    write_image(tmp_path / "picture.png", noise_frames(1, 20, 30)[0])
    (tmp_path / "broken.mp4").write_bytes(b"nothing that moves")

    def rle(count: int, height: int = 32, width: int = 48, inside: int = 4) -> list[dict[str, Any]]:
        return [{"size": [height, width], "counts": [0, inside, height * width - inside]}] * count

    cases = [
        ({"media": "short.mp4", "masks": rle(5)}, "the video has 5 frames, 9 are needed"),
        ({"media": "clip.mp4", "masks": rle(9)}, "9 masks for a video of 10 frames"),
        ({"media": "clip.mp4", "masks": rle(10, width=40)}, "mask 0 is 40x32, the media 48x32"),
        ({"media": "clip.mp4", "masks": [{"size": [32, 48], "counts": [5]}] * 10}, "mask 0: run lengths of 5 pixels"),
        ({"media": "clip.mp4", "masks": rle(10, inside=0)}, "the masks are empty on every frame"),
        ({"media": "clip.mp4", "masks": "short.mp4"}, "5 masks for a video of 10 frames"),
        ({"media": "clip.mp4", "masks": rle(10), "masked": "short.mp4"}, "the masked video has 5 frames, the video 10"),
        ({"media": "picture.png", "masks": rle(2, 20, 30)}, "2 masks for one image"),
        ({"media": "picture.png", "masks": "short.mp4"}, "5 masks for one image"),
        ({"media": "broken.mp4", "masks": rle(9)}, "broken.mp4"),
    ]
    lines = [json.dumps({"key": str(number), "task": "delete"} | case) for number, (case, _) in enumerate(cases)]
    (tmp_path / "all.jsonl").write_text("\n".join(lines))
    for number, (record, (_, message)) in enumerate(zip(read_data(str(tmp_path / "all.jsonl")), cases, strict=True), 1):
        with pytest.raises(InputError, match=rf"all\.jsonl:{number}: .*{message}"):
            load_record(record, CONFIG)


def test_frames_are_chosen_by_time() -> None:
    at_24 = [Fraction(index, 24) for index in range(200)]
    assert choose_frames(at_24, 5, 8, 0) == [0, 3, 6, 9, 12]
    assert choose_frames(at_24, 5, 8, 7) == [7, 10, 13, 16, 19]
    assert choose_frames(at_24, 5, 0, 7) == [7, 8, 9, 10, 11]
    assert choose_frames(at_24[:9], 5, 8, 0) == [0, 2, 4, 6, 8], "too short for 8 a second: denser, to its end"
    uneven = [Fraction(0), Fraction(1, 100), Fraction(2, 100), Fraction(1), Fraction(101, 100)]
    assert choose_frames(uneven, 5, 8, 0) == [0, 1, 2, 3, 4], "none twice"
    assert choose_frames(at_24, 1, 8, 3) == [3]


def test_the_crop_is_as_large_as_it_goes_and_near_the_masks() -> None:
    masks = np.zeros((2, 100, 300), bool)
    masks[1, 40:60, 250:290] = True
    crop = plan_crop(masks, (300, 100), (32, 48))
    assert (crop.x, crop.y, crop.width, crop.height) == (150, 0, 150, 100)
    small = plan_crop(masks[:, :20, :30], (30, 20), (32, 48))
    assert (small.x, small.y, small.width, small.height) == (0, 0, 30, 20)


def test_settings_that_have_to_agree_may_come_in_any_order() -> None:
    config = with_overrides(Vivid5bConfig(), ["expand_from=60", "expand_to=90", "world.backgrounds=5", "world.silhouettes=6"])
    assert (config.expand_from, config.expand_to, config.world.backgrounds, config.world.silhouettes) == (60, 90, 5, 6)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"height": 100}, "multiple of 16"),
        ({"frames": 48}, "8k \\+ 1"),
        ({"rank": 0}, "at least 1"),
        ({"image_batches": 0, "video_batches": 0}, "an empty mixture"),
        ({"keyframe_probability": 1.5}, "between 0 and 1"),
        ({"expand_from": 9, "expand_to": 3}, "in order"),
        ({"checkpointing": "some"}, "say one of auto, none, attention, block"),
        ({"seed": -1}, "can't be negative"),
    ],
)
def test_settings_that_make_no_sense_are_refused(words: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Vivid5bConfig(**words)
