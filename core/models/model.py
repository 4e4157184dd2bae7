"""What the program knows of a set of weights, and of the licence that they are under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ModelKind = Literal["segmenter", "video", "image", "grounder", "lora", "part"]
"""What weights are for; a `lora` is added to those of another model for its Draft, a `part` is what
other models need beside their own.
"""

ENGINES_HERE = frozenset({"vivid", "wan-vace", "cogvideox-fun", "void", "flux2-klein", "sdxl", "qwen-image"})
"""The engines whose code this program has. Who adds an engine adds its name."""


@dataclass(frozen=True)
class Licence:
    """Terms that a person accepts before weights are fetched.

    `address` is where their text can be read, without https://; `limits` what they forbid or ask
    for, as a clause, where that is worth knowing first.
    """

    name: str
    address: str
    limits: str = ""

    def __str__(self) -> str:
        limits = f", {self.limits}" if self.limits else ""
        return f"{self.name}{limits} ({self.address})"


APACHE = Licence("Apache-2.0", "www.apache.org/licenses/LICENSE-2.0")
CAUSVID = Licence("CC BY-NC-SA 4.0", "creativecommons.org/licenses/by-nc-sa/4.0", "not for commercial use")
SAM = Licence("SAM License", "huggingface.co/facebook/sam3", "not for military or weapons use")
COGVIDEOX = Licence(
    "CogVideoX licence",
    "huggingface.co/zai-org/CogVideoX-5b/blob/main/LICENSE",
    "commercial use needs a registration and has limits",
)
OPENRAIL = Licence(
    "OpenRAIL++-M", "huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/blob/main/LICENSE.md", "with a list of uses that it forbids"
)


@dataclass(frozen=True)
class Parameters:
    """How large an engine is, and how much it works on at once: what its need of memory is computed
    from before any of its weights are here.

    Attributes:
        text_encoder: Of what reads captions, in 10^9.
        denoiser: Of the denoiser, in 10^9.
        autoencoder: Of the autoencoder, in 10^9.
        text_layers: Layers of the text encoder.
        layers: Layers of the denoiser, all of about the same size.
        width: Values of a token.
        window: (frames, height, width) in pixels of what is denoised at once.
        grid: (frames, pixels) of a clip that a token stands for in time and on each side.
        coded: Channels of the autoencoder's first block.
        chunk: Frames that the autoencoder works on at once.
        kept: Layers whose results wait for later ones.
        experts: Denoisers that take turns over the steps.
        together: Whether a step runs with and without the caption at once.
        single_coding: Whether the autoencoder works in single precision.
    """

    text_encoder: float
    denoiser: float
    autoencoder: float
    text_layers: int
    layers: int
    width: int
    window: tuple[int, int, int]
    grid: tuple[int, int]
    coded: int
    chunk: int = 1
    kept: int = 0
    experts: int = 1
    together: bool = True
    single_coding: bool = False

    @property
    def tokens(self) -> int:
        """Of one sample."""
        frames, height, width = self.window
        return ((frames - 1) // self.grid[0] + 1) * (height // self.grid[1]) * (width // self.grid[1])

    @property
    def weights(self) -> int:
        """Bytes of all of them in the host's memory, at 16 bits a value."""
        coder = self.autoencoder * (4 if self.single_coding else 2)
        return round((2 * (self.text_encoder + self.experts * self.denoiser) + coder) * 1e9)


@dataclass(frozen=True)
class Draft:
    """How a model is run with few steps.

    Attributes:
        steps: Denoising steps, of every task.
        guidance: Guidance scale; 1 for none.
        shift: How far the scheduler moves its steps towards noise; None for the model's own.
        lora: Files that are added to the weights, each with the denoiser that it is for.
        scale: How strongly these count.
        source: The catalogue's name of what has the files; None for the model's own folder.
    """

    steps: int
    guidance: float
    shift: float | None = None
    lora: tuple[tuple[str, str], ...] = ()
    scale: float = 1.0
    source: str | None = None


@dataclass(frozen=True)
class ModelEntry:
    """One set of weights.

    `folder` is its place under assets/models for weights that ship. `repository`, `revision` and
    `file` say where the hub has it (`file` None: the whole repository, or of it what `files`
    match); `revision` None is the newest, and what came is then recorded. `needs` names which
    others it can't do without. `architecture` names the network's configuration where the weights
    don't carry it. `download_mb` is rounded, in 10^6 bytes, and `computed_size` says that it was
    worked out from the number of parameters and not read from the hub. None means "not known",
    never "none". `gated` says that the hub gives the weights only to those who have accepted their
    licence there, `finds_words` that a segmenter finds things by words too. `engine` is the code
    that a video or image model runs in, `parameters` how large its parts are, and `draft` how it
    is run with few steps.
    """

    name: str
    kind: ModelKind
    title: str
    terms: Licence
    folder: str | None = None
    repository: str | None = None
    revision: str | None = None
    file: str | None = None
    files: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    architecture: str | None = None
    download_mb: int | None = None
    computed_size: bool = False
    gated: bool = False
    finds_words: bool = False
    engine: str | None = None
    parameters: Parameters | None = None
    removes_only: bool = False
    draft: Draft | None = None

    @property
    def ships(self) -> bool:
        """Whether the weights are part of the program."""
        return self.folder is not None

    @property
    def runs(self) -> bool:
        """Whether this program has the code that the weights need."""
        return self.engine is None or self.engine in ENGINES_HERE

    @property
    def licence(self) -> str:
        """The name of the licence."""
        return self.terms.name
