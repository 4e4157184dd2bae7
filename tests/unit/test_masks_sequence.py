"""Mask sequences come back as they were stored, on disk and as PNG, and bad files are named."""

import contextlib
import errno
import hashlib
import io
import json
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from core.errors import InputError, StorageError
from core.masks import adjust, adjusted, export_png, MaskSequence, read_mask, region_at, RegionPart
from core.masks.png import numbered_masks
from core.project.tracks import MaskAdjustment

frames_of_7x5 = arrays(np.bool_, st.tuples(st.integers(0, 4), st.just(5), st.just(7)))


def blobs(count: int, height: int = 48, width: int = 64) -> np.ndarray:
    """A square that walks to the right, bool (count, height, width)."""
    masks = np.zeros((count, height, width), np.bool_)
    for index in range(count):
        masks[index, 10:30, index : index + 20] = True
    return masks


@settings(deadline=None)
@given(frames_of_7x5, st.integers(0, 1000))
def test_every_mask_comes_back(masks: np.ndarray, start: int) -> None:
    sequence = MaskSequence((7, 5), start, masks)
    assert sequence.frames == range(start, start + len(masks))
    assert (sequence.array() == masks).all()
    assert [sequence.is_empty(frame) for frame in sequence.frames] == [not mask.any() for mask in masks]
    assert [frame for span in sequence.selected() for frame in range(*span)] == [f for f in sequence.frames if not sequence.is_empty(f)]


