"""Settings of the recipe `vivid-5b`."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import InputError
from core.training.common.config import TrainingConfig
from core.training.datasets.config import DataConfig

PRECISIONS = ("auto", "bfloat16", "float32")
CHECKPOINTING = ("auto", "none", "attention", "block")
ATTENTION = ("auto", "flash", "cudnn", "efficient", "math")


@dataclass(frozen=True)
class Vivid5bConfig(DataConfig, TrainingConfig):
    """Recipe `vivid-5b`: LoRA and patch embedding on a frozen CogVideoX, as in the paper (arXiv
    2411.15260, sections 4.2 to 4.4).

    Raises InputError for settings that make no sense.
    """

    out: str = "runs/vivid-5b"
    device: str = "auto"
    """auto, cpu, cuda; accelerate chooses which GPU a process gets."""
    precision: str = "auto"
    """Of the frozen weights and the passes: bfloat16 on a GPU, float32 on a CPU. What is trained is
    always kept in float32."""
    steps: int = 20_000
    """Optimisation steps of the whole run; the learning rate follows them."""
    minutes: float = 0.0
    """Stop after this time instead, where it comes first, as comparisons of equal time need; the
    learning rate follows whichever is further along. 0: by steps alone."""
    image_batch: int = 1
    """Samples a process and micro-batch, in an image batch."""
    video_batch: int = 1
    image_batches: int = 10
    """All-image steps in a round; the paper's mixture is 10:1."""
    video_batches: int = 1
    draw_samples: int = 3
    """Samples that add or modify in a round; the paper's mixture is 3:1."""
    delete_samples: int = 1
    outside_weight: float = 1.0
    """Weight of the loss outside the region (the paper: 1)."""
    rank: int = 32
    learning_rate: float = 1e-4
    warmup_steps: int = 500
    weight_decay: float = 1e-4
    ema: float = 0.0
    """Decay of the running average of what is trained; 0: none is kept."""
    checkpointing: str = "auto"
    """What blocks recompute in the backward pass: none (nothing), attention (all but attention's
    result), block (all). auto: nothing in as many blocks as memory has room for, all but attention
    in the rest."""
    attention: str = "auto"
    """Which of PyTorch's attention kernels runs: auto times those that there are."""
    compile: bool = False
    """Compile each block: faster steps, a minute or two of compiling for images and for videos."""
    log_every: int = 10
    checkpoint_every: int = 500
    sample_every: int = 0
    """Write sample videos every so many steps; 0: never."""
    sample_count: int = 2
    sample_steps: int = 50
    sample_guidance: float = 6.0
    resume: bool = False
    """Continue from the checkpoint in `out`."""
    benchmark: bool = False
    """Train nothing: measure true-size random weights on this GPU, from latents, without
    autoencoder or text encoder."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_at_least(1, "steps", "image_batch", "video_batch", "rank", "log_every", "checkpoint_every")
        counts = ("image_batches", "video_batches", "draw_samples", "delete_samples")
        self.require_at_least(0, *counts, "minutes", "sample_every", "sample_count")
        if self.image_batches + self.video_batches == 0 or self.draw_samples + self.delete_samples == 0:
            raise InputError("an empty mixture: image_batches and video_batches, or draw_samples and delete_samples, are both 0")
        self.require_share("outside_weight", "ema")
        self.require_choice("precision", PRECISIONS)
        self.require_choice("checkpointing", CHECKPOINTING)
        self.require_choice("attention", ATTENTION)
        self.require_choice("device", ("auto", "cpu", "cuda"))
