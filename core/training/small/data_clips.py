"""Clips of a data set where the small recipes expect the procedural world."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core.data.world import CAPTIONS, DELETE_INDEX, GENERIC_INDEX, WorldClips
from core.errors import InputError
from core.training.datasets.config import DataConfig
from core.training.datasets.feed import ManifestSource
from core.training.datasets.reading import read_records
from core.training.datasets.sample_schedule import DrawnSample, Kind, Task
from core.training.small.vivid_config import VividConfig
from core.vivid.pixels import to_model

_PIXELS = 9
"""The most that the forms of masks widen by, at the working size, as the procedural world does."""


class DataClips:
    """Draws clips of a data set as `core.data.world.World.sample` draws its own.

    A caption that the world could not give counts as "an object": the small model has no words for
    it, and learns such clips from their keyframe.
    """

    def __init__(self, config: VividConfig) -> None:
        """InputError when the data can't be read or lacks what `pattern` asks for."""
        network = config.network
        self.device = torch.device(config.device)
        self.config = DataConfig(
            data=config.data,
            seed=config.seed,
            height=network.height,
            width=network.width,
            frames=network.window_frames,
            fps=config.fps,
            caption_drop=0.0,
            expand_from=2,
            expand_to=_PIXELS,
            bad_records=config.bad_records,
        )
        self._source = ManifestSource(read_records(self.config), self.config, None)
        self._captions = {caption: index for index, caption in enumerate(CAPTIONS)}
        kinds = {"i": "image", "v": "video"}
        for letter in dict.fromkeys(config.pattern):
            if not any(len(rows) for (kind, _), rows in self._source.groups.items() if kind == kinds[letter]):
                raise InputError(f"data={config.data} holds no {kinds[letter]} records: leave '{letter}' out of pattern={config.pattern}")

    @torch.no_grad()
    def sample(self, batch: int, frames: int, *, delete: float = 0.25, foreign: float = 0.0) -> WorldClips:
        """Draw a batch of clips with torch's own generator.

        Args:
            batch: Of clips, B.
            frames: Of each, T; 1 takes images.
            delete: Share of deletions, where the data has any.
            foreign: Without meaning here: which things have no name, the captions say.

        Returns:
            The clips; kind, colour, material and form are -1.
        """
        made = [self._one("image" if frames == 1 else "video", delete) for _ in range(batch)]
        pixels, masks, captions = zip(*made, strict=True)
        caption = torch.tensor(captions, device=self.device)
        unknown = torch.full((batch,), -1, dtype=torch.long, device=self.device)
        mask = torch.stack(masks).to(self.device)
        deleted = caption == DELETE_INDEX
        return WorldClips(
            torch.cat(pixels).to(self.device),
            mask[:, None].float(),
            caption,
            unknown,
            unknown,
            unknown,
            unknown,
            deleted,
            caption == GENERIC_INDEX,
            mask,
        )

    def _one(self, kind: Kind, delete: float) -> tuple[Tensor, Tensor, int]:
        groups = self._source.groups
        task: Task = "delete" if float(torch.rand(())) < delete else "draw"
        if not groups.get((kind, task)):
            task = "draw" if task == "delete" else "delete"
        rows = groups[kind, task]
        row, visit = int(torch.randint(len(rows), ())), int(torch.randint(1 << 30, ()))
        sample = self._source.sample(DrawnSample(kind, task, 0, rows[row], visit))
        assert sample.frames is not None
        assert sample.region is not None
        caption = DELETE_INDEX if task == "delete" else self._captions.get(sample.caption, GENERIC_INDEX)
        return to_model(sample.frames), torch.from_numpy(np.ascontiguousarray(sample.region)), caption
