"""The recipe of the small SAM 2: what is trained is what the program does, a few steps with exact
resume, and the package.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before sam2 imports torchvision)

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sam2.modeling.sam2_base import SAM2Base

from core.data import simulated_prompts
from core.data.tracking import TrackingWorld, whole_things
from core.errors import InputError
from core.models import ModelStore
from core.segment.frames import Features
from core.segment.loading import load_segmenter
from core.segment.network import build_network, Sam2Config
from core.segment.prompts import FramePrompts
from core.segment.tracker import answer_start, ObjectTracker
from core.training.command import main
from core.training.common.run import TrainingRun
from core.training.small.run import begin_run
from core.training.small.sam2 import Keeper, read_phases, Validation
from core.training.small.sam2_config import PoolsConfig, Sam2RecipeConfig
from core.training.small.sam2_tracking import BatchTracker, fit_to, track

SIZES = Sam2Config(64, 8, (1, 1, 2, 1), (4, 4, 4, 2), 32, 16, 1, 32, 3, 3)
POOLS = {"textures_count": 4, "outlines": 4, "solids_per_kind": 1, "backgrounds": 4, "background_size": 64, "picture_size": 32}
TIMES = ("seconds", "clips_a_second", "milliseconds")


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Tiny tensors run slower on several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def a_network(size: int) -> SAM2Base:
    torch.manual_seed(4)
    network = build_network(SIZES if size == SIZES.image_size else Sam2Config(**{**vars(SIZES), "image_size": size}))
    torch.nn.init.normal_(network.maskmem_tpos_enc, std=0.5)
    torch.nn.init.constant_(network.sam_mask_decoder.pred_obj_score_head.layers[-1].bias, 3.0)
    return network.eval()


@pytest.mark.parametrize("prompt", ["box", "click", "mask"])
def test_what_is_trained_is_what_the_program_does(prompt: str) -> None:
    """The batched steps against the program's own tracker over SAM2Base.track_step, on clips longer
    than the memory.
    """
    network, size, frames = a_network(64), 64, 7
    clips = TrackingWorld("cpu", seed=0, **POOLS).sample(2, frames, size, seed=8)
    masks, _ = whole_things(clips, 1)
    batched = BatchTracker(network)
    _, logits = track(batched, clips.pixels, masks, prompt, passes=0)
    for clip in range(2):
        normal = (clips.pixels[clip] - batched.mean) / batched.std
        mask = masks[clip, 0, 0].numpy()
        ys, xs = np.nonzero(mask)
        x, y = simulated_prompts.deepest(masks[clip, :1, 0])[0].tolist()
        said = {
            "box": FramePrompts(((xs.min(), ys.min()), (xs.max() + 1, ys.max() + 1)), (2, 3), None),
            "click": FramePrompts(((x, y),), (1,), None),
            "mask": FramePrompts((), (), mask),
        }[prompt]
        tracker = ObjectTracker(network, (size, size), frames, 0)
        for index in range(frames):
            with torch.inference_mode():
                _, levels, positions, sizes = network._prepare_backbone_features(network.forward_image(normal[index : index + 1]))
            features = Features(levels, positions, sizes, np.zeros((size, size), np.uint8))
            answer = tracker.step(index, features) if index else tracker.prompt(0, features, said)
            assert torch.allclose(logits[clip, index], answer["pred_masks"][0, 0], atol=2e-4), index
        if prompt == "click":
            with torch.inference_mode():
                _, levels, positions, sizes = network._prepare_backbone_features(network.forward_image(normal[:1]))
                again = answer_start(network, Features(levels, positions, sizes, np.zeros((size, size), np.uint8)), said, (size, size), 2)
            _, twice = track(batched, clips.pixels[clip : clip + 1, :1], masks[clip : clip + 1, :1], prompt, passes=2)
            assert torch.allclose(twice[0, 0], again["pred_masks"][0, 0], atol=2e-4)


def test_a_network_fitted_to_a_size_is_one_built_for_it() -> None:
    built, fitted = a_network(96), a_network(64)
    fitted.load_state_dict(built.state_dict())
    fit_to(fitted, 96)
    clips = TrackingWorld("cpu", seed=0, **POOLS).sample(1, 2, 96, seed=1)
    masks, _ = whole_things(clips, 1)
    one, other = (track(BatchTracker(network), clips.pixels, masks, "box", 1)[1] for network in (built, fitted))
    assert torch.equal(one, other)


def words(folder: Path, sizes: Path) -> list[str]:
    pools = [f"pools.{key}={value}" for key, value in POOLS.items()]
    return [
        *("small-sam2", "device=cpu", "steps=4", "log_every=1", "warmup_steps=1", "phases=64:2:4:2:0.7,96:3:4:2:1", f"out={folder}"),
        *(f"initial={sizes}", "validation_clips=2", "validation_frames=3", "prompt_passes=1", *pools),
    ]


@pytest.fixture(scope="module")
def sizes(tmp_path_factory) -> Path:
    """A folder with the size of the network, without weights: training starts from nothing."""
    folder = tmp_path_factory.mktemp("sizes")
    SIZES.write(folder / "config.json")
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory, sizes: Path) -> Path:
    """Four steps, three at 64 px and one at 96, without a break."""
    folder = tmp_path_factory.mktemp("whole")
    assert main(words(folder, sizes)) == 0
    return folder


def curve(folder: Path) -> list[dict[str, str]]:
    with (folder / "curve-small-sam2.csv").open() as file:
        return [{key: value for key, value in row.items() if key not in TIMES} for row in csv.DictReader(file)]


def test_a_run_broken_in_the_middle_ends_like_one_that_was_not(
    trained: Path, sizes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stop after step 1, between the two uses of a batch, and go on."""
    advance = TrainingRun.advance

    def breaking(self: TrainingRun, *arguments) -> None:
        advance(self, *arguments)
        if self.step == 1:
            self.save_checkpoint()
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(TrainingRun, "advance", breaking)
        with pytest.raises(KeyboardInterrupt):
            main(words(tmp_path, sizes))
    torch.rand(7)
    assert main([*words(tmp_path, sizes), "resume=true"]) == 0
    assert curve(tmp_path) == curve(trained)
    broken, whole = (torch.load(folder / "checkpoint-small-sam2.pt", weights_only=True) for folder in (tmp_path, trained))
    assert broken["average"].keys() == whole["average"].keys()
    assert all(torch.equal(broken["average"][name], expected) for name, expected in whole["average"].items())
    assert broken["extra"]["best"] == whole["extra"]["best"]


