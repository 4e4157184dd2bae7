"""Which weights the program knows: what they are, where they come from, how large they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.errors import InputError

ModelKind = Literal["segmenter", "video", "grounder", "text"]


@dataclass(frozen=True)
class ModelEntry:
    """One set of weights.

    `folder` is its place under assets/models for weights that ship. `repository`, `revision` and
    `file` say where the hub has it (`file` None: the whole repository, or of it what `files`
    match), `needs` which others it can't do without. `architecture` names the network's
    configuration where the weights don't carry it. `download_mb` is rounded, in 10^6 bytes;
    `memory_gb` is device memory for its usual work. None means "not known", never "none". `gated`
    says that the hub gives the weights only to those who have accepted their licence there,
    `finds_words` that a segmenter finds things by words too.
    """

    name: str
    kind: ModelKind
    title: str
    licence: str
    folder: str | None = None
    repository: str | None = None
    revision: str | None = None
    file: str | None = None
    files: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    architecture: str | None = None
    download_mb: int | None = None
    memory_gb: float | None = None
    gated: bool = False
    finds_words: bool = False

    @property
    def ships(self) -> bool:
        """Whether the weights are part of the program."""
        return self.folder is not None


def _sam21(name: str, stem: str, architecture: str, download_mb: int) -> ModelEntry:
    return ModelEntry(
        name=name,
        kind="segmenter",
        title=f"SAM 2.1 {name}",
        licence="Apache-2.0",
        repository=f"facebook/sam2.1-hiera-{name}",
        file=f"sam2.1_hiera_{stem}.pt",
        architecture=f"configs/sam2.1/sam2.1_hiera_{architecture}.yaml",
        download_mb=download_mb,
    )


_ENTRIES = (
    ModelEntry("embedded", "segmenter", "small SAM 2 that ships", "Apache-2.0", folder="sam2-small"),
    _sam21("tiny", "tiny", "t", 156),
    _sam21("small", "small", "s", 184),
    _sam21("base-plus", "base_plus", "b+", 324),
    _sam21("large", "large", "l", 898),
    ModelEntry(
        name="edgetam",
        kind="segmenter",
        title="EdgeTAM, for slow machines",
        licence="Apache-2.0",
        repository="yonigozlan/EdgeTAM-hf",
        files=("config.json", "model.safetensors"),
        download_mb=56,
    ),
    ModelEntry(
        name="sam3",
        kind="segmenter",
        title="SAM 3, finds all by words too",
        licence="SAM License",
        repository="facebook/sam3",
        files=("config.json", "model.safetensors", "tokenizer*", "vocab*", "merges*", "special_tokens*"),
        download_mb=3440,
        gated=True,
        finds_words=True,
    ),
    ModelEntry("vivid-small", "video", "small VIVID that ships", "Apache-2.0", folder="vivid-small"),
    ModelEntry(
        "grounding-dino",
        "grounder",
        "Grounding DINO tiny",
        "Apache-2.0",
        repository="ShilongLiu/GroundingDINO",
        file="groundingdino_swint_ogc.pth",
        needs=("bert-base-uncased",),
        download_mb=694,
    ),
    ModelEntry(
        "bert-base-uncased",
        "text",
        "the vocabulary of Grounding DINO",
        "Apache-2.0",
        repository="google-bert/bert-base-uncased",
        files=("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"),
        download_mb=1,
    ),
)

MODELS: dict[str, ModelEntry] = {entry.name: entry for entry in _ENTRIES}
"""Every known model by name; names are unique over all kinds."""


def names(kind: ModelKind) -> tuple[str, ...]:
    """Names of the models of one kind, the one that ships first."""
    return tuple(entry.name for entry in _ENTRIES if entry.kind == kind)


def entry(name: str, kind: ModelKind) -> ModelEntry:
    """The catalogue's entry; InputError, listing the known names of that kind, when there is
    none.
    """
    found = MODELS.get(name)
    if found is None or found.kind != kind:
        raise InputError(f"unknown {kind} model '{name}' (known: {', '.join(names(kind))}; or the path of a local checkpoint)")
    return found
