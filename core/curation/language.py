"""Captions of a vision-language model, through transformers: InternVL, as in the paper, or another
one that takes a chat with pictures."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before transformers imports torchvision)

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from core.curation.models import Crop
from core.dataset.facts import LENGTHS
from core.errors import InputError
from core.masks import bounding_box

PROMPT = (
    "The picture shows one {label}; everything around it is black and does not matter. Describe the {label} itself: its kind, colours, "
    'material, parts and pose. Answer with one JSON object and nothing else: {{"short": two to five words, "medium": about twelve words, '
    '"long": about thirty words}}. Do not mention the picture, the black area or what you can not see.'
)
"""Ours; the paper's is in an appendix that is not public."""
_MOST_TOKENS = 220
_MARGIN = 0.05
"""Of the entity's longer side, around its box."""


class LanguageCaptions:
    """A model and its processor, on a device."""

    def __init__(self, model: Any, processor: Any, device: str) -> None:
        self._model, self._processor, self._device = model, processor, device

    @torch.inference_mode()
    def captions(self, crops: Sequence[Crop]) -> list[tuple[str, str, str]]:
        """As `Captioner.captions`."""
        if not crops:
            return []
        asked = [[_picture(crop), {"type": "text", "text": PROMPT.format(label=crop.label)}] for crop in crops]
        chats = [[{"role": "user", "content": content}] for content in asked]
        given = {"add_generation_prompt": True, "tokenize": True, "return_dict": True, "return_tensors": "pt"}
        inputs = self._processor.apply_chat_template(chats, **given, processor_kwargs={"padding": True})
        inputs = inputs.to(self._device, dtype=self._model.dtype)
        answers = self._model.generate(**inputs, max_new_tokens=_MOST_TOKENS, do_sample=False)
        said = self._processor.batch_decode(answers[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        return [three_captions(text) for text in said]


def _picture(crop: Crop) -> dict[str, Any]:
    return {"type": "image", "image": cut_out(crop)}


def cut_out(crop: Crop) -> Image.Image:
    """The entity on black, cropped to it. InputError when its mask is empty."""
    box = bounding_box(crop.mask)
    if box is None:
        raise InputError("nothing can be described in an empty mask")
    reach = round(_MARGIN * max(box.width, box.height))
    rows = slice(max(0, box.y0 - reach), box.y1 + reach)
    columns = slice(max(0, box.x0 - reach), box.x1 + reach)
    return Image.fromarray(np.where(crop.mask[rows, columns, None], crop.frame[rows, columns], 0).astype(np.uint8))


def three_captions(answer: str) -> tuple[str, str, str]:
    """The captions in a model's answer; empty where it did not give them, which the filter of
    captions then finds."""
    found = re.search(r"\{.*\}", answer, re.DOTALL)
    try:
        facts = json.loads(found[0]) if found else {}
    except ValueError:
        facts = {}
    short, medium, long = (" ".join(str(facts.get(length, "")).split()) for length in LENGTHS)
    return short, medium, long


def load_captioner(path: str, device: str) -> LanguageCaptions:
    """Load a vision-language model and its processor.

    Args:
        path: A folder that transformers wrote.
        device: What torch calls it.

    Returns:
        The captioner.

    Raises:
        InputError: The folder is not there, or holds no such model.
    """
    from transformers import AutoModelForImageTextToText, AutoProcessor

    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise InputError(f"captioner={path}: there is no such folder; say embedded, or the folder of a vision-language model")
    try:
        # Said, since transformers else asks on the terminal whether to run a folder's programs.
        processor = AutoProcessor.from_pretrained(folder, trust_remote_code=False)
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        model = AutoModelForImageTextToText.from_pretrained(folder, dtype=dtype, use_safetensors=True, trust_remote_code=False)
    except (OSError, ValueError, LookupError, RuntimeError, TypeError, ImportError) as error:
        said = " ".join(str(error).split())[:300]
        raise InputError(f"captioner={path} holds no vision-language model that transformers can load ({said})") from None
    processor.tokenizer.padding_side = "left"
    return LanguageCaptions(model.eval().requires_grad_(False).to(device), processor, device)
