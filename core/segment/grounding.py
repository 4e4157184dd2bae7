"""Words to boxes: Grounding DINO finds on a frame what a text names.

The network is the package's own (groundingdino-py); which of its sizes it is, the checkpoint itself
says. Its text encoder is a BERT whose weights are part of the checkpoint, so of BERT only the
configuration and the vocabulary have to be had.
"""

from __future__ import annotations

import contextlib
import io
import pickle
import threading
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import nn, Tensor

import core.compat  # noqa: F401  (first: groundingdino imports torchvision)
from core.errors import InputError
from core.models import ModelStore
from core.models.tensors import load_checkpoint
from core.segment.words import FoundBox, words_of

TEXT_ENCODER = "bert-base-uncased"
"""The catalogue's name of what the text encoder needs besides the checkpoint."""

_CONFIGS = {96: "GroundingDINO_SwinT_OGC.py", 128: "GroundingDINO_SwinB_cfg.py"}
"""The package's configurations by the width at which the image encoder begins."""

_SHORT_SIDE, _LONG_SIDE = 800, 1333  # pixels that the network was trained on
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)
_OVERLAP = 0.7  # of two boxes, intersection over union, from which on they are the same thing

_building = threading.Lock()


class Grounder:
    """A Grounding DINO with its weights, on its device."""

    def __init__(self, network: nn.Module, device: str, short_side: int = _SHORT_SIDE) -> None:
        self.network, self.device, self.short_side = network, device, short_side

    @torch.inference_mode()
    def find(self, frame: NDArray[np.uint8], text: str, threshold: float = 0.35, most: int = 8) -> list[FoundBox]:
        """As `WordFinder.find` of core.segment.words."""
        words = words_of(text)
        answers = self.network(self._picture(frame), captions=[f"{words} ."])
        return _found(answers["pred_logits"][0].float().sigmoid().amax(-1), answers["pred_boxes"][0], frame, threshold, most)

    @torch.inference_mode()
    def find_labels(self, frame: NDArray[np.uint8], labels: Sequence[str], threshold: float, most: int = 8) -> dict[str, list[FoundBox]]:
        """Find several labels on a frame, as many at once as the network's text holds.

        One frame at a time: the package mixes up texts of different lengths in a batch.

        Args:
            frame: uint8 (H, W, 3) RGB.
            labels: What to look for; none has a full stop.
            threshold: The least score of a box, 0 to 1.
            most: How many boxes of a label to return at most.

        Returns:
            The boxes of each label that was found, the surest first.
        """
        result: dict[str, list[FoundBox]] = {}
        picture = self._picture(frame)
        for part in self._passes(labels):
            caption = " . ".join([*part, ""]).strip()
            answers = self.network(picture, captions=[caption])
            scores = answers["pred_logits"][0].float().sigmoid()
            own = torch.stack([scores[:, tokens].amax(-1) for tokens in self._spans(caption)])
            own = own.where(own == own.amax(0), 0)  # a box is of the label that it scores highest for
            for label, each in zip(part, own, strict=True):
                if found := _found(each, answers["pred_boxes"][0], frame, threshold, most):
                    result[label] = found
        return result

    def _passes(self, labels: Sequence[str]) -> list[list[str]]:
        """The labels in as many parts as it takes for each to fit into one text."""
        network: Any = self.network
        room = network.max_text_len - 2
        parts: list[list[str]] = []
        left = 0
        for label in labels:
            length = len(network.tokenizer(label, add_special_tokens=False)["input_ids"]) + 1
            if length > left:
                parts.append([])
                left = room
            parts[-1].append(label)
            left -= length
        return parts

    def _spans(self, caption: str) -> list[list[int]]:
        """Which tokens of a caption are each label's."""
        tokenizer: Any = self.network.tokenizer
        stop = tokenizer.convert_tokens_to_ids(".")
        spans: list[list[int]] = [[]]
        for place, token in enumerate(tokenizer(caption)["input_ids"][1:-1], 1):
            if token == stop:
                spans.append([])
            else:
                spans[-1].append(place)
        return spans[:-1]

    def _picture(self, frame: NDArray[np.uint8]) -> Tensor:
        height, width = frame.shape[:2]
        scale = min(self.short_side / min(height, width), self.short_side * _LONG_SIDE / _SHORT_SIDE / max(height, width))
        size = max(32, round(width * scale)), max(32, round(height * scale))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        normal = (small.astype(np.float32) / 255 - _MEAN) / _STD
        return torch.from_numpy(normal).permute(2, 0, 1)[None].to(self.device)


def _found(scores: Tensor, answered: Tensor, frame: NDArray[np.uint8], threshold: float, most: int) -> list[FoundBox]:
    """The surest boxes by their scores (N,) among those that a network answered, (N, 4) as centre
    and size in shares of the frame.
    """
    height, width = frame.shape[:2]
    boxes = answered.float() * torch.tensor([width, height, width, height], device=answered.device)
    found: list[FoundBox] = []
    for index in scores.argsort(descending=True).tolist():
        score = float(scores[index])
        if score < threshold or len(found) == most:
            break
        x, y, w, h = boxes[index].tolist()
        box = FoundBox(max(0.0, x - w / 2), max(0.0, y - h / 2), min(float(width), x + w / 2), min(float(height), y + h / 2), score)
        if box.x1 - box.x0 >= 1 and box.y1 - box.y0 >= 1 and all(_overlap(box, other) < _OVERLAP for other in found):
            found.append(box)
    return found


