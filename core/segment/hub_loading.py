"""Folders in the layout of transformers: SAM 2.1 and EdgeTAM, which track what is clicked, and SAM
3, which finds everything that words name as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

import core.compat  # noqa: F401  (first: transformers imports torchvision)
from core.errors import InputError
from core.models.hub import model_type, SAM3
from core.models.tensors import check_package
from core.segment.frames import MEAN, STD, Triple
from core.segment.hub_network import HubBackend
from core.segment.sam3_words import Sam3Words


@dataclass(frozen=True)
class _Family:
    """Classes of a model type, and the mean and deviation of the pictures it has learnt from."""

    model: str
    session: str
    mean: Triple = MEAN
    std: Triple = STD


_FAMILIES = {
    "sam2_video": _Family("Sam2VideoModel", "Sam2VideoInferenceSession"),
    "edgetam_video": _Family("EdgeTamVideoModel", "EdgeTamVideoInferenceSession"),
    SAM3: _Family("Sam3VideoModel", "Sam3TrackerVideoInferenceSession", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}

_DAMAGED = (OSError, SafetensorError, RuntimeError, ValueError, TypeError, LookupError, AttributeError, ImportError)
"""What transformers raises over a folder that is damaged or another model's."""


def load_hub_network(folder: Path, device: str) -> tuple[HubBackend, Sam3Words | None]:
    """Load a video model of transformers from a folder; nothing is fetched.

    Args:
        folder: Has config.json and model.safetensors, and for SAM 3 the files of its tokenizer.
        device: What torch calls it: cpu, cuda, cuda:N, mps.

    Returns:
        What tracks, and what finds by words, for SAM 3.

    Raises:
        InputError: The folder is none of the known models, or damaged.
    """
    kind = model_type(folder)
    family = _FAMILIES.get(kind or "")
    if family is None:
        known = ", ".join(_FAMILIES)
        raise InputError(f"the model in {folder} is of the type '{kind}', which can't track objects here: choose one of {known}")
    try:
        check_package(folder)
        network = _read(folder, family.model).float().eval().requires_grad_(False).to(device)
        session = _transformers(family.session)
        if kind != SAM3:
            return HubBackend(network, session, partial(_features, network), family.mean, family.std), None
        tracker = HubBackend(network.tracker_model, session, partial(_shared_features, network), family.mean, family.std)
        return tracker, Sam3Words(network.detector_model, _tokenizer(folder), tracker.picture)
    except _DAMAGED as error:
        raise InputError(f"the model in {folder} can't be read: it is damaged or incomplete, fetch or copy it again") from error


def _transformers(name: str) -> Any:
    import transformers

    return getattr(transformers, name)


def _read(folder: Path, name: str) -> Any:
    from transformers.utils import logging

    logging.disable_progress_bar()
    network, facts = _transformers(name).from_pretrained(folder, local_files_only=True, use_safetensors=True, output_loading_info=True)
    # what is missing would be left at random without a word
    if lacking := [*facts["missing_keys"], *facts["mismatched_keys"]]:
        raise ValueError(f"{len(lacking)} of its weights are missing or of another shape")
    return network


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def _features(network: Any, picture: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    found = network.get_image_features(picture, return_dict=True)
    return list(found.fpn_hidden_states), list(found.fpn_position_encoding)


@torch.inference_mode()
def _shared_features(network: Any, picture: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """SAM 3's tracker has no image encoder of its own."""
    levels, positions = network.get_vision_features_for_tracker(network.detector_model.get_vision_features(pixel_values=picture))
    return list(levels), list(positions)
