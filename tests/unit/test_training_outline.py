"""The recipe of the outline network: broken off and continued, and what it leaves behind."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before sam2 imports torchvision)

import csv
from pathlib import Path

import pytest
import torch

from core.errors import InputError
from core.segment.network import build_network, Sam2Config
from core.segment.outline_network import cut, FILE_NAME, load_outline_network, OutlineNetwork
from core.training.command import main
from core.training.common.checkpoint import save_tensors

SIZES = Sam2Config(64, 8, (1, 1, 2, 1), (4, 4, 4, 2), 128, 16, 1, 32, 3, 3)
POOLS = {"textures_count": 4, "outlines": 4, "solids_per_kind": 1, "backgrounds": 4, "background_size": 96, "picture_size": 32}


def test_a_run_continues_and_its_weights_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.training.small.outline_parts._LOST", -1.0)  # a segmenter of chance hits nothing
    torch.manual_seed(4)
    package, out, export = tmp_path / "sam2", tmp_path / "run", tmp_path / "given"
    package.mkdir()
    SIZES.write(package / "config.json")
    save_tensors(package / "model.safetensors", build_network(SIZES).state_dict())
    words = [
        *("small-outline", "device=cpu", "steps=3", "log_every=1", "side=96", "frames=2", "clips=1", "part=32", "narrowest=60"),
        *("widest=96", "parts=2", "validation_clips=2", f"segmenter={package}", f"out={out}", f"export={export}", "resume=true"),
        *(f"pools.{key}={value}" for key, value in POOLS.items()),
    ]
    assert main([*words, "stop_after=0.01"]) == 0
    assert main(words) == 0
    with (out / "curve-small-outline.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["1", "2", "3"]
    assert all(float(row["loss"]) > 0 for row in rows)
    assert {path.name for path in export.iterdir()} == {FILE_NAME, "curve-small-outline.csv"}
    assert isinstance(load_outline_network(export), OutlineNetwork)
    (export / FILE_NAME).write_bytes(b"no weights")
    with pytest.raises(InputError, match="install the model again"):
        load_outline_network(export)


def test_before_it_has_learnt_it_answers_what_it_is_told() -> None:
    network, logits = OutlineNetwork(), torch.linspace(-9, 9, 32 * 48).view(1, 1, 32, 48)
    features = [torch.randn(1, channels, 32 // step, 48 // step) for channels, step in zip((16, 32, 128), (4, 8, 16), strict=True)]
    assert torch.allclose(network(torch.rand(1, 3, 32, 48), logits, features), logits)


def test_a_part_is_cut_out_where_its_box_lies() -> None:
    values = torch.arange(64.0).view(1, 1, 8, 8)
    part = cut(values, torch.tensor([[0.25, 0.5, 0.75, 1.0]]), (4, 4))
    assert torch.allclose(part[0, 0], values[0, 0, 4:, 2:6], atol=1e-4)
    beyond = cut(values, torch.tensor([[0.5, 0.5, 1.5, 1.5]]), (8, 8))
    assert float(beyond[0, 0, -1, -1]) == pytest.approx(63)
