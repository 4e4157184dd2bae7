"""SAM 3's detector: every instance of what words name, outlined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.masks.bounding_box import bounding_box, Mask
from core.segment.words import FoundBox, words_of

_WORDS = 32  # tokens that the text encoder was trained on
_SAME = 0.5  # overlap of two masks from which on they show the same thing


class Sam3Words:
    """A SAM 3 detector with its tokenizer, on its device."""

    def __init__(self, detector: Any, tokenizer: Any, picture: Callable[[NDArray[np.uint8]], Tensor]) -> None:
        """`picture` makes a frame what the detector sees."""
        self._detector, self._tokenizer, self._picture = detector, tokenizer, picture

    @torch.inference_mode()
    def find(self, frame: NDArray[np.uint8], text: str, threshold: float = 0.5, most: int = 50) -> list[FoundBox]:
        """As `WordFinder.find` of core.segment.words: every instance, with its mask."""
        said = self._tokenizer(words_of(text), padding="max_length", truncation=True, max_length=_WORDS, return_tensors="pt")
        device = next(self._detector.parameters()).device
        ids, seen = said["input_ids"].to(device), said["attention_mask"].to(device)
        answer = self._detector(
            vision_embeds=self._detector.get_vision_features(pixel_values=self._picture(frame)),
            text_embeds=self._detector.get_text_features(input_ids=ids, attention_mask=seen, return_dict=True),
            attention_mask=seen,
        )
        scores = (answer.pred_logits[0].sigmoid() * answer.presence_logits[0].sigmoid()).float()
        found: list[FoundBox] = []
        for index in scores.argsort(descending=True).tolist():
            score = float(scores[index])
            if score < threshold or len(found) == most:
                break
            logits = answer.pred_masks[0, index].float().cpu().numpy()
            mask: Mask = cv2.resize(logits, (frame.shape[1], frame.shape[0]), interpolation=cv2.INTER_LINEAR) > 0
            box = bounding_box(mask)
            if box is not None and all(other.mask is not None and _overlap(mask, other.mask) < _SAME for other in found):
                found.append(FoundBox(float(box.x0), float(box.y0), float(box.x1), float(box.y1), score, mask))
        return found


def _overlap(first: Mask, second: Mask) -> float:
    """Intersection over union of two masks, neither of them empty."""
    return float(np.count_nonzero(first & second) / np.count_nonzero(first | second))