def load_grounder(name: str, device: str, store: ModelStore) -> Grounder:
    """Load a grounder.

    Args:
        name: The catalogue's name, or the path of a Grounding DINO checkpoint.
        device: What torch calls it: cpu, cuda, cuda:N, mps.
        store: Where weights are looked for.

    Returns:
        The grounder, ready to work.

    Raises:
        InputError: The name is unknown, or the file is no such checkpoint.
        ModelMissingError: The weights or the text encoder's vocabulary are not to be had.
    """
    path = store.locate(name, "grounder")
    words = store.locate(TEXT_ENCODER, "part")
    try:
        weights = load_checkpoint(path)
    except (OSError, EOFError, RuntimeError, ValueError, LookupError, pickle.UnpicklingError, SafetensorError) as error:
        raise InputError(f"'{path}' can't be read: it is damaged or not a checkpoint of Grounding DINO, fetch it again") from error
    weights = weights.get("model", weights) if isinstance(weights, dict) else {}
    weights = {key.removeprefix("module."): value for key, value in weights.items()}
    try:
        network = _build(weights, words)
        missing = network.load_state_dict(weights, strict=False).missing_keys
    except (LookupError, RuntimeError, AttributeError, ValueError, OSError) as error:
        raise InputError(
            f"'{path}' is not a checkpoint of Grounding DINO that this program knows: give the folder or file of the tiny or base model"
        ) from error
    # the same parts under a second name are not stored twice; a checkpoint that lacks more than
    # that is another one
    if any(not key.startswith(("transformer.decoder.bbox_embed", "transformer.decoder.class_embed", "bert.pooler")) for key in missing):
        raise InputError(
            f"'{path}' is not a checkpoint of Grounding DINO that this program knows: give the folder or file of the tiny or base model"
        )
    return Grounder(network.float().eval().requires_grad_(False).to(device), device)


def _build(weights: dict[str, Tensor], words: Path) -> nn.Module:
    """The network that the weights belong to; its sizes are read off them."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):  # the package prints what it does
        warnings.simplefilter("ignore")
        import groundingdino
        from groundingdino.models import build_model
        from groundingdino.models.GroundingDINO import groundingdino as package
        from groundingdino.util.slconfig import SLConfig

        config = _CONFIGS[len(weights["backbone.0.patch_embed.proj.weight"])]
        arguments = SLConfig.fromfile(str(Path(groundingdino.__file__).parent / "config" / config))
        arguments.device = "cpu"
        arguments.text_encoder_type = str(words)
        arguments.hidden_dim = len(weights["feat_map.weight"])
        arguments.dim_feedforward = len(weights["transformer.encoder.layers.0.linear1.weight"])
        arguments.num_queries = len(weights["transformer.tgt_embed.weight"])
        arguments.enc_layers, arguments.dec_layers = (_layers(weights, f"transformer.{part}.layers.") for part in ("encoder", "decoder"))
        arguments.use_checkpoint = arguments.use_transformer_ckpt = False
        with (
            _building,
            _patched(package, BertModelWarper=_TextEncoder),
            _patched(package.get_tokenlizer, get_pretrained_language_model=_bert),
        ):
            return build_model(arguments)


class _TextEncoder(nn.Module):
    """A BERT whose words attend only to those of their own phrase. The package's own wrapper relies
    on functions that transformers had before version 5; this one has the same parts under the same
    names.
    """

    def __init__(self, bert_model: Any) -> None:
        super().__init__()
        self.config = bert_model.config
        self.embeddings, self.encoder, self.pooler = bert_model.embeddings, bert_model.encoder, bert_model.pooler

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor, position_ids: Tensor) -> dict[str, Tensor]:
        """`attention_mask` is (B, T, T) or (B, T), nonzero where a word is seen;
        `last_hidden_state` is (B, T, C).
        """
        seen = attention_mask.bool()
        seen = seen[:, None, None, :] if seen.ndim == 2 else seen[:, None]
        hidden = self.embeddings(input_ids=input_ids, token_type_ids=token_type_ids, position_ids=position_ids)
        unseen = torch.zeros(seen.shape, dtype=hidden.dtype, device=hidden.device).masked_fill_(~seen, torch.finfo(hidden.dtype).min)
        return {"last_hidden_state": self.encoder(hidden, attention_mask=unseen).last_hidden_state}


def _bert(folder: str) -> Any:
    """An untrained BERT of the folder's configuration: the checkpoint has the weights."""
    from transformers import BertConfig, BertModel

    return BertModel(BertConfig.from_pretrained(folder))


@contextlib.contextmanager
def _patched(module: Any, **replaced: Any) -> Iterator[None]:
    before = {name: getattr(module, name) for name in replaced}
    for name, value in replaced.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


def _layers(weights: dict[str, Tensor], prefix: str) -> int:
    return 1 + max(int(key.removeprefix(prefix).split(".")[0]) for key in weights if key.startswith(prefix))


def _overlap(first: FoundBox, second: FoundBox) -> float:
    width = min(first.x1, second.x1) - max(first.x0, second.x0)
    height = min(first.y1, second.y1) - max(first.y0, second.y0)
    if width <= 0 or height <= 0:
        return 0.0
    areas = ((box.x1 - box.x0) * (box.y1 - box.y0) for box in (first, second))
    return width * height / (sum(areas) - width * height)
