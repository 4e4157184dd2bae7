"""A build makes a data set of videos and procedural clips: killed at any moment and begun again it
makes the same bytes, and what can't be read is set aside."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import noise_frames, tiny_base, tiny_vivid_package, video_file
from command_line import run_here

from core.curation.build import Build, open_build
from core.curation.executors import Executor, LocalExecutor
from core.curation.identity import fingerprint
from core.curation.ray_executor import RayExecutor
from core.curation.settings import CurationSettings
from core.curation.shards import STAGES
from core.curation.sources import list_sources
from core.data.pool_sizes import PoolSizes
from core.dataset.facts import LENGTHS
from core.dataset.index import DatasetIndex
from core.dataset.writer import DatasetWriter
from core.errors import InputError
from core.media import write_image
from core.progress import JobContext
from core.project.tracks import FORMS
from core.training.adapter.config import Vivid5bConfig
from core.training.command import main as train
from core.training.datasets.feed import ManifestSource
from core.training.datasets.reading import read_data
from core.training.datasets.sample_schedule import DrawnSample
from core.training.small.data_clips import DataClips
from core.training.small.vivid_config import VividConfig
from core.vivid.conditioning import DELETE_CAPTION

TINY = PoolSizes(1, 32, 2, 64, 4)
SETTINGS = CurationSettings(
    shard_size=2,
    procedural_side=64,
    procedural_frames=9,
    world=TINY,
    tracker="known",
    validation=0.15,
    least_side=32,
    least_seconds=0.3,
    written_forms=True,
)

MOMENTS = [
    ("stages/clips/", ".tar", 1, "before"),
    ("stages/clips/", ".jsonl", 1, "before"),
    ("stages/duplicates/", ".jsonl", 2, "before"),
    ("stages/tags/", ".jsonl", 2, "before"),
    ("stages/boxes/", ".jsonl", 1, "after"),
    ("stages/masks/", ".jsonl", 2, "before"),
    ("stages/propagation/", ".jsonl", 2, "after"),
    ("stages/captions/", ".done", 1, "before"),
    ("stages/filters/", ".done", 2, "after"),
    ("stages/deletions/", ".shared.json", 1, "before"),
    ("stages/deletions/", ".jsonl", 1, "after"),
    ("stages/forms/", ".jsonl", 2, "before"),
    ("data/", ".tar", 1, "after"),
    ("data/", ".tar", 1, "before"),
    ("data/", ".sqlite", 1, "before"),
    ("data/", ".sqlite", 1, "after"),
]
"""In the order in which a build comes to them: before or after the Nth file of that suffix gets its
name."""

KILLED = """
import json, os, signal, sys, traceback
from pathlib import Path
import test_curation_build as here
import core.curation.embedded
from core.files import AtomicFile

publish = AtomicFile.publish


def build(folder, suffix, wanted, when):
    seen = []

    def publishing(file):
        name = file.path.as_posix()
        if folder in name and file.path.name.partition(".")[2] == suffix[1:]:
            seen.append(name)
        hit = len(seen) == wanted and seen[-1] == name
        if hit and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        publish(file)
        if hit:
            os.kill(os.getpid(), signal.SIGKILL)

    AtomicFile.publish = publishing
    here.build(Path(sys.argv[1]), Path(sys.argv[2]))


ends = []
for moment in [*here.MOMENTS, ("never/", ".", 1, "")]:
    child = os.fork()
    if not child:
        try:
            build(*moment)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(ends))
