"""What the folder of a keyframe model says of it: its class in `model_index.json`, and in
`vivid.json` what its owner wants otherwise. Read without any heavy library.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ModelMissingError

INDEX, CONFIG, FACTS = "model_index.json", "config.json", "vivid.json"
CONTROLNET = "controlnet"
"""The folder of a ControlNet in that of its pipeline."""

KINDS = {
    "Flux2KleinPipeline": "flux2-klein",
    "Flux2KleinInpaintPipeline": "flux2-klein",
    "StableDiffusionXLPipeline": "sdxl",
    "StableDiffusionXLInpaintPipeline": "sdxl",
    "QwenImagePipeline": "qwen-image",
    "QwenImageControlNetInpaintPipeline": "qwen-image",
    "QwenImageControlNetModel": "qwen-image",
}
"""The engine of the catalogue that a class of diffusers runs in."""


@dataclass(frozen=True)
class Facts:
    """`kind` is the engine. None means the model's own: `side` of the squares that it paints, in
    pixels, `steps` and `guidance`.
    """

    kind: str
    side: int | None = None
    steps: int | None = None
    guidance: float | None = None


def read_facts(folder: Path) -> Facts:
    """What a folder says of the keyframe model in it.

    Raises:
        ModelMissingError: It is no model that can paint a keyframe.
    """
    name = _class_name(folder)
    if name not in KINDS:
        raise ModelMissingError(f"'{folder}' is a {name:.80}, which can't paint keyframes: give a folder of {_readable()}")
    _check_inpaints(folder, KINDS[name])
    own = _read(folder / FACTS) if (folder / FACTS).is_file() else {}
    try:
        side, steps, guidance = (own.get(key) for key in ("side", "steps", "guidance"))
        facts = Facts(
            KINDS[name],
            None if side is None else int(side),
            None if steps is None else int(steps),
            None if guidance is None else float(guidance),
        )
        sensible = 64 <= (facts.side or 64) <= 4096 and 1 <= (facts.steps or 1) <= 1000 and 0 <= (facts.guidance or 0) <= 50
    except (TypeError, ValueError, OverflowError):
        sensible = False
    if not sensible:
        raise ModelMissingError(
            f"the {FACTS} of '{folder}' can't be used: it may say side (64 to 4096), steps (1 to 1000) and guidance (0 to 50)"
        )
    return facts


def names_a_model(folder: Path) -> bool:
    """Whether the folder says that a keyframe model, or the ControlNet of one, is in it."""
    with contextlib.suppress(ModelMissingError):
        return _class_name(folder) in KINDS
    return False


def _check_inpaints(folder: Path, kind: str) -> None:
    """Raise ModelMissingError for a relative of a keyframe model that reads no mask."""
    if kind == "sdxl":
        channels = _read(folder / "unet" / CONFIG).get("in_channels")
        if channels != 9:
            raise ModelMissingError(f"the SDXL in '{folder}' is not made for inpainting: its UNet has {channels} channels and not 9")
    if kind == "qwen-image":
        control = folder / CONTROLNET if (folder / INDEX).is_file() else folder
        if not control.is_dir():
            raise ModelMissingError(f"the Qwen-Image in '{folder}' lacks a ControlNet for inpainting: put one in its folder '{CONTROLNET}'")
        if not _read(control / CONFIG).get("extra_condition_channels"):
            raise ModelMissingError(f"the ControlNet in '{control}' is not made for inpainting: it reads no mask")


def _class_name(folder: Path) -> str:
    """The class of diffusers that wrote a folder."""
    if not folder.is_dir():
        raise ModelMissingError(f"'{folder}' is not a folder: give the folder of a keyframe model as diffusers writes it, with its {INDEX}")
    found = next((folder / name for name in (INDEX, CONFIG) if (folder / name).is_file()), None)
    if found is None:
        raise ModelMissingError(f"'{folder}' has no {INDEX}: give the folder of a keyframe model as diffusers writes it")
    return str(_read(found).get("_class_name", "model of another program"))


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    except (OSError, ValueError, RecursionError):
        pass
    raise ModelMissingError(f"'{path}' can't be read as JSON: get the model anew")


def _readable() -> str:
    return "FLUX.2 klein, SDXL inpainting, or Qwen-Image with a ControlNet for inpainting"
