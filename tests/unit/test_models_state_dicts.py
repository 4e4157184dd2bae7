"""True-size engines take the names and shapes of the public checkpoints, whose weights can't be
fetched where this runs: tests/data/state_dicts says where they were read.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from transformers import UMT5Config, UMT5EncoderModel

from core.engines.wan_vace import VacePipeline
from core.models.catalogue import MODELS
from core.vivid.offload import needs_of
from core.vivid.presets import needs_of_parameters

FOLDER = Path(__file__).parents[1] / "data" / "state_dicts"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


def facts_of(name: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return facts


def shapes_of(facts: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """The checkpoint's names and shapes: `blocks.{0-29}.x` stands for thirty of them."""
    shapes = {}
    for pattern, shape in facts["keys"].items():
        blocks = re.search(r"\{(\d+)-(\d+)\}", pattern)
        for number in range(int(blocks[1]), int(blocks[2]) + 1) if blocks else [0]:
            shapes[pattern.replace(blocks[0], str(number)) if blocks else pattern] = tuple(shape)
    return shapes


def renamed(name: str, rules: list[list[str]]) -> str:
    for old, new in rules:
        name = name.replace(old, new)
    return name


def build(facts: dict[str, Any]) -> Any:
    with torch.device("meta"):
        return getattr(diffusers, facts["class"])(**facts["config"])


@pytest.mark.parametrize("name", NAMES)
def test_a_true_size_network_takes_the_checkpoints_names_and_shapes(name: str) -> None:
    facts = facts_of(name)
    shapes = shapes_of(facts)
    if facts["md5"]:  # by which others tell this very checkpoint from all others
        words = sorted(word for key, shape in shapes.items() for word in (key, f"{key}:{'_'.join(map(str, shape))}"))
        assert hashlib.md5(",".join(words).encode(), usedforsecurity=False).hexdigest() == facts["md5"]
    network = build(facts)
    own = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    assert {renamed(key, facts["renamed"]): shape for key, shape in shapes.items()} == own
    sizes = MODELS[name].parameters
    assert sizes is not None
    assert sizes.denoiser == pytest.approx(sum(value.numel() for value in network.parameters()) / 1e9, abs=0.001)


def test_the_memory_of_the_catalogue_is_what_the_loaded_parts_need() -> None:
    """The catalogue computes from counts what `needs_of` computes from the parts themselves."""
    sizes = MODELS["wan-vace-1.3b"].parameters
    assert sizes is not None
    with torch.device("meta"):
        text = UMT5EncoderModel(
            UMT5Config(vocab_size=256384, d_model=4096, d_kv=64, d_ff=10240, num_layers=24, num_heads=64, feed_forward_proj="gated-gelu")
        )
        coder = diffusers.AutoencoderKLWan()
    text.encoder.embed_tokens = text.shared
    network = build(facts_of("wan-vace-1.3b"))
    pipeline = VacePipeline(None, text.bfloat16(), coder, None, network.to(torch.bfloat16))  # type: ignore[arg-type]
    frames, height, width = sizes.window
    loaded = needs_of(pipeline, (height, width), frames, guided=True)
    computed = needs_of_parameters(sizes)
    for mode in ("all", "parts", "layers"):
        for tiled in (False, True):
            assert computed.peak(mode, tiled) == pytest.approx(loaded.peak(mode, tiled), rel=0.05), (mode, tiled)