def test_the_package_of_a_run_loads(trained: Path, tmp_path: Path) -> None:
    segmenter = load_segmenter(str(trained / "package"), "cpu", ModelStore())
    assert segmenter.backend.passes == 1
    assert segmenter.backend.network.image_size == 64
    assert json.loads((trained / "package" / "config.json").read_text())["prompt_passes"] == 1
    assert (trained / "package" / "sheet-small-sam2.jpg").stat().st_size > 1000
    assert {"loss", "box", "J_box", "J0_click"} <= set(curve(trained)[0])


def test_a_call_that_must_stop_leaves_everything_behind(sizes: Path, tmp_path: Path) -> None:
    export = tmp_path / "given"
    assert main([*words(tmp_path / "run", sizes), "stop_after=0.01", f"export={export}"]) == 0
    assert {path.name for path in export.iterdir()} >= {"model.safetensors", "config.json", "sheet-small-sam2.jpg"}
    assert main([*words(tmp_path / "run", sizes), "resume=true", f"export={export}"]) == 0
    assert len(curve(tmp_path / "run")) == 4
    assert (export / "curve-small-sam2.csv").exists()


def a_keeper(folder: Path) -> Keeper:
    pools = PoolsConfig(**POOLS)
    config = Sam2RecipeConfig(out=str(folder), device="cpu", steps=2, validation_clips=2, validation_frames=3, prompt_passes=1, pools=pools)
    network = a_network(96).train()
    fit_to(network, 64)
    run = begin_run(config, "small-sam2", {"network": network})
    return Keeper(run, config, network, SIZES, Validation(config, 96, run.device))


def test_validation_leaves_the_network_that_trains_alone(tmp_path: Path) -> None:
    """A captured graph goes on reading the very tensors that it was captured with: none may be
    replaced.
    """
    keeper = a_keeper(tmp_path)
    network = keeper.run.modules["network"]
    held = [layer.cross_attn_image.freqs_cis for layer in network.memory_attention.layers]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    keeper.validate()
    assert all(layer.cross_attn_image.freqs_cis is kept for layer, kept in zip(network.memory_attention.layers, held, strict=True))
    assert network.training
    assert network.image_size == 64
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_after_a_collapse_training_goes_on_from_the_best_weights(tmp_path: Path) -> None:
    keeper = a_keeper(tmp_path)
    keeper.validate()
    optimizer = keeper.run.optimizer
    best = [value.clone() for value in optimizer.average.values()]
    with torch.no_grad():
        for value in (*optimizer.parameters.values(), *optimizer.average.values()):
            value.zero_()
    keeper.run.extra["best"] = 0.99
    keeper.validate()
    assert all(torch.equal(value, kept) for value, kept in zip(optimizer.parameters.values(), best, strict=True))
    assert all(torch.equal(value, kept) for value, kept in zip(optimizer.average.values(), best, strict=True))


def test_a_gradient_that_is_no_number_counts_for_nothing(tmp_path: Path) -> None:
    optimizer = a_keeper(tmp_path).run.optimizer
    optimizer.adam.param_groups[0]["weight_decay"] = 0.0
    parameters = list(optimizer.parameters.values())
    before = [value.detach().clone() for value in parameters]
    optimizer.descend(sum(value.sum() for value in parameters) * float("nan"))
    assert all(torch.equal(value, kept) for value, kept in zip(parameters, before, strict=True))


def test_phases_are_read_or_refused() -> None:
    assert [tuple(phase) for phase in read_phases("64:2:4:2:0.5,96:3:4:2:1")] == [(64, 2, 4, 2, 0.5), (96, 3, 4, 2, 1.0)]
    for text in ("64:2:4", "60:2:4:2:1", "64:2:4:2:0.5", "64:2:4:2:1,96:2:4:2:0.5", "64:1:4:2:1", "64:2:x:2:1"):
        with pytest.raises(InputError, match="phases="):
            read_phases(text)
