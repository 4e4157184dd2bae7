"""What is counted of a data set, and its page."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np

from core.dataset.facts import ClipFacts, PackedMasks, SampleFacts, SourceFacts
from core.dataset.index import DatasetIndex
from core.dataset.statistics import as_text, statistics_of
from core.dataset.statistics_page import statistics_page
from core.dataset.writer import DatasetWriter

MASKS = PackedMasks.pack(np.ones((1, 4, 4), np.bool_))


def test_a_data_set_is_counted_as_the_paper_counts(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path) as writer:
        for number, (kind, licence) in enumerate((("video", "CC0"), ("video", "<b>"), ("image", ""))):
            rate, frames = (Fraction(30), 60) if kind == "video" else (Fraction(0), 1)
            clip = ClipFacts(f"clip{number}", kind, SourceFacts(f"s{number}", licence), 1280, 720, frames, rate, 0, frames, ".mp4")
            values = {"area": 0.1 * (number + 1), "foreground_motion": 0.25, "background_motion": 0.0}
            drawn = SampleFacts("e0", "modify", ("a dog", "a brown dog", "a large brown dog in a park"), MASKS, "dog", values=values)
            gone = SampleFacts("d0", "delete", ("Remove objects.",), MASKS, form="box")
            writer.add(clip, b"", [drawn, gone] if kind == "video" else [drawn])
    index = DatasetIndex(tmp_path)
    found = statistics_of(index)
    assert found.samples == {("train", "image", "modify"): 1, ("train", "video", "delete"): 2, ("train", "video", "modify"): 2}
    assert (found.clips, found.seconds) == ({"image": 1, "video": 2}, 4.0)
    assert found.forms == {"tracked": 3, "box": 2}
    assert found.licences == {"<b>": 2, "CC0": 2, "not stated": 1}
    long = found.captions["long"]
    assert (long.known, long.mean, long.median) == (3, 7, 7)  # a deletion's caption doesn't count
    assert [count for count, edge in zip(long.counts, long.edges, strict=True) if edge == 6] == [3]
    assert dict(zip(found.area.edges, found.area.counts, strict=True)) == {**dict.fromkeys(found.area.edges, 0), 0.1: 1, 0.2: 1, 0.3: 1}
    assert found.motion["background"].counts[0] == 3
    assert found.motion["relative"].known == 0
    plain = json.loads(json.dumps(found.as_json()))
    assert plain["total"] == sum(each["samples"] for each in plain["samples"]) == 5
    assert "motion, relative   not known of any sample" in as_text(found)
    page = statistics_page(found, "my <set>")
    assert "my &lt;set&gt;" in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert "6 to 7</td>" in page
    assert not re.findall(r"(?:src|href)=", page)
