"""Settings of the recipe `vivid-5b`."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.errors import InputError
from core.training.common.config import WorldConfig

PRECISIONS = ("auto", "bfloat16", "float32")
CHECKPOINTING = ("auto", "none", "attention", "block")
ATTENTION = ("auto", "flash", "cudnn", "efficient", "math")


@dataclass(frozen=True)
class Vivid5bConfig:
    """Recipe `vivid-5b`: LoRA and patch embedding on a frozen CogVideoX, as in the paper (arXiv 2411.15260, sections 4.2 to 4.4)."""

    base: str = "THUDM/CogVideoX-5b"
    """A CogVideoX text-to-video package: a folder, or a repository of the hub. Any size will do."""
    data: str = ""
    """Manifests, separated by commas: .jsonl files, .tar files, folders of .tar files; or `procedural`."""
    out: str = "runs/vivid-5b"
    device: str = "auto"
    """auto, cpu, cuda; which GPU a process gets is accelerate's choice."""
    precision: str = "auto"
    """Of the frozen weights and the passes: bfloat16 on a GPU, float32 on a CPU. What is trained is kept in float32 always."""
    seed: int = 0
    steps: int = 20_000
    """Optimisation steps of the whole run; the learning rate follows them."""
    height: int = 480
    width: int = 720
    frames: int = 49
    """Frames of a video sample: 8k + 1."""
    fps: float = 8.0
    """Frames a second that a video is sampled at; 0: every frame of it."""
    image_batch: int = 1
    """Samples a process and micro-batch, in an image batch."""
    video_batch: int = 1
    accumulate: int = 1
    """Micro-batches a step."""
    image_batches: int = 10
    """All-image steps in a round; the paper's mixture is 10:1."""
    video_batches: int = 1
    draw_samples: int = 3
    """Samples that add or modify in a round; the paper's mixture is 3:1."""
    delete_samples: int = 1
    keyframe_probability: float = 0.5
    """KIVE: how often a video's first frame is given and its mask is zero."""
    caption_drop: float = 0.1
    """How often the caption is empty, which guidance needs."""
    expand_from: int = 4
    """The least that `expand` widens a mask by, in pixels of the working size."""
    expand_to: int = 48
    outside_weight: float = 1.0
    """Weight of the loss outside the region (the paper: 1)."""
    rank: int = 32
    learning_rate: float = 1e-4
    warmup_steps: int = 500
    weight_decay: float = 1e-4
    clip_norm: float = 1.0
    ema: float = 0.0
    """Decay of the running average of what is trained; 0: none is kept."""
    checkpointing: str = "auto"
    """What blocks compute again in the backward pass: none (nothing), attention (all but attention's result), block (all). auto: nothing
    in as many blocks as memory has room for, all but attention in the rest."""
    attention: str = "auto"
    """Which of PyTorch's attention kernels runs: auto times those that there are."""
    compile: bool = False
    """Compile each block: faster steps, a minute or two of compiling for images and for videos."""
    latents: str = ""
    """Folder of precomputed latents and captions (see `precompute`); what it holds isn't encoded again."""
    precompute: str = ""
    """Fill this folder instead of training: target latents, text embeddings and `variants` masked latents a record."""
    variants: int = 4
    """With `precompute`: conditions (mask form, keyframe or not) made for each record; 0: none, they are encoded while training."""
    precompute_texts: bool = True
    """With `precompute`: captions as well; 1.9 MB each for CogVideoX-5B. Without, the text encoder runs while training."""
    workers: int = 4
    """Threads that read samples ahead."""
    bad_records: str = "stop"
    """stop at a record that can't be read, or skip to the next one."""
    log_every: int = 10
    checkpoint_every: int = 500
    sample_every: int = 0
    """Write sample videos every so many steps; 0: never."""
    sample_count: int = 2
    sample_steps: int = 50
    sample_guidance: float = 6.0
    resume: bool = False
    """Go on from the checkpoint in `out`."""
    benchmark: bool = False
    """Train nothing: measure true-size random weights on this GPU, from latents, without autoencoder or text encoder."""
    world: WorldConfig = field(default_factory=WorldConfig)
    """With data=procedural."""

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            if getattr(self, name) < 16 or getattr(self, name) % 16:
                raise InputError(f"{name}={getattr(self, name)}: it has to be a multiple of 16")
        if self.frames < 1 or (self.frames - 1) % 8:
            raise InputError(f"frames={self.frames}: it has to be 8k + 1, such as 49")
        for name in ("steps", "image_batch", "video_batch", "accumulate", "rank", "log_every", "checkpoint_every", "workers"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)}: it has to be at least 1")
        for name in (
            "image_batches",
            "video_batches",
            "draw_samples",
            "delete_samples",
            "variants",
            "sample_every",
            "sample_count",
            "fps",
            "seed",
        ):
            if getattr(self, name) < 0:
                raise InputError(f"{name}={getattr(self, name)}: it can't be negative")
        if self.image_batches + self.video_batches == 0 or self.draw_samples + self.delete_samples == 0:
            raise InputError("a mixture of nothing: image_batches and video_batches, or draw_samples and delete_samples, are both 0")
        for name in ("keyframe_probability", "caption_drop", "outside_weight", "ema"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}={getattr(self, name)}: it has to be between 0 and 1")
        if not 0 <= self.expand_from <= self.expand_to <= 500:
            raise InputError(f"expand_from={self.expand_from} and expand_to={self.expand_to}: they have to be in order, 0 to 500")
        known = {
            "precision": PRECISIONS,
            "checkpointing": CHECKPOINTING,
            "attention": ATTENTION,
            "bad_records": ("stop", "skip"),
            "device": ("auto", "cpu", "cuda"),
        }
        for name, choices in known.items():
            if getattr(self, name) not in choices:
                raise InputError(f"{name}={getattr(self, name)}: say one of {', '.join(choices)}")

    @property
    def latent_size(self) -> tuple[int, int]:
        """(h, w) of the latent grid."""
        return self.height // 8, self.width // 8

    def frames_of(self, kind: str) -> int:
        """Frames of a sample of one kind, image or video."""
        return self.frames if kind == "video" else 1
