"""Makes torchvision importable beside a CPU build of torch. Import this before anything that
imports torchvision.

The wheels of torchvision on the package index are built against CUDA; next to a CPU build of torch
their compiled library can't load, and torchvision then fails on import because it describes
operators that nobody declared. Declaring them is enough for everything we use: its transforms are
plain torch.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch

_SCHEMAS = tuple(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor" for name in ("nms", "qnms"))


def _declare_missing_operators() -> torch.library.Library | None:
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None or hasattr(torch.ops.torchvision, "nms"):
        return None
    compiled = next(Path(spec.origin).parent.glob("_C.*"), None)
    if compiled is not None:
        try:
            torch.ops.load_library(str(compiled))
            return None
        except (OSError, RuntimeError):
            pass
    library = torch.library.Library("torchvision", "DEF")
    for schema in _SCHEMAS:
        library.define(schema)
    return library


_LIBRARY = _declare_missing_operators()  # held for the life of the process: dropping it withdraws the operators
