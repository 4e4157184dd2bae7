"""A data set on disk: what is written is read back, the same calls make the same bytes, and groups
are ranges that are split by source."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from core.dataset.facts import ClipFacts, PackedMasks, SampleFacts, SourceFacts, split_of
from core.dataset.index import DatasetIndex
from core.dataset.rle import area_of
from core.dataset.tars import members_of
from core.dataset.writer import DatasetWriter, Entry, entry_size, tars_of
from core.errors import InputError

MASKS = np.zeros((3, 8, 12), bool)
MASKS[1, 2:5, 3:9] = True


def entry(number: int) -> Entry:
    kind = "image" if number % 3 == 2 else "video"
    frames = 1 if kind == "image" else 3
    clip = ClipFacts(
        f"clip-{number}",
        kind,
        SourceFacts(f"videos/{number // 2}.mp4", "CC0"),
        12,
        8,
        frames,
        Fraction(30000, 1001),
        0,
        frames,
        ".png" if kind == "image" else ".mp4",
    )
    masks = PackedMasks.pack(MASKS[-frames:] if kind == "video" else MASKS[1:2])
    drawn = SampleFacts("e0", "modify", ("a ball", "a red ball", "a large red ball"), masks, "ball", values={"area": 0.1, "quality": 0.9})
    deletion = SampleFacts("d0", "delete", ("Remove.",), masks, form="box", notes={"donor": "clip-9.e0"})
    return Entry(clip, bytes([number]) * 5000, (drawn, deletion))


def write(folder: Path) -> None:
    with DatasetWriter(folder, validation=0.3, tar_bytes=20_000, facts={"maker": "test"}) as writer:
        for number in range(12):
            made = entry(number)
            writer.add(made.clip, made.media, made.samples)


def test_a_data_set_is_read_as_it_was_written(tmp_path: Path) -> None:
    write(tmp_path / "one")
    write(tmp_path / "two")
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["image-00000.tar", "image-00001.tar", "index.sqlite", *(f"video-{n:05d}.tar" for n in range(4))]
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    entries = [entry(number) for number in range(12)]
    planned = tars_of([(each.clip.kind, entry_size(each)) for each in entries], 20_000)
    for name, numbers in planned:
        clips = [entries[number].clip for number in numbers]
        wanted = [f"{clip.key}{part}" for clip in clips for part in (clip.suffix, ".e0.json", ".d0.json")]
        assert [one.name for one in members_of(tmp_path / "one" / name)] == wanted

    index = DatasetIndex(tmp_path / "one")
    assert index.facts == {"version": 1, "validation": 0.3, "maker": "test"}
    seen = {}
    for split in ("train", "validation"):
        for (kind, tasks), rows in index.groups(split).items():
            for row in rows:
                sample = index.sample(row)
                assert (sample.split, sample.clip.kind) == (split, kind)
                assert (sample.task == "delete") == (tasks == "delete")
                assert split_of(sample.clip.source.name, 0.3) == split
                seen[sample.key] = sample
    assert len(seen) == 24
    assert {sample.key: sample for sample in index.samples()} == seen
    for each in entries:
        for facts in each.samples:
            sample = seen[f"{each.clip.key}.{facts.name}"]
            assert sample.clip == each.clip
            assert sample.media.read() == each.media
            assert sample.read() == facts
            assert sample.measures == {name: value for name, value in facts.values.items() if name == "area"}
    drawn = seen["clip-0.e0"].read().masks
    assert np.array_equal(drawn.unpack(), MASKS)
    assert [area_of(counts, drawn.height, drawn.width) for counts in drawn.counts] == [0, 18, 0]
    assert [sample.key for sample in index.samples_of("clip-3")] == ["clip-3.d0", "clip-3.e0"]


def test_what_is_no_data_set_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no index\.sqlite"):
        DatasetIndex(tmp_path)
    (tmp_path / "index.sqlite").write_bytes(b"no database" * 500)
    with pytest.raises(InputError, match="can't be read"):
        DatasetIndex(tmp_path)
    made = entry(0)
    with DatasetWriter(tmp_path / "twice") as writer:
        writer.add(made.clip, made.media, made.samples)
        with pytest.raises(InputError, match="was taken already"):
            writer.add(made.clip, made.media, made.samples)
        with pytest.raises(InputError, match=r"gone\.mp4 can't be read"):
            writer.add(entry(1).clip, tmp_path / "gone.mp4", made.samples)
    with pytest.raises(InputError, match="run lengths"):
        SampleFacts.from_bytes("e0", b'{"masks": 3}')
    write(tmp_path / "gone")
    (tmp_path / "gone" / "video-00000.tar").unlink()
    with pytest.raises(InputError, match=r"video-00000\.tar"):
        DatasetIndex(tmp_path / "gone").samples_of("clip-0")[0].read()
