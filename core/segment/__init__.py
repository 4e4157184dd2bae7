"""SAM 2: prompts in, masks out, through the clip."""

import core.compat  # noqa: F401  (first: sam2 imports torchvision)
from core.segment.loading import load_segmenter, Segmenter
from core.segment.session import SegmentSession

__all__ = ["SegmentSession", "Segmenter", "load_segmenter"]
