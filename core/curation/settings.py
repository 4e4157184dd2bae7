"""Settings of a build."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.data.pool_sizes import PoolSizes
from core.errors import InputError


@dataclass(frozen=True)
class CurationSettings:
    """What a build takes, looks for and keeps.

    The limits of size and length are the paper's; its other thresholds were not published, so they
    are our own. Raises InputError for a value that no build could have.
    """

    seed: int = 0
    licence: str = ""
    """Of the source videos, where no file beside them says it."""
    validation: float = 0.02
    """Share of the source videos that is held out."""
    image_share: float = 0.5
    """Share of the source videos of which only the first frame is taken, as an image."""
    shard_size: int = 16
    """Source videos in a shard, the unit that is made as a whole or not at all."""
    fail_above: float = 0.5
    """Share of a shard's inputs that may be set aside; above it, the shard counts as failed."""
    tar_megabytes: int = 512
    """Size of the data set's tars, in MiB."""

    least_side: int = 720
    """Shorter side of a source video, in pixels."""
    least_seconds: float = 5.0
    """A shot that is shorter becomes an image."""
    most_seconds: float = 20.0
    """A shot that is longer is divided."""
    desirable: bool = True
    """Leave out clips of Panda-70M that its list calls undesirable (still pictures, screens and the
    like)."""
    least_matching: float = 0.0
    """Of the score that Panda-70M's list gives a clip's caption, where it gives one."""
    duplicate_bits: int = 6
    """Clips whose signatures differ in at most so many of 64 bits are duplicates."""

    vocabulary: str = ""
    """File of the labels that entities may have, one a line. Without, those that ship for RAM where
    that tags, otherwise the small model's words."""
    backgrounds: str = ""
    """File of what a deletion may lie on, one label a line. Without, the labels that ship for RAM
    where that tags, otherwise wherever no entity is."""
    tagger: str = "embedded"
    """Models may all be `fake`, too: made up, to try a build out (core/curation/fake.py).

    Who says what is on the first frame: embedded (what procedural clips know of themselves; of
    footage every word of the vocabulary, for the grounder to decide), or the folder of RAM: its
    checkpoint (.pth) and its list of tags (ram_tag_list.txt, and ..._threshold.txt if it is
    there)."""
    grounder: str = "embedded"
    """Who finds boxes: embedded (procedural clips know them; on footage what moves against the
    background), or a grounder of `models`, or its checkpoint."""
    tracker: str = "embedded"
    """Who makes masks: embedded (the SAM 2 that ships), another segmenter of `models` or its
    checkpoint, or known (procedural clips only: their true masks)."""
    captioner: str = "embedded"
    """Who describes entities: embedded (the classifier of kind and colour that ships), or the
    folder of a vision-language model such as InternVL, as transformers writes it."""
    flow: str = "dis"
    """Optical flow: dis (OpenCV's), or a checkpoint of torchvision's RAFT."""
    threads: int = 2
    """Of the networks on a processor; with another number, masks may differ in a few pixels."""
    device: str = "auto"
    """Of the models: auto, cpu, cuda, cuda:N or mps."""
    batch: int = 16
    """Clips whose first frames a network sees at once; with another number, boxes may differ by
    rounding."""
    decoders: int = 2
    """Threads that decode the clips to come meanwhile; changes no result."""

    least_score: float = 0.3
    """Of a box, 0 to 1."""
    most_entities: int = 4
    """On a clip; the surest are kept."""
    least_area: float = 0.002
    """Mean share of the frame that an entity covers."""
    most_area: float = 0.6
    least_visible: float = 0.7
    """Share of the frames that show the entity."""
    least_quality: float = 0.6
    """How right the tracker has to believe its masks to be, mean, 0 to 1."""
    most_jumps: float = 0.05
    """Share of the frames on which the mask jumps, changes its size at once or falls to pieces."""

    deletions: bool = True
    """Make deletion samples."""
    donors: int = 256
    """Masks that deletions choose from."""
    written_forms: bool = False
    """Write every entity in the six mask forms, besides as tracked; otherwise the trainer applies
    them."""

    procedural_side: int = 256
    """Of procedural clips, in pixels: a multiple of 8."""
    procedural_frames: int = 33
    world: PoolSizes = field(default_factory=lambda: PoolSizes(8, 96, 48, 256, 96))
    """What procedural clips are drawn from."""

    def __post_init__(self) -> None:
        for name in ("validation", "image_share", "fail_above", "least_score", "least_area", "most_area", "least_visible", "least_quality"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}={getattr(self, name)}: it has to be between 0 and 1")
        for name in ("shard_size", "tar_megabytes", "most_entities", "donors", "procedural_frames", "threads", "batch", "decoders"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)}: it has to be at least 1")
        if self.procedural_side < 32 or self.procedural_side % 8:
            raise InputError(f"procedural_side={self.procedural_side}: it has to be a multiple of 8, at least 32")
        if self.most_seconds <= self.least_seconds:
            raise InputError(f"most_seconds={self.most_seconds} has to be above least_seconds={self.least_seconds}")
