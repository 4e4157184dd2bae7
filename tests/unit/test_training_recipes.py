"""The trainer: settings, the mathematics of the loss, a few steps of each recipe with exact resume,
and the package that ships.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before transformers and diffusers import torchvision)

import csv
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, T5EncoderModel

from core.data.pool_sizes import PoolSizes
from core.data.world import CAPTIONS, EMPTY_INDEX, GENERIC_INDEX, World
from core.errors import InputError
from core.training.command import main
from core.training.common.cogvideox import build_scheduler, rotary_embedding
from core.training.common.diffusion import loss_weight, noised
from core.training.common.earlier_checkpoints import in_current_form
from core.training.common.overrides import with_overrides
from core.training.common.run import TrainingRun
from core.training.small.config import NetworkConfig
from core.training.small.fast_vae import speed_up
from core.training.small.latents import encode_examples, quieter_caption, show_keyframe
from core.training.small.networks import build_vae, token_ids
from core.training.small.run import begin_run
from core.training.small.vae import VaeStep
from core.training.small.vae_config import VaeConfig
from core.training.small.vivid import draw_timesteps, load_vae, motion_at
from core.training.small.vivid_config import VividConfig
from core.training.small.world import build_world
from core.vivid.pipeline import VividPipeline

SHIPPED = Path(__file__).parents[2] / "assets" / "models" / "vivid-small"
TINY = [
    *("device=cpu", "network.height=32", "network.width=32", "network.vae_channels=8,8,8,8", "network.layers=1", "network.heads=1"),
    *("network.window_frames=9", "world.solids_per_kind=1", "world.solid_size=16", "world.backgrounds=2", "world.background_size=32"),
    *("world.silhouettes=4", "log_every=1", "warmup_steps=1"),
]
VAE = ["small-vae", *TINY, "pattern=vi", "image_batch=2", "video_batch=1", "video_frames=9", "long_batch=1"]
VIVID = ["small-vivid", *TINY, "image_batch=2", "video_batch=2", "image_fill=2", "video_fill=1", "image_buffer=4", "video_buffer=4"]


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Tiny tensors run slower on several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def curve(folder: Path, recipe: str) -> list[dict[str, str]]:
    with (folder / f"curve-{recipe}.csv").open() as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """Both recipes, four steps each, without a break."""
    folder = tmp_path_factory.mktemp("whole")
    assert main([*VAE, f"out={folder}", "steps=4"]) == 0
    assert main([*VIVID, f"out={folder}", "steps=4"]) == 0
    return folder


@pytest.mark.parametrize("frames", [1, 9, 17])
def test_the_autoencoder_is_trained_in_the_chunks_that_the_pipeline_uses(tmp_path: Path, frames: int) -> None:
    config = with_overrides(VaeConfig(), [*TINY, f"out={tmp_path}", "steps=1"])
    vae = build_vae(config.network).eval()
    step = VaeStep(begin_run(config, "small-vae", {"vae": vae}), vae, build_world(config), 1, frames, 0.0)
    video = torch.randn(1, 3, frames, 32, 32)
    with torch.no_grad():
        moments = step.through(vae.encoder, video, vae.num_sample_frames_batch_size)
        latent = vae.encode(video).latent_dist
        torch.testing.assert_close(moments, latent.parameters)
        torch.testing.assert_close(step.through(vae.decoder, latent.mean, vae.num_latent_frames_batch_size), vae.decode(latent.mean).sample)


@pytest.mark.parametrize(("words", "recipe"), [(VAE, "small-vae"), (VIVID, "small-vivid")])
def test_a_run_broken_in_the_middle_ends_like_one_that_was_not(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], recipe: str
) -> None:
    """Stop by an exception after step 2, resume, and compare the later losses and all weights with
    the unbroken run's.
    """
    advance = TrainingRun.advance

    def breaking(self: TrainingRun, *arguments) -> None:
        advance(self, *arguments)
        if self.step == 2:
            self.save_checkpoint()
            raise KeyboardInterrupt

    words = [*words, f"out={tmp_path}", "steps=4", *([f"vae={trained / 'vae'}"] if recipe == "small-vivid" else [])]
    with monkeypatch.context() as patched:
        patched.setattr(TrainingRun, "advance", breaking)
        with pytest.raises(KeyboardInterrupt):
            main(words)
    torch.rand(7)  # whatever else the process draws in between
    main([*words, "resume=true"])
    assert curve(tmp_path, recipe) == curve(trained, recipe)
    broken, whole = (torch.load(folder / f"checkpoint-{recipe}.pt", weights_only=True) for folder in (tmp_path, trained))
    assert broken["average"].keys() == whole["average"].keys()
    for name, expected in whole["average"].items():
        assert torch.equal(broken["average"][name], expected), name


def _as_version_0_1(path: Path) -> None:
    """Rewrite a checkpoint of `small-vae` in the form that version 0.1 wrote."""
    state = torch.load(path, weights_only=True)
    module = {name.removeprefix("vae."): value for name, value in state["weights"].items()} | state["buffers"]["vae"]
    earlier = {name: state[name] for name in ("step", "elapsed", "generators", "extra")}
    for group in state["adam"]["param_groups"]:
        del group["initial_lr"]
    torch.save(earlier | {"modules": {"vae": module}, "average": list(state["average"].values()), "optimizer": state["adam"]}, path)


def test_a_checkpoint_of_version_0_1_is_continued(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    advance = TrainingRun.advance

    def breaking(self: TrainingRun, *arguments) -> None:
        advance(self, *arguments)
        if self.step == 2:
            self.save_checkpoint()
            raise KeyboardInterrupt

    words = [*VAE, f"out={tmp_path}", "steps=4"]
    with monkeypatch.context() as patched:
        patched.setattr(TrainingRun, "advance", breaking)
        with pytest.raises(KeyboardInterrupt):
            main(words)
    _as_version_0_1(tmp_path / "checkpoint-small-vae.pt")
    main([*words, "resume=true"])
    assert curve(tmp_path, "small-vae") == curve(trained, "small-vae")
    resumed, whole = (torch.load(folder / "checkpoint-small-vae.pt", weights_only=True)["average"] for folder in (tmp_path, trained))
    assert all(torch.equal(resumed[name], expected) for name, expected in whole.items())


def test_a_checkpoint_of_vivid_5b_of_version_0_1_is_understood() -> None:
    weights = {"w": torch.ones(2)}
    earlier = {"recipe": "vivid-5b", "step": 3, "seconds": 1.5, "pending": {}, "samples": {"image": 2}}
    state = in_current_form(earlier | {"weights": weights, "average": {}, "adam": {"state": {}}}, "vivid-5b", {})
    assert (state["step"], state["elapsed"], state["extra"]) == (3, 1.5, {"pending": {}, "samples": {"image": 2}})
    assert state["weights"] is weights
    assert in_current_form(state, "vivid-5b", {}) is state


def test_the_package_of_a_run_loads_and_paints(trained: Path) -> None:
    pipeline = VividPipeline.from_pretrained(trained / "package", torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    video = torch.zeros(1, 3, 9, 32, 32)
    mask = torch.zeros(1, 1, 9, 32, 32)
    mask[..., 8:24, 8:24] = 1
    result = pipeline("a red ball", video, mask, num_inference_steps=2, guidance_scale=1.0, output_type="latent").frames
    assert result.shape == (1, 3, 32, 4, 4)
    assert result.isfinite().all()
    assert (trained / "sheet-small-vivid.png").stat().st_size > 1000


def test_a_run_goes_on_from_exported_weights(trained: Path, tmp_path: Path) -> None:
    """`initial=` and `vae=`: with a learning rate of nothing the weights come out as they went in,
    up to half precision.
    """
    package = trained / "package"
    still = [f"out={tmp_path}", "steps=1", "learning_rate=0"]
    assert main([*VIVID, *still, f"initial={package}", f"vae={trained / 'vae'}"]) == 0
    assert main([*VAE, *still, f"initial={trained / 'vae'}"]) == 0
    for part in ("package/transformer", "vae"):
        name = "diffusion_pytorch_model.safetensors"
        before, after = load_file(trained / part / name), load_file(tmp_path / part / name)
        assert all(torch.allclose(before[key], after[key], atol=1e-6) for key in before)


def test_a_checkpoint_leaves_a_package(tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [*VIVID, f"out={tmp_path}", "steps=3", "checkpoint_seconds=0", f"vae={trained / 'vae'}"]
    advance = TrainingRun.advance

    def cut_short(self: TrainingRun, *arguments) -> bool:
        if self.step == 1:
            raise KeyboardInterrupt
        return advance(self, *arguments)

    monkeypatch.setattr(TrainingRun, "advance", cut_short)
    with pytest.raises(KeyboardInterrupt):
        main(words)
    assert VividPipeline.from_pretrained(tmp_path / "package").transformer.config.in_channels == 65


def test_what_the_hole_shows(trained: Path) -> None:
    """A still keyframe carried along fills the hole with itself; where something is deleted, or for
    the paper's way, the hole is black.
    """
    vae = load_vae(trained / "vae", torch.device("cpu"))
    world = World("cpu", seed=3, pools=PoolSizes(1, 16, 2, 32, 4), size=(32, 32))
    world.motion.fill_(0.0)
    for delete, carried, same in ((0.0, 1.0, True), (0.0, 0.0, False), (1.0, 1.0, False)):
        torch.manual_seed(1)
        latent, masked, mask, _ = encode_examples(vae, world, 2, 9, delete, 1.0, carried, 0.5)
        assert mask[:, 0].max() == 0
        error = float((latent - masked).abs().mean() / latent.std())
        assert (error < 0.1) is same


def test_settings_from_words() -> None:
    config = with_overrides(
        VividConfig(), ["learning_rate=2e-4", "compile=yes", "network.layers=3", "network.vae_channels=8,16", "out=x=y"]
    )
    assert (config.learning_rate, config.compile, config.network.layers, config.out) == (2e-4, True, 3, "x=y")
    assert config.network.vae_channels == (8, 16)
    for word, hint in (
        ("layers=3", "unknown setting 'layers'"),
        ("steps", "key=value"),
        ("steps=two", "expected int"),
        ("steps=-3", "0 or more"),
        ("minutes=nan", "0 or more"),
        ("compile=maybe", "true or false"),
        ("network=3", "is a group"),
        ("seed.x=3", "no settings of its own"),
    ):
        with pytest.raises(InputError, match=hint):
            with_overrides(VaeConfig(), [word])


def test_bad_runs_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown recipe 'big'; known: small-vae"):
        main(["big"])
    with pytest.raises(InputError, match="steps=N or minutes=M"):
        main([*VAE, f"out={tmp_path}"])
    with pytest.raises(InputError, match="no autoencoder in"):
        main([*VIVID, f"out={tmp_path}", "steps=1"])


def test_velocity_gives_back_latent_and_noise() -> None:
    alphas = build_scheduler().alphas_cumprod.float()
    assert float(alphas[999]) == 0, "the last step is pure noise"
    latent, noise = torch.randn(2, 1, 2, 3, 3), torch.randn(2, 1, 2, 3, 3)
    alpha = alphas[torch.tensor([999, 300])].view(2, 1, 1, 1, 1)
    noisy, velocity = noised(latent, noise, alpha)
    assert torch.allclose(noisy[0], noise[0])
    assert torch.allclose(velocity[0], -latent[0])
    assert torch.allclose(alpha.sqrt() * noisy - (1 - alpha).sqrt() * velocity, latent, atol=1e-5)


def test_the_loss_weighs_the_region_and_its_border() -> None:
    mask = torch.zeros(1, 1, 1, 6, 6)
    mask[..., 0, 0] = 1
    weight = loss_weight(mask, 0.2)
    assert float(weight.mean()) == pytest.approx(1)
    assert float(weight[..., 1, 1] / weight[..., 3, 3]) == pytest.approx(5)


def test_timesteps_lean_towards_noise() -> None:
    torch.manual_seed(0)
    steps = draw_timesteps(40_000, 0.75, 400, torch.device("cpu"))
    assert int(steps.min()) >= 0
    assert int(steps.max()) == 999
    assert float((steps >= 400).float().mean()) == pytest.approx(0.75 + 0.25 * 0.6 + 0.1 / 12, abs=0.01)
    assert float((steps == 999).float().mean()) == pytest.approx(1 / 12, abs=0.01)


def test_motion_waits_and_then_grows() -> None:
    assert [motion_at(progress, 0.2) for progress in (0.0, 0.2, 0.3, 0.4, 1.0)] == pytest.approx([0, 0, 0.5, 1, 1])


def test_the_keyframe_is_shown_only_where_chosen() -> None:
    pixels, mask = torch.rand(2, 3, 5, 8, 8), torch.ones(2, 1, 5, 8, 8)
    _, shown = show_keyframe(pixels, mask, torch.tensor([True, False]))
    assert shown[0, 0].flatten(1).mean(1).tolist() == [0, 1, 1, 1, 1]
    assert shown[1].min() == 1


def test_three_of_four_keyframed_captions_say_nothing_useful() -> None:
    torch.manual_seed(0)
    caption = torch.zeros(8000, dtype=torch.long)
    quiet = quieter_caption(caption, torch.ones(8000, dtype=torch.bool))
    for index in (GENERIC_INDEX, EMPTY_INDEX):
        assert float((quiet == index).float().mean()) == pytest.approx(0.25, abs=0.02)
    assert float((quiet == 0).float().mean()) == pytest.approx(0.25, abs=0.02), "the rest says something else"
    assert torch.equal(quieter_caption(caption, torch.zeros(8000, dtype=torch.bool)), caption)


@pytest.mark.parametrize("frames", [1, 9, 17])
def test_the_faster_autoencoder_gives_the_same_numbers(frames: int) -> None:
    torch.manual_seed(0)
    config = NetworkConfig(vae_channels=(8, 8, 16, 16))
    stock, fast = build_vae(config).eval(), build_vae(config).eval()
    fast.load_state_dict(stock.state_dict())
    speed_up(fast)
    pixels = torch.randn(1, 3, frames, 32, 32)
    with torch.inference_mode():
        latent = stock.encode(pixels).latent_dist.mode()
        assert torch.allclose(latent, fast.encode(pixels).latent_dist.mode(), atol=1e-4)
        assert torch.allclose(stock.decode(latent).sample, fast.decode(latent).sample, atol=1e-4)


def test_the_model_that_ships_loads_and_is_within_its_limits() -> None:
    pipeline = VividPipeline.from_pretrained(SHIPPED, torch_dtype=torch.float32)
    counts = {name: sum(p.numel() for p in getattr(pipeline, name).parameters()) for name in ("vae", "transformer", "text_encoder")}
    assert counts["vae"] <= 3.0e6
    assert counts["transformer"] <= 10e6
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*.safetensors")) <= 24e6
    assert {value.dtype for value in load_file(SHIPPED / "vae" / "diffusion_pytorch_model.safetensors").values()} == {torch.float16}
    assert pipeline.transformer.config.in_channels == 65
    facts = json.loads((SHIPPED / "vivid.json").read_text())
    assert facts["working_size"] == [128, 128]
    assert facts["window_frames"] == 17
    assert len(facts["vocabulary"]["colours"]) >= 12
    assert len(facts["vocabulary"]["kinds"]) >= 12
    assert facts["tasks"]["delete"]["steps"] == 2
    # The tokenizer and text encoder as anybody would load them, the same ids as in training, and no
    # unknown word in what the file lists.
    tokenizer = AutoTokenizer.from_pretrained(SHIPPED / "tokenizer")
    sample = [CAPTIONS[5], CAPTIONS[-3], ""]
    ids = tokenizer(sample, padding="max_length", max_length=16, return_tensors="pt").input_ids
    assert torch.equal(ids, token_ids(sample))
    text = T5EncoderModel.from_pretrained(SHIPPED / "text_encoder", dtype=torch.float32)(input_ids=ids)[0]
    assert text.shape == (3, 16, 128)
    for words in ("colours", "kinds", "materials", "sizes"):
        assert tokenizer.unk_token_id not in tokenizer(" ".join(facts["vocabulary"][words])).input_ids


def test_rotary_positions_are_the_pipelines_own() -> None:
    pipeline = VividPipeline.from_pretrained(SHIPPED, torch_dtype=torch.float32)
    for latent_frames, height, width in ((1, 16, 16), (5, 16, 16), (5, 12, 20)):
        own = rotary_embedding(pipeline.transformer, latent_frames, height, width, "cpu")
        theirs = pipeline._prepare_rotary_positional_embeddings(8 * height, 8 * width, latent_frames, torch.device("cpu"))
        assert all(torch.equal(a, b) for a, b in zip(own, theirs, strict=True))
