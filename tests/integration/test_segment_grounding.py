"""Words to boxes with the real network and loading code: a small random Grounding DINO, fetched
from a hub on this machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from builders import disc_clip
from hub import serve_hub

from core.errors import InputError, ModelMissingError
from core.models import ModelStore

ROOT = Path(__file__).resolve().parents[2]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", "the", "disc", "a", "dog"]

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two repositories as the hub has them, REPOSITORY/FILE, with small random weights."""
    import torch

    from core.segment import grounding

    folder = tmp_path_factory.mktemp("hub")
    bert, dino = folder / "google-bert/bert-base-uncased", folder / "ShilongLiu/GroundingDINO"
    bert.mkdir(parents=True)
    dino.mkdir(parents=True)
    (bert / "vocab.txt").write_text("\n".join(WORDS))
    (bert / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True}))
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": len(WORDS)}
    (bert / "config.json").write_text(json.dumps({"model_type": "bert", **sizes}))
    (bert / "model.safetensors").write_bytes(b"not wanted")
    torch.manual_seed(0)
    shapes = {
        "backbone.0.patch_embed.proj.weight": (96,),
        "feat_map.weight": (256,),
        "transformer.encoder.layers.0.linear1.weight": (64,),
        "transformer.decoder.layers.0.linear1.weight": (64,),
        "transformer.tgt_embed.weight": (20,),
    }
    network = grounding._build({name: torch.zeros(shape) for name, shape in shapes.items()}, bert)
    weights = {f"module.{name}": value.half() if value.is_floating_point() else value for name, value in network.state_dict().items()}
    torch.save({"model": weights}, dino / "groundingdino_swint_ogc.pth")
    return folder


@pytest.fixture
def hub(published: Path) -> Generator[tuple[str, list[str]]]:
    """Address of a server that speaks as much of the hub's protocol as fetching takes, and what it
    was asked for.
    """
    with serve_hub(published) as served:
        yield served


def track(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`track --text` as a person starts it."""
    clip = disc_clip(tmp_path / "disc.mp4", frames=3)
    return run(tmp_path, "track", str(clip), "--text", "the disc", "--out", str(tmp_path / "out"), "--device", "cpu", **environment)


def run(tmp_path: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program's command line, with a workspace and a hub cache of its own."""
    command = [sys.executable, "-m", "app.commands.cli", *words, "--workspace", str(tmp_path / "workspace")]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_") and "proxy" not in name.lower()}
    environment = kept | {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"} | environment
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


def test_words_select_by_a_model_that_is_fetched_once(tmp_path: Path, hub: tuple[str, list[str]]) -> None:
    url, asked = hub
    done = run(tmp_path, "models", "fetch", "grounding-dino", "--accept-licence", HF_ENDPOINT=url)
    assert done.returncode == 0, done.stderr
    done = track(tmp_path, HF_HUB_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out" / "masks").glob("*.png"))) == 3
    assert any(path.endswith("groundingdino_swint_ogc.pth") for path in asked)
    assert not any("safetensors" in path for path in asked), "the text encoder's weights are in the checkpoint"
    assert run(tmp_path, "models", "remove", "grounding-dino").returncode == 0
    assert run(tmp_path, "models", "remove", "grounding-dino").returncode == InputError.exit_code


def test_without_the_weights_one_line_says_what_to_fetch_and_how_large(tmp_path: Path) -> None:
    done = track(tmp_path, HF_HUB_OFFLINE="1")
    assert done.returncode == ModelMissingError.exit_code
    assert done.stderr.count("\n") == 1
    assert "`launch.py models fetch grounding-dino`" in done.stderr
    assert "groundingdino_swint_ogc.pth of ShilongLiu/GroundingDINO, 694 MB" in done.stderr


def test_boxes_lie_on_the_frame_and_are_all_different(published: Path) -> None:
    from core.segment.grounding import load_grounder

    class Here(ModelStore):
        def locate(self, name: str, kind: str) -> Path:  # type: ignore[override]
            repository = "ShilongLiu/GroundingDINO/groundingdino_swint_ogc.pth" if kind == "grounder" else "google-bert/bert-base-uncased"
            return published / repository

    grounder = load_grounder("grounding-dino", "cpu", Here())
    grounder.short_side = 96
    frame = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    boxes = grounder.find(frame, "a dog", threshold=0.0)
    assert 2 <= len(boxes) <= 8
    assert all(0 <= box.x0 < box.x1 <= 160 and 0 <= box.y0 < box.y1 <= 120 for box in boxes)
    assert [box.score for box in boxes] == sorted((box.score for box in boxes), reverse=True)
    assert grounder.find(frame, "a dog", threshold=1.0) == []
    with pytest.raises(InputError, match="what to look for"):
        grounder.find(frame, " . ")
    # several labels at once: every box is under one of them, and many are asked for in parts
    found = grounder.find_labels(frame, ["dog", "green ball"], 0.0)
    assert set(found) == {"dog", "green ball"}
    scores = [box.score for boxes in found.values() for box in boxes if box.score]
    assert len(scores) == len(set(scores)) > 2
    assert grounder.find_labels(frame, ["dog"], 1.0) == {}
    assert [len(part) for part in grounder._passes(["dog"] * 200)] == [127, 73]


def test_another_checkpoint_is_named(published: Path, tmp_path: Path) -> None:
    import torch

    from core.segment.grounding import load_grounder

    class There(ModelStore):
        def locate(self, name: str, kind: str) -> Path:  # type: ignore[override]
            return tmp_path / "other.pth" if kind == "grounder" else published / "google-bert/bert-base-uncased"

    torch.save({"weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="not a checkpoint of Grounding DINO"):
        load_grounder("x", "cpu", There())
    (tmp_path / "other.pth").write_bytes(b"rubbish")
    with pytest.raises(InputError, match="can't be read"):
        load_grounder("x", "cpu", There())
