"""The contract of a video engine: what it declares of itself, and how it paints.

Keyframe mode, propagation, estimates and recipes know engines by this alone. VIVID is one of them
(`core.vivid.model`), the others are in `core.engines`; docs/engines.md shows how one is added.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TYPE_CHECKING

from core.errors import InputError
from core.project.edits import TASKS
from core.vivid.memory import MemoryPlan
from core.vivid.speed.levers import Levers

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from core.models.model import Draft
    from core.models.vocabulary import Vocabulary
    from core.project.edits import SamplingSettings

SAMPLED = (*TASKS, "propagate")
"""What has defaults of its own: the three tasks on a keyframe, and its propagation."""
_CAPTIONS_KEPT = 64
_RATES_APART = 1.5
"""Times that the rate of a clip may differ from that of the training before it is said."""

Conditions = tuple["Tensor", ...]
"""What an engine made of a clip and its region; only that engine knows what the parts mean."""


@dataclass(frozen=True)
class Sampling:
    """How the denoising is run, every value settled.

    `strength` below 1 (propagation only) starts from the noised guess that the mask's motion gives,
    and leaves out the first steps.
    """

    steps: int
    guidance: float
    strength: float = 1.0

    @property
    def runs(self) -> int:
        """How many of the steps are really run."""
        return max(round(self.strength * self.steps), 1)


@dataclass(frozen=True)
class MaskRule:
    """How the region, one value a pixel, becomes what the denoiser reads of it.

    Attributes:
        one_means: What 1 says of a place: it is to be painted, or to be kept.
        latent: How one place of the latent grid is told of its pixels. Latent frame 0 always sees
            pixel frame 0 alone. `maximum`: 1 where any pixel in time and space is 1. `unshuffled`:
            the maximum over the frames of a latent, and a channel for each of its pixels.
            `resized`: trilinear, frame 0 by itself and the others together. `encoded`: what the
            autoencoder makes of it as a gray picture.
        scale: What is multiplied by at the end.
    """

    one_means: Literal["edit", "keep"] = "edit"
    latent: Literal["maximum", "unshuffled", "resized", "encoded"] = "maximum"
    scale: float = 1.0


@dataclass(frozen=True)
class Declaration:
    """What an engine is like.

    Attributes:
        title: For people.
        mask: How it reads the region.
        fill: The level in [-1, 1] that it sees inside the region: -1 black, 0 gray.
        shows_region: Whether it is shown what the region holds, not the fill.
        frame_unit: Its clips have a multiple of this many frames and one more, or a single one.
        size_unit: Both sides of what it sees are multiples of this, in pixels.
        working_size: Height and width in pixels at which it works best.
        window_frames: Frames at once at which it works best.
        rate: Frames a second that it was trained at; None where it was each clip's own, or that is
            not known.
        keyframes: Which accepted frames it takes in a window: the first one, or any.
        region_form: The form of region that it does best with; None for any.
        reference_noise: Standard deviation of the noise that is put on what it is shown of the
            clip.
        direct: Whether it paints a window of which no frame is given.
        light_drifts: Whether tint and contrast of what it paints move away from the source, so
            that windows that go on from one another would add it up.
        tasks: Its defaults for each of SAMPLED.
        shift: How far its scheduler moves the steps towards noise; None where it has no such thing.
        delete_caption: What it is told for a removal.
        scene_caption: Whether a removal may have a caption, which says what the scene shows
            afterwards.
        removes_only: Whether removals are all that it does.
        negative_caption: What guidance leads away from.
        accelerators: The levers of `core.vivid.speed` that it takes.
        usual_speed: The preset for `--speed auto` with large weights on a GPU.
    """

    title: str
    mask: MaskRule
    fill: float
    frame_unit: int
    size_unit: int
    working_size: tuple[int, int]
    window_frames: int
    delete_caption: str
    tasks: Mapping[str, Sampling]
    shows_region: bool = False
    scene_caption: bool = False
    removes_only: bool = False
    rate: float | None = None
    keyframes: Literal["first", "any"] = "first"
    region_form: Literal["expand", "hull+expand", "box+expand"] | None = None
    reference_noise: float = 0.0
    direct: bool = True
    light_drifts: bool = False
    shift: float | None = None
    negative_caption: str = ""
    accelerators: frozenset[str] = frozenset()
    usual_speed: str = "exact"


@dataclass
class VideoEngine(ABC):
    """A loaded video model. `working_size` is (height, width) in pixels; `vocabulary` None means
    any word goes.
    """

    pipeline: Any
    name: str
    working_size: tuple[int, int]
    window_frames: int
    tasks: Mapping[str, Sampling]
    max_text_length: int
    vocabulary: Vocabulary | None = None
    mask_fill: str = "black"
    """What the masked video shows in the region when a keyframe is propagated: "black" (the
    engine's own fill; the paper's is black) or "warped" (the keyframe moved along the mask, as the
    small model was trained; never for deletion, where the mask's motion says nothing about the
    background). `hole` in vivid.json.
    """
    keyframe_weight: float = 0.0
    """How much of the warped keyframe a propagated frame shows at least, 0 to 1, where the model's
    answer differs from it: 1 for a model that is better at saying how objects move than at drawing
    them again. `kept` in vivid.json.
    """
    object_mattes: bool = False
    """Whether all it paints are objects with an outline, which can be matted out of the background
    that it paints anew around them. `things` in vivid.json.
    """
    declared: Declaration = field(kw_only=True, repr=False)
    draft: Draft | None = field(default=None, kw_only=True)
    """Its Draft, where it is run as that: its steps and guidance then count for every task."""
    _embeddings: OrderedDict[str, Tensor] = field(default_factory=OrderedDict, repr=False)

    def __post_init__(self) -> None:
        height, width = self.working_size
        cell, unit = self.size_unit, self.frame_unit
        if height % cell or width % cell or min(height, width) < cell:
            raise InputError(f"a working size of {height}x{width} does not fit this model: both sides have to be multiples of {cell}")
        if self.window_frames <= unit or (self.window_frames - 1) % unit:
            raise InputError(f"a window of {self.window_frames} frames does not fit this model: it has to be {unit}k + 1, more than 1")

    # What an engine does.

    @abstractmethod
    def encode(self, video: Tensor, mask: Tensor, filling: Tensor | None = None) -> Conditions:
        """What the denoiser reads of a clip.

        Args:
            video: (1, 3, T, H, W) in [-1, 1].
            mask: (1, 1, T, H, W), 1 = edit; all 0 on the frames that are to stay as they are.
            filling: What the region shows, as `video`; None for the engine's own fill.

        Returns:
            The conditions, for `paint`.

        Raises:
            DeviceMemoryError: The device is too small.
        """

    @abstractmethod
    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """Pixels (1, 3, T, H, W) in [-1, 1] -> latents as they are denoised, to start from."""

    @abstractmethod
    def decode(self, latents: Tensor) -> Tensor:
        """Denoised latents -> pixels (B, 3, T, H, W), nominally in [-1, 1]."""

    def paint(
        self,
        caption: str,
        conditions: Conditions,
        seeds: Sequence[int],
        sampling: Sampling,
        on_step: Callable[[int], None],
        guess: Tensor | None = None,
    ) -> Tensor:
        """Denoise each seed's noise under the conditions and decode.

        With a `guess`, only the last `sampling.runs` steps are run, from the noised guess. The
        pixels of a seed don't depend on the device, and not on the other seeds but for rounding.

        Args:
            caption: What the denoiser reads.
            conditions: What `encode` gave.
            seeds: One for each result.
            sampling: Steps, guidance and strength.
            on_step: Called with the number of finished steps; may raise to stop.
            guess: What `encode_pixels` gave of a picture or clip to start from.

        Returns:
            Pixels (B, 3, T, H, W), nominally in [-1, 1].

        Raises:
            DeviceMemoryError: The device is too small.
        """
        import torch

        with torch.inference_mode():
            return self.decode(self._denoise(caption, conditions, seeds, sampling, on_step, guess))

    @abstractmethod
    def _denoise(
        self,
        caption: str,
        conditions: Conditions,
        seeds: Sequence[int],
        sampling: Sampling,
        on_step: Callable[[int], None],
        guess: Tensor | None,
    ) -> Tensor:
        """The latents (B, ...) that `paint` decodes; see there."""

    def shift_steps(self, shift: float) -> None:
        """Let the scheduler move its steps so far towards noise. ValueError for an engine whose
        scheduler has no shift.
        """
        raise ValueError(f"{self.declared.title} has no shift")

    # What follows from what it is.

    @property
    def frame_unit(self) -> int:
        """Clips have 1 or a multiple of this many frames and one more."""
        return self.declared.frame_unit

    @property
    def size_unit(self) -> int:
        """Both sides of the working size are multiples of this, in pixels."""
        return self.declared.size_unit

    @property
    def device(self) -> torch.device:
        """Where it works; its weights may wait in the host's memory (`memory`)."""
        device: torch.device = self.pipeline._execution_device
        return device

    @property
    def memory(self) -> MemoryPlan:
        """How it shares out its device's memory."""
        plan: MemoryPlan = self.pipeline.memory
        return plan

    @property
    def levers(self) -> Levers:
        """What it does to be faster."""
        levers: Levers = self.pipeline.levers
        return levers

    @property
    def paints_background(self) -> bool:
        """Whether it can paint what is behind a thing that is removed, not only objects."""
        return not self.object_mattes

    def sampling(self, task: str, wanted: SamplingSettings) -> Sampling:
        """The wanted settings, with the model's own for `task` (add, modify, delete or propagate)
        where they say None.
        """
        strength = self.tasks[task].strength
        own = self.draft or self.tasks[task]
        return Sampling(
            own.steps if wanted.steps is None else wanted.steps,
            own.guidance if wanted.guidance is None else wanted.guidance,
            strength,
        )

    def with_rate(self, wanted: SamplingSettings) -> SamplingSettings:
        """The wanted settings as they are kept with a result: `rate` says `engine` where that is
        left open and the engine has one. Of results of earlier versions, which were shown every
        frame, it says nothing.
        """
        return wanted if wanted.rate is not None or self.declared.rate is None else replace(wanted, rate="engine")

    def check_paints_directly(self) -> None:
        """Raise InputError for an engine that has to be given a frame."""
        if not self.declared.direct:
            raise InputError(f"{self.declared.title} paints nothing without a keyframe: make one, or choose another video model")

    def rate_hint(self, rate: float) -> str:
        """What a person should know of a clip whose `rate` frames a second are all shown; "" for
        nothing.
        """
        trained = self.declared.rate
        if trained is None or max(trained / rate, rate / trained) < _RATES_APART:
            return ""
        how = "slower" if rate > trained else "faster"
        times = max(trained / rate, rate / trained)
        return (
            f"the model was trained at {trained:g} frames a second and the clip has {rate:g}: "
            f"to the model it moves {times:.1f} times {how} than what it knows"
        )

    def check_does(self, task: str) -> None:
        """Raise InputError for a task that the engine can't do."""
        if self.declared.removes_only and task != "delete":
            raise InputError(f"{self.declared.title} only removes things: choose the task delete, or another model to {task} something")

    def caption_for(self, task: str, caption: str) -> str:
        """What the denoiser reads: the caption, or for delete the fixed one, unless the engine can
        be told what is left.
        """
        if task != "delete":
            return caption.strip()
        return (caption.strip() if self.declared.scene_caption else "") or self.declared.delete_caption

    def embed(self, caption: str) -> Tensor:
        """The text encoder's output (1, L, D); the last few captions are kept."""
        import torch

        if caption not in self._embeddings:
            # Where the text encoder has to be fetched, it reads at once what guidance will ask it
            # for next.
            other = self.declared.negative_caption
            others = [other] if self.memory.mode != "all" and other not in self._embeddings else []
            with torch.inference_mode():
                for text in dict.fromkeys([*others, caption]):
                    self._embeddings[text] = self.pipeline.encode_caption(text, self.max_text_length)
            self.pipeline.release_text_encoder()
        self._embeddings.move_to_end(caption)
        while len(self._embeddings) > _CAPTIONS_KEPT:
            self._embeddings.popitem(last=False)
        return self._embeddings[caption]