@settings(deadline=None, max_examples=20)
@given(masks=frames_of_7x5)
def test_saving_and_loading_keeps_everything(masks: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("masks") / "track.masks"
    MaskSequence((7, 5), 12, masks).save(path)
    loaded = MaskSequence.load(path)
    assert (loaded.size, loaded.frames) == ((7, 5), range(12, 12 + len(masks)))
    assert (loaded.array() == masks).all()
    assert [p.name for p in path.parent.iterdir()] == ["track.masks"]


def test_masks_are_stored_compactly(tmp_path: Path) -> None:
    masks = np.zeros((30, 480, 854), np.bool_)
    masks[:, 100:300, 200:500] = True
    MaskSequence((854, 480), 0, masks).save(tmp_path / "track.masks")
    assert (tmp_path / "track.masks").stat().st_size < masks.nbytes / 200


class Files:
    """Stored blocks, and which of them were written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: list[str] = []

    def put(self, data: bytes) -> str:
        name = f"{hashlib.sha256(data).hexdigest()[:32]}.runs"
        (self.folder / name).write_bytes(data)
        self.written.append(name)
        return name

    def keep(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if (self.folder / name).exists()]

    def store(self, sequence: MaskSequence) -> Path:
        index = sequence.to_index(self.put, self.keep)
        path = self.folder / f"{hashlib.sha256(index).hexdigest()[:32]}.masks"
        path.write_bytes(index)
        return path


def test_a_change_of_one_frame_writes_one_block_of_a_long_sequence(tmp_path: Path) -> None:
    masks = np.concatenate([blobs(40)] * 10 + [np.zeros((400, 48, 64), np.bool_)])
    files = Files(tmp_path)
    sequence = MaskSequence((64, 48), 7, masks)
    first = files.store(sequence)
    whole = len(files.written)
    assert 1 < whole < 13, "a stretch of empty masks takes no room"

    changed = MaskSequence.load(first).copy()
    mask = ~masks[0]
    changed.set(300, mask)
    second = files.store(changed)
    assert len(files.written) == whole + 1
    assert (MaskSequence.load(second)[300] == mask).all()
    masks_now = MaskSequence.load(second).array()
    masks_now[293] = masks[293]
    assert (masks_now == masks).all()
    assert (MaskSequence.load(first).array() == masks).all(), "what undo goes back to is as it was"
    assert files.store(changed) == second
    assert len(files.written) == whole + 1

    (tmp_path / files.written[1]).unlink()
    files.store(changed)
    assert files.written[whole + 1 :] == [files.written[1]], "a block that is gone is written again"


def test_the_quality_of_tracked_masks_is_stored_with_them(tmp_path: Path) -> None:
    files, masks = Files(tmp_path), blobs(3)
    sequence = MaskSequence.empty((64, 48), 5, 8)
    sequence.set(5, masks[0], 0.734)
    sequence.set(6, masks[1], 1.2)
    sequence.set(7, masks[2])
    stored = files.store(sequence)
    loaded = MaskSequence.load(stored)
    assert [loaded.quality(frame) for frame in loaded.frames] == [0.73, 1.0, None]
    assert MaskSequence.load_partly(stored, (64, 48), range(10)).quality(5) == 0.73
    changed = loaded.copy()
    changed.set(5, masks[2])  # by a person
    assert (changed.quality(5), loaded.quality(5)) == (None, 0.73)

    said = json.loads(stored.read_text())
    for damaged in ("AAAA", 7, None, said["quality"][:-8]):  # the masks are good without it
        stored.write_text(json.dumps({**said, "quality": damaged}))
        assert MaskSequence.load(stored).quality(5) is None
        assert (MaskSequence.load(stored).array() == masks).all()


@settings(deadline=None, max_examples=20)
@given(masks=frames_of_7x5, start=st.integers(0, 100))
def test_every_mask_comes_back_from_blocks(masks: np.ndarray, start: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    loaded = MaskSequence.load(Files(tmp_path_factory.mktemp("blocks")).store(MaskSequence((7, 5), start, masks)))
    assert (loaded.size, loaded.frames) == ((7, 5), range(start, start + len(masks)))
    assert (loaded.array() == masks).all()


def test_damaged_blocks_are_refused(tmp_path: Path) -> None:
    files = Files(tmp_path)
    path = files.store(MaskSequence((64, 48), 0, blobs(20)))
    index, (name,) = path.read_text(), files.written
    block = (tmp_path / name).read_bytes()
    for damaged in (b"", b"something else", block[: len(block) // 2], block[:40] + b"12345678" + block[48:]):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(InputError, match="can't be read"):
            MaskSequence.load(path)
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match=name):
        MaskSequence.load(path)
    (tmp_path / name).write_bytes(block)
    for before, after, words in (('_masks": 2', '_masks": 3', "newer"), (name, "../../secret", "read"), ('s": 20', 's": 99', "read")):
        path.write_text(index.replace(before, after))
        with pytest.raises(InputError, match=words):
            MaskSequence.load(path)
    path.write_text(index.replace("[64, 48]", "[6, 4]"))
    with pytest.raises(InputError, match="can't be read"):
        MaskSequence.load(path)


def test_setting_and_asking_outside_the_span() -> None:
    sequence = MaskSequence.empty((64, 48), 10, 13)
    mask = blobs(1)[0]
    sequence.set(11, mask)
    assert (sequence[11] == mask).all()
    assert not sequence[10].any()
    assert (sequence.array(11, 13) == np.stack([mask, np.zeros_like(mask)])).all()
    with pytest.raises(InputError, match=r"frame 13 .*10 to 12"):
        sequence.set(13, mask)
    with pytest.raises(InputError, match="64x48"):
        sequence.set(11, mask[1:])


def test_a_region_is_the_union_of_objects_each_adjusted_in_its_own_way() -> None:
    masks = blobs(4)
    ways = [MaskAdjustment("box"), MaskAdjustment("expand", 3)]
    parts = [RegionPart(MaskSequence((64, 48), 0, masks[2 * i : 2 * i + 2]), way) for i, way in enumerate(ways)]
    region, _ = adjusted(parts, range(0, 2))
    assert region.frames == range(0, 2)
    for frame in range(2):
        assert (region[frame] == adjust(masks[frame], ways[0]) | adjust(masks[frame + 2], ways[1])).all()
        assert (region_at(parts, frame, (64, 48))[0] == region[frame]).all()
    with pytest.raises(InputError, match="no object"):
        adjusted([], range(0, 2))


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "track.masks"
    MaskSequence((64, 48), 0, blobs(2)).save(path)
    monkeypatch.setattr("os.fsync", _disk_full)
    with pytest.raises(StorageError, match="disk is full"):
        MaskSequence.empty((64, 48), 0, 2).save(path)
    assert (MaskSequence.load(path).array() == blobs(2)).all()
    assert [p.name for p in tmp_path.iterdir()] == ["track.masks"]


def _disk_full(_file: int) -> None:
    raise OSError(28, "No space left on device")


def test_damaged_and_newer_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "track.masks"
    with pytest.raises(InputError, match="no mask file at"):
        MaskSequence.load(path)
    MaskSequence((64, 48), 0, blobs(3)).save(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    noise = [whole[:at] + rng.bytes(8) + whole[at + 8 :] for at in range(30, len(whole) - 120, 7)]
    for scrambled in noise:  # where that hits nothing that counts, the file may still be read
        path.write_bytes(scrambled)
        with contextlib.suppress(InputError):
            MaskSequence.load(path)
    for damaged in (b"", b"something else", whole[: len(whole) // 2], plain_array()):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="can't be read"):
            MaskSequence.load(path)
    with path.open("wb") as file:
        np.savez(file, header=np.array([99, 64, 48, 0]), counts=np.zeros(0), runs=np.zeros(0))
    with pytest.raises(InputError, match=r"newer version \(99\)"):
        MaskSequence.load(path)


def plain_array() -> bytes:
    """One array as NumPy saves it by itself."""
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(5))
    return buffer.getvalue()


def huge_png_header() -> bytes:
    """A PNG of a few bytes that says it has 60000x60000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)) + chunk(b"IDAT", b"")


