"""What scores pictures: the classifier that ships, and CLIP, here a toy one of the same classes."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before transformers imports torchvision)

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import write_clip

from app.commands.cli import main
from core.data.pool_sizes import PoolSizes
from core.data.vocabulary import KINDS
from core.errors import InputError, ModelMissingError
from core.evaluation.classifier import Classifier, crop_square, FOLDER, SIDE, ThingClassifier, WEIGHTS
from core.evaluation.clip_score import ClipScorer
from core.evaluation.clips import EvaluationClip
from core.evaluation.keyframe import boxes_on
from core.evaluation.procedural import draw_samples, unseen_world
from core.training.common.run import TrainingRun
from core.training.small.classifier import train
from core.training.small.classifier_config import ClassifierConfig

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = PoolSizes(solids_per_kind=2, solid_size=32, backgrounds=3, background_size=64, silhouettes=4)


def test_the_classifier_that_ships_is_small_and_right() -> None:
    assert (FOLDER / WEIGHTS).stat().st_size <= 150_000
    assert sum(weight.numel() for weight in ThingClassifier().parameters()) <= 70_000
    world = unseen_world((128, 128), solids_per_kind=2, backgrounds=4)
    samples = draw_samples(world, 48, 1, seed=9)
    named = Classifier.load().name([sample.frames[0] for sample in samples], [sample.region[0] for sample in samples])
    assert np.mean([name.kind == sample.kind for name, sample in zip(named, samples, strict=True)]) >= 0.85
    assert np.mean([name.colour == sample.colour for name, sample in zip(named, samples, strict=True)]) >= 0.85


def test_the_square_around_a_region_is_cut_out_whole() -> None:
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, 50:] = 200  # goes on beyond the right edge
    mask = np.zeros((40, 60), bool)
    mask[10:30, 40:60] = True
    square = crop_square(picture, mask, side=24, margin=1.2)
    assert square.shape == (24, 24, 3)
    assert (square[:, :11] == 0).all()
    assert (square[:, 13:] == 200).all()
    with pytest.raises(InputError, match="empty"):
        crop_square(picture, np.zeros_like(mask))


def test_weights_survive_being_written(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = ThingClassifier()
    Classifier(network).save(tmp_path)
    pictures = torch.rand(2, 3, SIDE, SIDE)
    again = Classifier.load(tmp_path).network
    for own, read in zip(network(pictures), again(pictures), strict=True):
        assert torch.allclose(own, read, atol=0.02)
    (tmp_path / WEIGHTS).write_bytes(b"nothing")
    with pytest.raises(ModelMissingError, match="classifier"):
        Classifier.load(tmp_path)


def test_the_recipe_resumes_exactly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = ClassifierConfig(
        steps=4, batch=8, pictures=16, held_out_pictures=8, world=TINY, held_out_world=TINY, log_every=1, warmup_steps=1
    )
    train(replace(config, out=str(tmp_path / "whole")))
    advance = TrainingRun.advance

    def breaking(self: TrainingRun, *arguments) -> None:
        advance(self, *arguments)
        if self.step == 2:
            self.save_checkpoint()
            raise KeyboardInterrupt

    broken = replace(config, out=str(tmp_path / "broken"))
    with monkeypatch.context() as patched:
        patched.setattr(TrainingRun, "advance", breaking)
        with pytest.raises(KeyboardInterrupt):
            train(broken)
    train(replace(broken, resume=True))
    whole, parts = ((tmp_path / name / WEIGHTS).read_bytes() for name in ("whole", "broken"))
    assert whole == parts
    scores = json.loads((tmp_path / "whole" / "scores.json").read_text())
    assert scores["pictures"] == 8
    assert 0 <= scores["kind_spoiled"] <= 1


def test_boxes_go_through_all_colours_and_kinds() -> None:
    clip = EvaluationClip("", np.zeros((3, 90, 160, 3), np.uint8))
    requests = boxes_on(clip, 144, 0)
    assert {request.kind for request in requests} == set(KINDS)
    assert len({(request.kind, request.colour) for request in requests}) == 144
    assert all(request.kind in request.caption and request.colour in request.caption for request in requests)
    assert all(0.2 * 90 < request.region.any(1).sum() < 0.6 * 90 for request in requests)
    assert (boxes_on(clip, 2, 5)[1].region == requests[6].region).all()


@pytest.fixture(scope="module")
def toy_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip"))


def test_clip_scores_words_and_neighbours(toy_clip: Path) -> None:
    scorer = ClipScorer.load(str(toy_clip))
    random = np.random.default_rng(0)
    frames = [random.integers(0, 256, (40, 48, 3), dtype=np.uint8) for _ in range(3)]
    assert scorer.consistency([frames[0]] * 4) == pytest.approx(100, abs=0.01)
    assert -100 <= scorer.consistency(frames) < 100
    alignment = scorer.text_alignment(frames, ["a red ball", "a blue cube", "a red ball"])
    assert len(alignment) == 3
    assert all(-100 <= value <= 100 for value in alignment)
    assert scorer.text_alignment(frames[:1], ["a red ball"])[0] == pytest.approx(alignment[0], abs=0.01)


def test_a_missing_clip_says_what_to_fetch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "keyframe", "--clip-model", str(tmp_path / "nowhere")]) == 3
    error = capsys.readouterr().err
    assert "clip-vit-base-patch32" in error
    assert "nowhere" in error
