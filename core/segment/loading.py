"""From a model's name to a network that is ready to work."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from sam2.build_sam import build_sam2
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor

from core.errors import InputError
from core.machine import keep_freed_memory
from core.models import MODELS, ModelStore
from core.models.device import has_fast_bfloat16
from core.models.hub import model_type
from core.models.tensors import load_checkpoint, load_tensors
from core.segment.backend import Backend
from core.segment.frames import FrameSource
from core.segment.inference import shorten, speed_up
from core.segment.network import build_network, Sam2Config
from core.segment.session import SegmentSession
from core.segment.tracker import Sam2Backend
from core.segment.words import WordFinder

_SAM21_BY_SHAPE = {(96, 12): "t", (96, 16): "s", (112, 24): "b+", (144, 48): "l"}
"""Which SAM 2.1 a checkpoint is, by the image encoder's first width and its number of blocks."""

_NO_CHECKPOINT = (
    *(OSError, RuntimeError, EOFError, AttributeError, LookupError, TypeError, ValueError),
    *(pickle.UnpicklingError, SafetensorError),
)
"""What reading a file raises that is damaged or something else."""


@dataclass(frozen=True)
class Segmenter:
    """A network with its weights, on its device. `finder` is its own way to find things by words,
    where it has one.
    """

    name: str
    backend: Backend
    finder: WordFinder | None = None

    def session(self, reader: FrameSource, folder: Path | str | None = None) -> SegmentSession:
        """Go to work on a clip (a core.media ClipReader); `folder` is where the files of mask
        prompts lie.
        """
        return SegmentSession(self.backend, reader, folder)


def load_segmenter(name: str, device: str, store: ModelStore) -> Segmenter:
    """Load a segmenter.

    Weights are float32. On a processor that has bfloat16 the image encoder's are that, and most of
    the small network's (core.segment.inference).

    Args:
        name: The catalogue's name, or a path: a package's folder (config.json, model.safetensors),
            a folder of transformers (core.segment.hub_loading) or a SAM 2.1 checkpoint file.
        device: What torch calls it: cpu, cuda, cuda:N, mps.
        store: Where weights are looked for.

    Returns:
        The segmenter, ready to work.

    Raises:
        InputError: The name is unknown, or the file is no such checkpoint.
        ModelMissingError: The weights are not to be had.
    """
    path = store.locate(name, "segmenter")
    if path.is_dir() and model_type(path) is not None:
        from core.segment.hub_loading import load_hub_network

        return Segmenter(name, *load_hub_network(path, device))
    small = path.is_dir()
    network, passes = _load_package(path) if small else (_load_sam21(path, name), 0)
    network = network.float().eval().requires_grad_(False)
    if small:
        speed_up(network, device)
    network = network.to(device)
    if network.device.type == "cpu":
        keep_freed_memory()
        if has_fast_bfloat16():
            shorten(network.image_encoder)
    return Segmenter(name, Sam2Backend(network, passes, snap_to_edges=small))


def _load_package(folder: Path) -> tuple[SAM2Base, int]:
    config = Sam2Config.read(folder / "config.json")
    network = build_network(config)
    try:
        network.load_state_dict(load_tensors(folder / "model.safetensors"))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise InputError(f"the weights in {folder} can't be read or don't fit its config.json: install the model again") from error
    return network, config.prompt_passes


def _load_sam21(path: Path, name: str) -> SAM2Base:
    try:
        state = load_checkpoint(path)
        state = state.get("model", state)  # safetensors have no such level
        if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
            raise TypeError("no state of a network")
    except _NO_CHECKPOINT as error:
        what = "a .pt file with the weights under 'model', or a .safetensors file"
        raise InputError(f"{path} is not a SAM 2.1 checkpoint ({what}): choose another file") from error
    known = MODELS.get(name)
    architecture = known.architecture if known and known.architecture else f"configs/sam2.1/sam2.1_hiera_{_shape_of(state, path)}.yaml"
    # the switch that the package's video predictor sets too: what a person saw after clicking is
    # what the memory gets
    network = build_sam2(architecture, device="cpu", hydra_overrides_extra=["++model.binarize_mask_from_pts_for_mem_enc=true"])
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise InputError(f"the weights in {path} don't fit {Path(architecture).stem}: fetch the file again") from error
    return network


def _shape_of(state: dict[str, Tensor], path: Path) -> str:
    width = state.get("image_encoder.trunk.patch_embed.proj.weight")
    blocks = {key.split(".")[3] for key in state if key.startswith("image_encoder.trunk.blocks.")}
    found = None if width is None else _SAM21_BY_SHAPE.get((width.shape[0], len(blocks)))
    if found is None:
        raise InputError(f"{path} is not one of the SAM 2.1 sizes: choose tiny, small, base-plus or large")
    return found
