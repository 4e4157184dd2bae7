"""Settings of the data that a CogVideoX of any size trains on: what is read, how it is encoded,
what is drawn for each sample."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.data.pool_sizes import PoolSizes
from core.dataset.facts import SPLITS
from core.errors import InputError


@dataclass(frozen=True)
class DataConfig:
    """What is read, encoded and drawn.

    Raises InputError for a value that no data could have.
    """

    base: str = "THUDM/CogVideoX-5b"
    """A CogVideoX text-to-video package: a folder, or a repository of the hub. Any size will do."""
    data: str = ""
    """Data sets and manifests, separated by commas: folders with an index, .jsonl files, .tar
    files, folders of .tar files; or `procedural`."""
    split: str = "train"
    """Which samples of a data set are taken: train or validation."""
    seed: int = 0
    height: int = 480
    width: int = 720
    frames: int = 49
    """Frames of a video sample: 8k + 1."""
    fps: float = 0.0
    """Frames a second that a video is sampled at; 0: every frame of it, as the model is used. The
    package says it."""
    accumulate: int = 1
    """Micro-batches a step."""
    keyframe_probability: float = 0.5
    """KIVE: how often a video's first frame is given and its mask is zero."""
    caption_drop: float = 0.1
    """How often the caption is empty, which guidance needs."""
    images_from_videos: bool = False
    """Image samples are single frames of video records, too; each visit draws another frame."""
    mask_forms: bool = True
    """Give masks as tracked one of the paper's six forms; without, they are taken as they are."""
    expand_from: int = 4
    """The least that `expand` widens a mask by, in pixels of the working size."""
    expand_to: int = 48
    latents: str = ""
    """Folder of precomputed latents and captions (see `precompute`); what it holds isn't encoded
    again."""
    precompute: str = ""
    """Fill this folder instead of training: target latents, text embeddings and `variants` masked
    latents a record."""
    variants: int = 4
    """With `precompute`: conditions (mask form, keyframe or not) made for each record; 0: none,
    they are encoded while training."""
    precompute_texts: bool = True
    """With `precompute`: captions as well; 1.9 MB each for CogVideoX-5B. Without, the text encoder
    runs while training."""
    workers: int = 4
    """Threads that prefetch samples."""
    bad_records: str = "stop"
    """stop at a record that can't be read, or skip to the next one."""
    world: PoolSizes = field(default_factory=PoolSizes)
    """With data=procedural."""

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            if getattr(self, name) < 16 or getattr(self, name) % 16:
                raise InputError(f"{name}={getattr(self, name)}: it has to be a multiple of 16")
        if self.frames < 1 or (self.frames - 1) % 8:
            raise InputError(f"frames={self.frames}: it has to be 8k + 1, such as 49")
        self.require_at_least(1, "accumulate", "workers")
        self.require_at_least(0, "variants", "fps", "seed")
        self.require_share("keyframe_probability", "caption_drop")
        self.require_choice("bad_records", ("stop", "skip"))
        self.require_choice("split", SPLITS)
        if not 0 <= self.expand_from <= self.expand_to <= 500:
            raise InputError(f"expand_from={self.expand_from} and expand_to={self.expand_to}: they have to be in order, 0 to 500")

    @property
    def latent_size(self) -> tuple[int, int]:
        """(h, w) of the latent grid."""
        return self.height // 8, self.width // 8

    def frames_of(self, kind: str) -> int:
        """Frames of a sample of one kind, image or video."""
        return self.frames if kind == "video" else 1

    def require_at_least(self, least: int, *names: str) -> None:
        """Raise InputError when one of these settings is less than `least`, 0 or 1."""
        for name in names:
            if getattr(self, name) < least:
                reason = "it has to be at least 1" if least else "it can't be negative"
                raise InputError(f"{name}={getattr(self, name)}: {reason}")

    def require_share(self, *names: str) -> None:
        """Raise InputError when one of these settings is not between 0 and 1."""
        for name in names:
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}={getattr(self, name)}: it has to be between 0 and 1")

    def require_choice(self, name: str, choices: tuple[str, ...]) -> None:
        """Raise InputError when a setting is none of its choices."""
        if getattr(self, name) not in choices:
            raise InputError(f"{name}={getattr(self, name)}: say one of {', '.join(choices)}")
