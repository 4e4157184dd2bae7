"""What a build's ledger, its search for duplicates and the index take with very many records.

A script, not a test: with ten million records it takes a quarter of an hour of one processor and
10 GB of disk.

python -m scripts.measure_scale index|ledger|duplicates --folder F [--records 10000000]

No clip is decoded. `index` writes the index of so many samples, then opens it in a new process and
draws from it. `ledger` takes so many sources through the first two stages by the code that a build
uses, without the work of the stages, and then asks what is done, as a build that goes on does.
`duplicates` looks for repeats among so many random signatures, of which one in a hundred repeats
another but for four bits a frame, and one in five hundred begins in black. Seconds are processor
time, memory is the most that the process had.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from core.curation.build import Build, open_build
from core.curation.ledger import Done
from core.curation.near import repeats
from core.curation.records import ClipRecord, Media, SourceItem, to_lines
from core.curation.settings import CurationSettings
from core.curation.shards import ShardTask, STAGES
from core.curation.status import reasons_of, states_of
from core.dataset.facts import ClipFacts, SampleFacts, SourceFacts
from core.dataset.index import DatasetIndex, IndexWriter, Place
from core.machine import peak_memory_mb

SHARD = 1000
OF_A_CLIP = 13
"""Samples: 9.7 million of 746 thousand clips."""
DRAWN = 200


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("index", "ledger", "duplicates", "open", "status"))
    parser.add_argument("--folder", type=Path, required=True, help="an empty one")
    parser.add_argument("--records", type=float, default=1e7)
    parser.add_argument("--frames", type=int, default=1, help="of a signature: 1 of images, 4 of videos")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    count = int(options.records)
    {"index": index, "open": opened, "ledger": ledger, "status": status}.get(options.part, lambda *_: duplicates(count, options.frames))(
        options.folder, count
    )
    return 0


@contextmanager
def told(what: str, **facts: Any) -> Iterator[dict[str, Any]]:
    """Print what was done, in how many seconds and with how much memory so far."""
    began = time.process_time()
    yield facts
    said = {"what": what, "seconds": round(time.process_time() - began, 2), "most_mb": round(peak_memory_mb())}
    print(json.dumps(said | facts), flush=True)


def index(folder: Path, count: int) -> None:
    with told("index written", samples=count) as facts:
        with IndexWriter(folder, 0.02) as writer:
            for number in range(count // OF_A_CLIP):
                kind = "video" if number % 10 == 0 else "image"
                source = SourceFacts(f"https://example.org/watch?v={number:08d}", "unknown")
                clip = ClipFacts(f"{number:012x}-000", kind, source, 1280, 720, 150, Fraction(30), 0, 150, ".mp4")  # type: ignore[arg-type]
                tar = f"{kind}-{number // 5000:05d}.tar"
                writer.add(clip, Place(tar, number, 10**6), ((_sample(each), Place(tar, number + each, 4000)) for each in range(OF_A_CLIP)))
        facts["bytes"] = (folder / "index.sqlite").stat().st_size
    subprocess.run([sys.executable, "-m", "scripts.measure_scale", "open", "--folder", str(folder)], check=True)


def _sample(number: int) -> SampleFacts:
    task = "delete" if number % 4 == 3 else "add"
    captions = ("a dog", "a brown dog that runs", "a large brown dog that runs over the grass with its tongue out")
    values = {"area": 0.1, "foreground_motion": 0.2, "background_motion": 0.1, "relative_motion": 0.1}
    return SampleFacts(f"e{number}", task, captions, None, "dog", "tracked", values)  # type: ignore[arg-type]


def opened(folder: Path, _: int) -> None:
    process = psutil.Process()
    before = process.memory_info().rss
    with told("index opened, and drawn from", draws=DRAWN) as facts:
        found = DatasetIndex(folder)
        rows = next(iter(found.groups("train").values()))
        random = np.random.default_rng(0)
        for _ in range(DRAWN):
            found.sample(rows[int(random.integers(len(rows)))])
        facts["more_mb"] = round((process.memory_info().rss - before) / 2**20, 1)


def ledger(folder: Path, count: int) -> None:
    with told("sources listed", sources=count):
        items = [
            SourceItem(f"panda/{number:08d}.mp4", f"https://example.org/{number // 3}", "", f"/videos/{number:08d}.mp4", 10**6, 10**18)
            for number in range(count)
        ]
    build = Build(folder, items, CurationSettings(shard_size=SHARD, tagger="fake", tracker="fake", captioner="fake"), {})
    with told("sources written in shards", shards=-(-count // SHARD)):
        build.write_facts()
    random = np.random.default_rng(0)
    for stage in STAGES[:2]:
        with told(f"shards of {stage.name} named, with what it gathers"):
            tasks = (
                next(tasks for one, tasks, _ in build.states() if one.name == stage.name) if stage is STAGES[0] else _tasks(build, stage)
            )
        with told(f"shards of {stage.name} written"):
            for task in tasks:
                _finish(build, task, min(SHARD, count - SHARD * task.shard), random)
    subprocess.run([sys.executable, "-m", "scripts.measure_scale", "status", "--folder", str(folder)], check=True)
    facts = {"files": 0, "bytes": 0}
    for path in folder.rglob("*"):
        facts["files"] += 1
        facts["bytes"] += path.stat().st_size
    print(json.dumps(facts))


def status(folder: Path, _: int) -> None:
    with told("nothing but the program loaded"):
        pass
    with told("asked what is done, as data status does") as facts:
        build = open_build(folder)
        found = list(build.states())
        dropped, _aside = reasons_of(build.ledger, found)
        facts["stages"] = [(one.name, one.done, one.shards) for one in states_of(build.settings, found)][:3]
        facts["dropped"] = dropped.total()


def _tasks(build: Build, stage: Any) -> list[ShardTask]:
    from core.curation.build import _after

    before, tasks, states = list(build.states())[STAGES.index(stage) - 1]
    return build.tasks(stage, _after(before, tasks, [state for state in states if state is not None]))


def _finish(build: Build, task: ShardTask, count: int, random: np.random.Generator) -> None:
    codes = random.integers(0, 2**64, count, np.uint64).tolist()
    first = SHARD * task.shard
    clips = [
        ClipRecord(
            key=f"{first + number:012x}-i",
            kind="image",
            source=f"https://example.org/{(first + number) // 3}",
            licence="",
            media=Media(f"stages/clips/{task.name}.tar", f"{first + number:012x}-i.jpg", number * 10**5, 10**5),
            suffix=".jpg",
            width=1280,
            height=720,
            frames=1,
            rate="0",
            start=0,
            stop=1,
            signature=(code,),
        )
        for number, code in enumerate(codes)
    ]
    build.ledger.put(task.stage, task.name, ".jsonl", to_lines(clips if task.stage == "clips" else clips[:1]))
    digest, filters = build.ledger.digest(task.stage, task.name), {"duplicate_bits": count // 100}
    build.ledger.finish(task.name, Done(task.stage, task.shard, count, count // 100, 0, 1.0, digest, filters=filters))


def duplicates(count: int, frames: int) -> None:
    random = np.random.default_rng(0)
    codes = random.integers(0, 2**64, (count, frames), np.uint64)
    late = random.choice(np.arange(count // 2, count), count // 100, replace=False)
    codes[late] = codes[random.integers(0, count // 2, len(late))]
    for frame in range(frames):
        for _ in range(4):
            codes[late, frame] ^= np.uint64(1) << random.integers(0, 64, len(late), np.uint64)
    if frames > 1:
        codes[random.choice(count, count // 500, replace=False), 0] = 0
    with told("repeats found", signatures=count, frames=frames, planted=len(late)) as facts:
        facts["found"] = len(repeats(codes, 6))


if __name__ == "__main__":
    sys.exit(main())
