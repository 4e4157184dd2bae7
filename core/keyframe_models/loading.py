"""Keyframe models from folders as diffusers writes them."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from core.keyframe_models.facts import read_facts
from core.keyframe_models.klein import Klein
from core.keyframe_models.pipeline_model import PipelineModel
from core.keyframe_models.placing import place
from core.keyframe_models.qwen import Qwen
from core.keyframe_models.sdxl import Sdxl
from core.keyframe_models.single_file import base_of, check_size, is_alone
from core.keyframe_models.speed import compiled, converted
from core.models import ModelStore
from core.models.presets import check_has_draft, draft_files, draft_of, split_draft
from core.models.tensors import check_package
from core.vivid.denoiser_files import read_denoiser
from core.vivid.distilled import add_draft
from core.vivid.loading import damage_reported, dtype_for

log = logging.getLogger(__name__)

_MODELS: dict[str, type[PipelineModel]] = {"flux2-klein": Klein, "sdxl": Sdxl, "qwen-image": Qwen}
"""By engine. A further one is a file, a line here and one in `facts.KINDS`."""


def load_keyframe_model(
    name: str, device: str, store: ModelStore, memory: str = "auto", free: Callable[[], int] | None = None, speed: str = "auto"
) -> PipelineModel:
    """Load a keyframe model of the catalogue, or one in a folder, onto `device`.

    Single precision on a CPU, bfloat16 elsewhere.

    Args:
        name: A name of the catalogue, or the path of a folder, or of a file with a denoiser alone;
            with `:draft` behind it for the model's Draft.
        device: cpu, cuda, cuda:N or mps.
        store: Where models lie.
        memory: all, parts, layers or auto, see `core.keyframe_models.placing`.
        free: Says how many bytes are free on the device; None where nothing is to be shared out.
        speed: A preset of speed, levers or auto, which is plain.

    Returns:
        The model.

    Raises:
        InputError: The name is unknown.
        ModelMissingError: The weights are absent, damaged, or of another kind.
    """
    given = store.locate(name, "image")
    alone = is_alone(given)
    folder = base_of(given, store) if alone else given
    facts = read_facts(folder)
    kind = _MODELS[facts.kind]
    plain, drafted = split_draft(name)
    draft = check_has_draft(plain, draft_of(plain, "image", store)) if drafted else None
    files = {} if draft is None else draft_files(draft, folder, store)
    if draft is not None:
        facts = replace(facts, steps=draft.steps, guidance=draft.guidance)
    parts: dict[str, Any] = {}
    with damage_reported(given):
        check_package(folder)
        if alone:
            own = kind.parts_in(folder, store) / kind.denoiser
            check_size(given, own)
            parts[kind.denoiser] = read_denoiser(given, own, dtype_for(device))
        model = kind(kind.opened(folder, dtype_for(device), store, **parts), name, facts)
    if draft is not None:
        add_draft(plain, model, draft, files)
    denoiser = getattr(model.pipeline, model.denoiser)
    levers = converted(denoiser, name, speed, torch.device(device))
    model.places = place(model.pipeline, model.denoiser, torch.device(device), memory, model.sizes[0], None if free is None else free())
    model.levers = compiled(denoiser, levers, model.places is not None and model.denoiser in model.places.plan.streamed)
    if model.places is not None:
        log.info("%s on %s: %s; speed: %s", name, device, model.places.plan, model.levers)
    return model
