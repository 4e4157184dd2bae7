"""The recipes `vivid-5b` and `small-base` on toy networks: whole runs, resumed ones, precomputed
ones, and what they leave.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before transformers and diffusers import torchvision)

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import CogVideoXPipeline, CogVideoXTransformer3DModel
from torch.utils.flop_counter import FlopCounterMode

from app.commands.cli import main as command_line
from core.errors import InputError, ModelMissingError
from core.media import probe
from core.models import ModelStore
from core.training.adapter import activations, benchmark
from core.training.adapter.config import Vivid5bConfig
from core.training.adapter.flops import count_flops, count_tokens
from core.training.adapter.step import adapted
from core.training.command import main
from core.training.common.checkpoint import load_checkpoint
from core.training.common.cogvideox import rotary_embedding
from core.training.common.errors import TrainingError
from core.training.common.run import TrainingRun
from core.training.datasets.encoders import Encoders
from core.training.datasets.feed import encode_conditions, ManifestSource, TrainingSample
from core.training.datasets.reading import read_data
from core.training.datasets.sample_schedule import DrawnSample
from core.vivid.conditioning import latent_mask
from core.vivid.model import load_vivid
from core.vivid.pipeline import VividPipeline
from tests.builders import tiny_base, training_records

SIZES = ["device=cpu", "height=32", "width=32", "frames=9", "fps=0", "rank=2", "log_every=1", "warmup_steps=1", "learning_rate=0.01"]
MIXTURE = ["image_batches=1", "video_batches=1", "draw_samples=1", "delete_samples=1", "workers=2"]
WORLD = ["world.solids_per_kind=1", "world.solid_size=16", "world.backgrounds=2", "world.background_size=32", "world.silhouettes=4"]


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()  # tiny tensors run slower on several threads
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base") / "package")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return training_records(tmp_path_factory.mktemp("records"))


def words(base: Path, manifest: Path | str, out: Path, *more: str) -> list[str]:
    return ["vivid-5b", f"base={base}", f"data={manifest}", f"out={out}", *SIZES, *MIXTURE, *more]


def curve(folder: Path, recipe: str = "vivid-5b") -> list[dict[str, str]]:
    with (folder / f"curve-{recipe}.csv").open() as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(folder / "checkpoint-vivid-5b.pt")["weights"]


@pytest.fixture(scope="module")
def whole(base: Path, manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six steps without a break, with everything on: accumulation, average, checkpointed blocks,
    samples.
    """
    out = tmp_path_factory.mktemp("whole")
    more = ("steps=6", "accumulate=2", "ema=0.9", "checkpointing=attention", "sample_every=6", "sample_steps=2", "sample_count=1")
    assert main(words(base, manifest, out, *more)) == 0
    return out