def test_png_round_trip(tmp_path: Path) -> None:
    masks = blobs(3)
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "00007.png").touch()  # left from a longer export
    written = export_png(MaskSequence((64, 48), 20, masks), tmp_path / "masks")
    assert [p.name for p in written] == ["00000.png", "00001.png", "00002.png"]
    assert sorted((tmp_path / "masks").iterdir()) == written
    with Image.open(written[0]) as image:
        assert image.mode == "L"
        assert set(np.unique(np.asarray(image))) == {0, 255}
    loaded = np.stack([read_mask(path, (64, 48)) for path in numbered_masks(tmp_path / "masks")])
    assert (loaded == masks).all()


def test_a_disk_that_refuses_leaves_the_old_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export_png(MaskSequence((64, 48), 0, blobs(2)), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    real, calls = Image.Image.save, []

    def refuse(*arguments: object, **options: object) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Image.Image, "save", refuse)
    with pytest.raises(StorageError, match="disk is full"):
        export_png(MaskSequence((64, 48), 0, ~blobs(3)), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_masks_of_other_programs_are_read(tmp_path: Path, mode: str) -> None:
    mask = blobs(1)[0]
    picture = Image.fromarray(mask.astype(np.uint8) * 255)
    if mode == "P":
        picture = Image.fromarray(mask.astype(np.uint8))
        picture.putpalette([0, 0, 0, 200, 30, 30])
    elif mode == "RGBA":
        picture = Image.merge("RGBA", [picture, picture, picture, Image.new("L", picture.size, 255)])
    else:
        picture = picture.convert(mode)
    picture.save(tmp_path / "0.png")
    assert (read_mask(tmp_path / "0.png", (64, 48)) == mask).all()


def test_bad_mask_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no mask folder at"):
        numbered_masks(tmp_path / "nowhere")
    export_png(MaskSequence((64, 48), 0, blobs(2)), tmp_path)
    with pytest.raises(InputError, match=r"00000\.png has 64x48 pixels, the clip 100x50"):
        read_mask(tmp_path / "00000.png", (100, 50))
    for damaged, words in ((b"not a picture", "is not a readable picture"), (huge_png_header(), "is too large")):
        (tmp_path / "00001.png").write_bytes(damaged)
        with pytest.raises(InputError, match=rf"00001\.png {words}"):
            read_mask(tmp_path / "00001.png", (64, 48))
    (tmp_path / "1.png").write_bytes((tmp_path / "00001.png").read_bytes())
    with pytest.raises(InputError, match=r"two masks numbered 1: 00001\.png and 1\.png"):
        numbered_masks(tmp_path)
    (tmp_path / "1.png").rename(tmp_path / "notes.png")
    with pytest.raises(InputError, match=r"notes\.png is not the mask of a frame"):
        numbered_masks(tmp_path)