"""
"""Runs a build again and again, each killed at the next of the moments; one process has imported
everything for all of them."""


ALONE = {**os.environ, "PYTHONPATH": os.pathsep.join(str(Path(__file__).parents[up]) for up in range(3))}


def build(out: Path, videos: Path, settings: CurationSettings = SETTINGS, clips: int = 6, executor: Executor | None = None) -> int:
    items = list_sources([f"procedural:{clips}", str(videos)], "CC0")
    return Build(out, items, settings, {}).run(executor or LocalExecutor(), JobContext()).samples


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video with a cut in its middle and a thing that moves, and one that is damaged."""
    folder = tmp_path_factory.mktemp("sources") / "videos"
    folder.mkdir()
    frames = np.concatenate([noise_frames(12, 48, 64) // 2 + 120, noise_frames(12, 48, 64) // 4])
    frames[12:, :24, :, 2] += 150
    for index in range(24):
        frames[index, 10:22, 4 + 2 * index % 40 : 18 + 2 * index % 40] = (220, 30, 30)
    # without what depends on memory that x264 has not written: the same file each time
    video_file(folder / "cut.mp4", frames, options={"x264-params": "mbtree=0:threads=1"})
    (folder / "broken.mp4").write_bytes((folder / "cut.mp4").read_bytes()[:900])
    return folder


@pytest.fixture(scope="module")
def built(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data set of an unbroken build."""
    out = tmp_path_factory.mktemp("built") / "set"
    build(out, videos)
    return out


def contents(out: Path) -> dict[str, bytes]:
    """All that a build leaves, but for how long it took."""
    files = [path for path in sorted(out.rglob("*")) if path.is_file() and path.suffix not in (".done", ".lock")]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def test_a_build_that_is_killed_in_every_stage_ends_with_the_same_bytes(built: Path, videos: Path, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "set"), str(videos)],
        capture_output=True,
        text=True,
        env=ALONE,
    )
    assert ended.returncode == 0, ended.stderr
    assert {stage.name for stage in STAGES} == {folder.split("/")[1] for folder, *_ in MOMENTS if folder != "data/"}
    ends = json.loads(ended.stdout.splitlines()[-1])
    assert ends == [-9] * len(MOMENTS) + [0], ended.stderr
    wanted, found = contents(built), contents(tmp_path / "set")
    assert sorted(found) == sorted(wanted)
    assert [name for name in wanted if wanted[name] != found[name]] == []


def test_what_a_build_makes(built: Path) -> None:
    index = DatasetIndex(built / "data")
    samples = list(index.samples())
    assert {sample.clip.kind for sample in samples} == {"image", "video"}
    assert {sample.task for sample in samples} == {"add", "modify", "delete"}
    by_source = {sample.clip.source.name: set() for sample in samples}
    for sample in samples:
        facts = sample.read()
        by_source[sample.clip.source.name].add(sample.split)
        assert len(facts.masks) == sample.clip.frames
        assert facts.masks.unpack().any()
        if sample.task == "delete":
            assert facts.captions == (DELETE_CAPTION,)
            donor = index.samples_of(str(facts.notes["donor"]).split(".")[0])
            assert donor
            assert donor[0].clip.source != sample.clip.source
            if sample.form == "tracked":  # it lies on the background of the first frame
                entities = [other for other in index.samples_of(sample.clip.key) if other.task != "delete" and other.form == "tracked"]
                assert not any((other.read().masks.frame(0) & facts.masks.frame(0)).any() for other in entities)
        else:
            assert len(facts.captions) == len(LENGTHS)
            assert facts.values["truth"] == 1.0
            assert facts.label in facts.captions[0]
    assert all(len(splits) == 1 for splits in by_source.values())
    aside = [json.loads(line) for line in (built / "quarantine" / "clips.jsonl").read_text().splitlines()]
    assert [(one["stage"], one["input"]) for one in aside] == [("clips", "videos/broken.mp4")]
    assert aside[0]["reason"]


def images_only(folder: Path) -> str:
    """A manifest of one image."""
    folder.mkdir()
    write_image(folder / "a.png", noise_frames(1, 32, 32)[0])
    masks = {"size": [32, 32], "counts": [512, 512]}
    (folder / "list.jsonl").write_text(json.dumps({"media": "a.png", "masks": masks, "task": "add", "captions": ["a ball"]}))
    return str(folder / "list.jsonl")


SIZES = ["device=cpu", "steps=2", "log_every=1", "warmup_steps=1", "bad_records=skip", "fps=0"]


def test_what_was_built_trains_both_models(built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two steps each, on a copy of which one sample is damaged."""
    data = shutil.copytree(built / "data", tmp_path / "data")
    index = DatasetIndex(data)
    damaged = next(sample for sample in index.samples("train") if sample.task == "delete" and sample.clip.kind == "image")
    with damaged.facts.tar.open("r+b") as tar:
        tar.seek(damaged.facts.offset)
        tar.write(b"no longer JSON")
    records = read_data(str(data))
    assert len(records) == sum(len(rows) for rows in index.groups("train").values())
    config = Vivid5bConfig(height=32, width=32, frames=9, fps=0, bad_records="skip")
    rows = records.groups["image", "delete"]
    drawn = [ManifestSource(records, config, None).sample(DrawnSample("image", "delete", 0, row, 0)) for row in rows]
    assert len(drawn) > 1
    assert capsys.readouterr().err.count(f"skipped: {damaged.facts}: not JSON") == 1
    with pytest.raises(InputError, match=r"image-00000\.tar:.*not JSON.*bad_records=skip"):
        ManifestSource(records, Vivid5bConfig(), None).sample(DrawnSample("image", "delete", 0, damaged.row - 1, 0))

    base = tiny_base(tmp_path / "base")
    mixture = ["image_batches=1", "video_batches=1", "draw_samples=1", "delete_samples=1", "height=32", "width=32", "frames=9", "rank=2"]
    assert train(["vivid-5b", f"base={base}", f"data={data}", f"out={tmp_path / 'adapter'}", *SIZES, *mixture, "workers=1"]) == 0
    assert (tmp_path / "adapter" / "package" / "vivid.safetensors").exists()

    package = tiny_vivid_package(tmp_path / "small", window_frames=9, layers=1)
    network = ["network.height=32", "network.width=32", "network.vae_channels=8,8,8,8", "network.layers=1", "network.heads=1"]
    network += ["network.latent_channels=4", "network.window_frames=9", *(f"world.{name}={value}" for name, value in vars(TINY).items())]
    batches = ["image_batch=2", "video_batch=1", "image_fill=2", "video_fill=1", "image_buffer=4", "video_buffer=2"]
    words = [f"vae={package / 'vae'}", f"out={tmp_path / 'vivid'}", *network, *batches]
    assert train(["small-vivid", f"data={data}", *SIZES[:-1], "fps=8", *words]) == 0
    assert json.loads((tmp_path / "vivid" / "package" / "vivid.json").read_text())["fps"] == 8
    with pytest.raises(InputError, match="holds no video records"):
        DataClips(VividConfig(data=images_only(tmp_path / "images"), device="cpu"))


def test_other_weights_make_other_shards(built: Path, tmp_path: Path) -> None:
    begun = open_build(built)
    assert all(all(states) for _, _, states in begun.states())
    (tmp_path / "weights.pt").write_bytes(b"1" * 3_000_000)
    before = fingerprint(tmp_path / "weights.pt")
    (tmp_path / "weights.pt").write_bytes(b"1" * 2_999_999 + b"2")
    assert fingerprint(tmp_path / "weights.pt") != before
    begun.weights = {"tracker": before}
    reached = [(stage.name, any(states)) for stage, _, states in begun.states()]
    assert reached[-1] == ("masks", False)
    assert all(done for _, done in reached[:-1])


def test_masks_are_the_known_truth_and_come_in_six_forms(tmp_path: Path) -> None:
    settings = CurationSettings(
        procedural_side=64, procedural_frames=3, world=TINY, image_share=0.5, written_forms=True, least_side=32, most_jumps=1.0, seed=3
    )
    Build(tmp_path / "set", list_sources(["procedural:4"], ""), settings, {}).run(LocalExecutor(), JobContext())
    samples = [sample for sample in DatasetIndex(tmp_path / "set" / "data").samples() if sample.task != "delete"]
    assert {sample.form for sample in samples} == {"tracked", *FORMS}
    truths = [sample.read().values["truth"] for sample in samples if "truth" in sample.read().values]
    assert np.median(truths) >= 0.9, truths


def test_corrupt_inputs_are_set_aside_and_the_others_used(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    video_file(folder / "000.mp4", noise_frames(6, 32, 48))
    for number in range(1, 100):
        shutil.copy(folder / "000.mp4", folder / f"{number:03d}.mp4")
    whole = (folder / "000.mp4").read_bytes()
    (folder / "040.mp4").write_bytes(whole[: len(whole) // 2])
    items = list_sources([str(folder)], "")
    settings = CurationSettings(least_side=32, least_seconds=0.2, image_share=0.0, deletions=False, shard_size=50)
    report = Build(tmp_path / "set", items, settings, {}).run(LocalExecutor(), JobContext(), ["duplicates"])
    assert (report.aside, report.failed) == (1, ())
    assert "040.mp4" in (tmp_path / "set" / "quarantine" / "clips.jsonl").read_text()
    # of 99 copies one is left
    kept = b"".join(path.read_bytes() for path in (tmp_path / "set" / "stages" / "duplicates").glob("*.jsonl") if path.name.count(".") == 1)
    assert kept.count(b"\n") == 1
    # a shard of which too many are set aside is left out as a whole
    few = list_sources([str(folder)], "")[36:48]
    strict = replace(settings, shard_size=6, fail_above=0.1)
    report = Build(tmp_path / "few", few, strict, {}).run(LocalExecutor(), JobContext(), ["clips"])
    assert report.failed[0].startswith("clips, shard 0: 1 of 6 inputs were set aside, the last because: ")
    done = sorted((tmp_path / "few" / "stages" / "clips").glob("*.done"), key=lambda path: json.loads(path.read_text())["shard"])
    assert [json.loads(path.read_text())["records"] for path in done] == [0, 6]


def test_a_build_tells_how_far_it_is_and_goes_on_once_a_source_is_mended(
    built: Path, videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, mended = shutil.copytree(built, tmp_path / "set"), tmp_path / "videos" / "broken.mp4"
    shutil.copytree(videos, tmp_path / "videos")
    for path in (out / "stages" / "sources").iterdir():
        path.write_text(path.read_text().replace(str(videos), str(tmp_path / "videos")))
    run_here("data", "status", built)
    said = capsys.readouterr().out
    assert re.search(r"^clips +4 of 4 +8 +0 +1 +0 ", said, re.MULTILINE), said
    assert re.search(r"^deletions +4 of 4 ", said, re.MULTILINE)
    assert "set aside: 1 in clips, " in said
    run_here("data", "inspect", built, "--samples", 3, "--page", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert page.count("<img ") == 4, "three samples, and one entity that filters left out"
    assert "left out for jumps" in page
    assert "data:image/" in page

    shutil.copy(videos / "cut.mp4", mended)
    run_here("data", "retry", out)
    assert not (out / "quarantine" / "clips.jsonl").exists()
    before, after = DatasetIndex(built / "data"), DatasetIndex(out / "data")
    assert {sample.key for sample in before.samples()} <= {sample.key for sample in after.samples()}
    run_here("data", "status", out)
    assert "in clips, " not in capsys.readouterr().out.partition("set aside: ")[2]


def test_ray_makes_the_bytes_that_this_process_makes(built: Path, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", ALONE["PYTHONPATH"])
    executor = RayExecutor(workers=1)
    try:
        build(tmp_path / "set", videos, executor=executor)
    finally:
        executor.close()
    wanted, found = contents(built), contents(tmp_path / "set")
    assert sorted(found) == sorted(wanted)
    assert [name for name in wanted if wanted[name] != found[name]] == []


def test_a_plan_reckons_all_sources_from_some(videos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [f"world.{name}={value}" for name, value in vars(TINY).items()]
    given += ["procedural_side=64", "procedural_frames=3", "tracker=known", "image_share=1", "device=cpu"]
    run_here("data", "plan", "procedural:1000", "--json", "--set", *given)
    plan = json.loads(capsys.readouterr().out)
    assert (plan["sources"], plan["built"], plan["set_aside"]) == (1000, 20, 0)
    assert plan["clips"]["video"] == 0
    assert 800 <= plan["clips"]["image"] <= 1000
    assert [stage["name"] for stage in plan["stages"]] == [stage.name for stage in STAGES if stage.name != "forms"]
    assert [stage["clips"] for stage in plan["stages"]][:2] == [1000, plan["stages"][1]["clips"]]
    assert plan["gpu_hours"] == 0, "the networks run on the processor"
    assert plan["hours"] == pytest.approx(sum(stage["hours"] for stage in plan["stages"]))
    assert plan["bytes"] > plan["data_bytes"] > 0


def test_what_can_not_be_built_is_said_in_one_line(tmp_path: Path) -> None:
    for names, words in (
        ([str(tmp_path / "nowhere")], "is not a folder of videos"),
        (["procedural:many"], "say how many clips"),
        ([str(tmp_path)], "holds no videos"),
    ):
        with pytest.raises(InputError, match=words):
            list_sources(names, "")
    with DatasetWriter(tmp_path / "other" / "data"):
        pass
    with pytest.raises(InputError, match="is a data set that was not built here"):
        Build(tmp_path / "other", [], SETTINGS, {}).run(LocalExecutor(), JobContext())
    with pytest.raises(InputError, match="there is no stage 'shots'"):
        Build(tmp_path, [], SETTINGS, {}).run(LocalExecutor(), JobContext(), ["shots"])