def test_a_run_broken_in_the_middle_ends_like_one_that_was_not(
    whole: Path, base: Path, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after step 4, one step after its checkpoint; resumed, every later loss and all weights
    are the unbroken run's, to the bit.
    """
    advance = TrainingRun.advance

    def breaking(self: TrainingRun, *arguments) -> None:
        advance(self, *arguments)
        if self.step == 4:
            raise KeyboardInterrupt

    more = ("steps=6", "accumulate=2", "ema=0.9", "checkpointing=attention", "checkpoint_every=3")
    with monkeypatch.context() as patched:
        patched.setattr(TrainingRun, "advance", breaking)
        with pytest.raises(KeyboardInterrupt):
            main(words(base, manifest, tmp_path, *more))
    torch.rand(7)  # whatever else the process draws in between
    main(words(base, manifest, tmp_path, *more, "resume=true"))
    assert curve(tmp_path) == curve(whole)
    assert [row["step"] for row in curve(whole)] == ["1", "2", "3", "4", "5", "6"]
    broken, unbroken = load_checkpoint(tmp_path / "checkpoint-vivid-5b.pt"), load_checkpoint(whole / "checkpoint-vivid-5b.pt")
    for part in ("weights", "average"):
        assert broken[part].keys() == unbroken[part].keys()
        for name, value in unbroken[part].items():
            assert torch.equal(broken[part][name], value), name


def test_two_processes_learn_what_one_does_with_twice_the_batch(base: Path, manifest: Path, tmp_path: Path) -> None:
    given = ("steps=3", "video_batch=1", "image_batch=1", "minutes=600")  # their clocks agree
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "core.training"]
    quiet = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([*torchrun, *words(base, manifest, tmp_path / "two", *given)], capture_output=True, text=True, env=quiet)
    assert done.returncode == 0, done.stderr
    main(words(base, manifest, tmp_path / "one", "steps=3", "video_batch=2", "image_batch=2"))
    for two, one in zip(curve(tmp_path / "two"), curve(tmp_path / "one"), strict=True):
        assert float(two["loss"]) == pytest.approx(float(one["loss"]), rel=1e-4)
        assert float(two["gradient_norm"]) == pytest.approx(float(one["gradient_norm"]), rel=1e-3)


def test_a_run_ends_when_its_time_is_over(base: Path, manifest: Path, tmp_path: Path) -> None:
    assert main(words(base, manifest, tmp_path, "steps=50", "minutes=1e-9")) == 0
    assert load_checkpoint(tmp_path / "checkpoint-vivid-5b.pt")["step"] == len(curve(tmp_path)) == 1


def test_only_lora_and_patch_embedding_were_trained_and_the_loss_is_finite(whole: Path) -> None:
    names = weights(whole).keys()
    assert {name for name in names if "lora_" not in name} == {"patch_embed.proj.weight", "patch_embed.proj.bias"}
    assert len(names) == 2 + 2 * 4 * 2
    assert {row["kind"] for row in curve(whole)} == {"image", "video"}
    assert all(0 < float(row["loss"]) < 10 for row in curve(whole))


def test_what_was_trained_opens_in_the_editor(whole: Path, base: Path) -> None:
    model = load_vivid(str(whole / "package"), "cpu", ModelStore())
    assert (model.working_size, model.window_frames) == ((32, 32), 9)
    pipeline = model.pipeline
    mask = torch.zeros(1, 1, 9, 32, 32)
    mask[..., 8:24, 8:24] = 1
    result = pipeline("a red ball", torch.zeros(1, 3, 9, 32, 32), mask, num_inference_steps=2, output_type="latent").frames
    plain = VividPipeline(**CogVideoXPipeline.from_pretrained(base).components | {"transformer": pipeline.transformer})
    assert result.isfinite().all()
    assert plain.transformer.config.in_channels == 9
    own = pipeline.transformer.patch_embed.proj.weight[:, 4:]
    assert own.abs().max() > 0, "the mask and masked channels have learnt something"


def test_a_base_that_is_named_by_its_repository_is_never_fetched_in_passing(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CogVideoXPipeline, "from_pretrained", lambda *_, **__: pytest.fail("it was opened"))
    shutil.copytree(whole / "package", tmp_path / "package")
    facts = json.loads((tmp_path / "package" / "vivid.json").read_text())
    (tmp_path / "package" / "vivid.json").write_text(json.dumps(facts | {"base": "THUDM/CogVideoX-5b"}))
    with pytest.raises(ModelMissingError, match="run `hf download THUDM/CogVideoX-5b`"):
        load_vivid(str(tmp_path / "package"), "cpu", ModelStore())


def test_samples_and_curve_can_be_looked_at(whole: Path) -> None:
    info = probe(whole / "samples" / "step-0000006-0.mp4")
    assert (info.size, info.frames) == ((64, 32), 9)
    assert (whole / "curve-vivid-5b.png").stat().st_size > 1000
    assert list(whole.glob("events.out.tfevents.*"))


@pytest.mark.parametrize("variants", [0, 3])
def test_precomputed_latents_serve_as_fresh_ones_do(base: Path, manifest: Path, tmp_path: Path, variants: int) -> None:
    """With a variant for every visit the run is the same to the bit; and with variants nothing is
    encoded any more.
    """
    folder = tmp_path / "latents"
    main(words(base, manifest, tmp_path / "none", "steps=4"))
    main(words(base, manifest, tmp_path, f"precompute={folder}", f"variants={variants}"))
    assert len(list((folder / "records").rglob("*.safetensors"))) == 6
    assert len(list((folder / "texts").rglob("*.safetensors"))) == 3 + 2 + 1 + 1, "three lengths, two, deletion, and the empty one"
    with pytest.MonkeyPatch.context() as patched:
        if variants:
            patched.setattr(Encoders, "vae", property(lambda self: pytest.fail("the autoencoder was loaded")))
        patched.setattr(Encoders, "text_encoder", property(lambda self: pytest.fail("the text encoder was loaded")))
        main(words(base, manifest, tmp_path / "cached", "steps=4", f"latents={folder}"))
    assert curve(tmp_path / "cached") == curve(tmp_path / "none")
    with pytest.raises(InputError, match="were made with frames=9, not 17"):
        main([*words(base, manifest, tmp_path / "x", f"latents={folder}", "steps=1"), "frames=17"])
    with pytest.raises(InputError, match="no precomputed latents there; make them with precompute="):
        main(words(base, manifest, tmp_path / "x", f"latents={tmp_path}", "steps=1"))


def test_masked_latents_follow_the_region_and_the_keyframe(base: Path) -> None:
    encoders = Encoders(str(base), torch.device("cpu"), torch.float32, 16)
    frames = np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3), dtype=np.uint8)
    region = np.zeros((9, 32, 32), bool)
    region[:, 8:16, 8:24] = True
    pipeline = VividPipeline(**CogVideoXPipeline.from_pretrained(base).components | {"transformer": _wide(base)})
    video = torch.from_numpy(frames).float().permute(3, 0, 1, 2)[None] / 127.5 - 1
    mask = torch.from_numpy(region).float()[None, None]
    for keyframe in (False, True):
        found = encode_conditions(encoders, TrainingSample("", keyframe, frames, region, frames))
        if keyframe:
            mask = torch.cat([torch.zeros_like(mask[:, :, :1]), mask[:, :, 1:]], dim=2)
        latents, grid = pipeline.encode_masked(video, mask)
        torch.testing.assert_close(found[1], latents[0])
        assert torch.equal(found[0], grid[0])
        assert torch.equal(found[0], latent_mask(mask)[0])
    with torch.no_grad():
        expected = pipeline.encode_prompt("a red ball", False, max_sequence_length=16)[0]
    torch.testing.assert_close(encoders.text(["a red ball"]), expected)
    torch.testing.assert_close(encoders.latent(video), pipeline.encode_pixels(video))


def _wide(base: Path):
    transformer = CogVideoXPipeline.from_pretrained(base).transformer
    adapted(Vivid5bConfig(base=str(base), rank=2), transformer)
    return transformer


@pytest.mark.parametrize("plan", [["attention"] * 2, ["block"] * 2, ["none", "block"]])
def test_what_is_computed_again_does_not_change_the_gradient(base: Path, plan: list[str]) -> None:
    transformer = _wide(base).train()
    with torch.no_grad():
        for name, parameter in transformer.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1, generator=torch.Generator().manual_seed(1))
    inputs = torch.randn(1, 3, 9, 4, 4), torch.randn(1, 16, 16), torch.tensor([500])
    rotary = rotary_embedding(transformer, 3, 4, 4, "cpu")

    def gradient() -> torch.Tensor:
        transformer.zero_grad()
        transformer(*inputs, image_rotary_emb=rotary).sample.square().mean().backward()
        return torch.cat([parameter.grad.flatten() for parameter in transformer.parameters() if parameter.requires_grad])

    expected = gradient()
    activations.use_runner(transformer, activations.block_runner(transformer, plan))
    assert torch.equal(gradient(), expected)


def test_operations_are_counted_as_pytorch_counts_them() -> None:
    """A step whose attention is plain matrix products, so that the counter sees all of it and
    nothing is computed twice.
    """
    sizes = {"num_attention_heads": 4, "attention_head_dim": 16, "num_layers": 6, "time_embed_dim": 8, "text_embed_dim": 8}
    network = benchmark.COGVIDEOX_5B | sizes | {"max_text_seq_length": 8, "sample_width": 16, "sample_height": 16}
    transformer = CogVideoXTransformer3DModel(**network).train()
    adapted(Vivid5bConfig(rank=4), transformer)
    rotary = rotary_embedding(transformer, 5, 16, 16, "cpu")
    with FlopCounterMode(display=False) as counter, activations.attention_kernel("math"):
        result = transformer(torch.randn(1, 5, 33, 16, 16), torch.randn(1, 8, 8), torch.tensor([500]), image_rotary_emb=rotary).sample
        forward = counter.get_total_flops()
        result.square().mean().backward()
    flops = count_flops(["none"] * 6, 64, count_tokens(17, 128, 128, 8), 4)
    assert forward == pytest.approx(flops.forward, rel=0.06), "embeddings and output layer are a larger part of a toy"
    assert counter.get_total_flops() == pytest.approx(flops.needed, rel=0.06)


def test_a_plan_keeps_as_much_as_fits() -> None:
    plan = activations.plan_blocks(42, 17_776, 3072, 2, 60 << 30)
    assert 30 <= plan.count("none") < 42
    assert plan.count("none") + plan.count("attention") == 42
    assert activations.plan_blocks(42, 17_776, 3072, 2, 200 << 30) == ["none"] * 42
    assert activations.plan_blocks(42, 17_776, 3072, 2, 10 << 30) == ["block"] * 42


def test_a_loss_that_is_no_number_names_the_step(base: Path, manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"not a number at step \d+; .*lower learning_rate"):
        main([*words(base, manifest, tmp_path, "steps=20", "clip_norm=1e30"), "learning_rate=1e30"])


def test_bad_records_stop_the_run_or_are_skipped(base: Path, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = manifest.read_text().splitlines()
    (manifest.parent / "broken.mp4").write_bytes(b"nothing that moves")
    mixed = manifest.parent / "mixed.jsonl"
    mixed.write_text("\n".join([json.dumps(json.loads(lines[0]) | {"media": "broken.mp4"}), *lines[1:]]))
    wanted = ("steps=4", "image_batches=0", "delete_samples=0")
    with pytest.raises(InputError, match=r"mixed\.jsonl:1: .*bad_records=skip"):
        main(words(base, mixed, tmp_path / "stop", *wanted))
    main(words(base, mixed, tmp_path / "skip", *wanted, "bad_records=skip"))
    assert "skipped: " in capsys.readouterr().err
    data = ManifestSource(read_data(str(mixed)), Vivid5bConfig(height=32, width=32, frames=9, fps=0, bad_records="skip"), None)
    sample = data.sample(DrawnSample("video", "draw", 0, 0, 0))
    assert sample.frames is not None
    assert sample.frames.shape == (9, 32, 32, 3)


def test_what_can_not_be_trained_is_refused_in_words(base: Path, manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="say what to train on"):
        main(["vivid-5b", f"base={base}", "device=cpu"])
    with pytest.raises(ModelMissingError, match=r"base=.*absent"):
        main(words(tmp_path / "absent", manifest, tmp_path, "steps=1"))
    main(words(base, manifest, tmp_path, f"precompute={tmp_path / 'l'}", "variants=0"))
    with pytest.raises(InputError, match=r"latents=.*procedural clips are new each time"):
        main(words(base, "procedural", tmp_path, f"latents={tmp_path / 'l'}", "steps=1"))
    with pytest.raises(InputError, match="benchmark=true needs a GPU"):
        main(["vivid-5b", "benchmark=true", "device=cpu"])


def test_a_run_is_not_gone_on_with_otherwise_than_it_began(whole: Path, base: Path, manifest: Path) -> None:
    given = words(base, manifest, whole, "steps=8", "accumulate=2")
    with pytest.raises(InputError, match="does not fit these settings: "):
        main([*given, "resume=true", "rank=3"])
    with pytest.raises(InputError, match="took 2 samples for a step of images, this one would take 6"):
        main([*given, "resume=true", "image_batch=3"])
    with pytest.raises(InputError, match=r"there is a run in .* already: resume=true continues it"):
        main(given)


def test_the_benchmark_goes_all_the_way(tmp_path: Path) -> None:
    """At toy size on the CPU, where times mean nothing: that it runs and what it writes."""
    sizes = {"num_attention_heads": 2, "attention_head_dim": 16, "num_layers": 2, "time_embed_dim": 8, "text_embed_dim": 16}
    network = benchmark.COGVIDEOX_5B | sizes | {"max_text_seq_length": 8, "sample_width": 4, "sample_height": 4}
    config = Vivid5bConfig(device="cpu", height=32, width=32, frames=9, rank=2, out=str(tmp_path))
    rows = benchmark.run_benchmark(config, network)
    assert {row.kind for row in rows} == {"image", "video"}
    facts = json.loads((tmp_path / "benchmark.json").read_text())
    assert len(facts["steps"]) == len(rows)
    assert facts["hours_on_8_gpus"] < facts["hours_on_1_gpu"]
    assert all(row.executed_tflops > row.needed_tflops > 0 for row in rows)


# -- small-base
# --------------------------------------------------------------------------------------------------

SMALL = [
    *("device=cpu", "network.height=32", "network.width=32", "network.vae_channels=8,8,8,8", "network.layers=1", "network.heads=1"),
    *("network.window_frames=9", *WORLD, "log_every=1", "warmup_steps=1"),
]
BASE = ["small-base", *SMALL, "image_batch=2", "video_batch=2", "image_fill=2", "video_fill=1", "image_buffer=4", "video_buffer=4"]


@pytest.fixture(scope="module")
def small_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    vae = ["small-vae", *SMALL, "pattern=i", "image_batch=1", "video_batch=1", "video_frames=9", "long_batch=1"]
    main([*vae, f"out={folder}", "steps=1"])
    main([*BASE, f"out={folder}", "steps=4"])
    return folder


def test_small_base_broken_in_the_middle_ends_like_one_that_was_not(
    small_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance = TrainingRun.advance

    def breaking(self: TrainingRun, *arguments) -> None:
        advance(self, *arguments)
        if self.step == 2:
            self.save_checkpoint()
            raise KeyboardInterrupt

    given = [*BASE, f"out={tmp_path}", "steps=4", f"vae={small_base / 'vae'}"]
    with monkeypatch.context() as patched:
        patched.setattr(TrainingRun, "advance", breaking)
        with pytest.raises(KeyboardInterrupt):
            main(given)
    torch.rand(7)
    main([*given, "resume=true"])
    assert curve(tmp_path, "small-base") == curve(small_base, "small-base")
    broken, unbroken = (torch.load(folder / "checkpoint-small-base.pt", weights_only=True) for folder in (tmp_path, small_base))
    assert broken["average"].keys() == unbroken["average"].keys()
    for name, expected in unbroken["average"].items():
        assert torch.equal(broken["average"][name], expected), name


def test_small_base_is_a_base_for_the_adapter(small_base: Path, tmp_path: Path) -> None:
    assert (small_base / "sheet-small-base.png").stat().st_size > 1000
    sizes = CogVideoXPipeline.from_pretrained(small_base / "base").transformer.config
    assert sizes.in_channels == sizes.out_channels
    main([*words(small_base / "base", "procedural", tmp_path, "steps=2", "mask_forms=false", "keyframe_probability=1"), *WORLD])
    model = load_vivid(str(tmp_path / "package"), "cpu", ModelStore())
    assert (model.pipeline.transformer.config.in_channels, model.declared.direct) == (2 * sizes.in_channels + 1, False)


def test_recipes_are_listed_and_settings_explained(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["train"], ["train", "--help"]):
        assert command_line(words) == 0
        listed = capsys.readouterr().out
        assert all(name in listed for name in ("small-vae", "small-base", "small-vivid", "vivid-5b"))
    for name in ("small-base", "vivid-5b"):
        assert command_line(["train", name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "keyframe_probability=0.5" in shown
    assert "KIVE: how often a video's first frame is given" in shown
    assert "world.backgrounds=4096" in shown
    assert command_line(["train", "vivid-5b", "frames=48"]) == 2
    assert capsys.readouterr().err == "error: frames=48: it has to be 8k + 1, such as 49\n"
