"""Which weights the program knows: what they are, where they come from, how large they are."""

from __future__ import annotations

from core.errors import InputError
from core.models.engines import ENGINES
from core.models.model import APACHE, Licence, ModelEntry, ModelKind, SAM


def _sam21(name: str, stem: str, architecture: str, download_mb: int) -> ModelEntry:
    return ModelEntry(
        name=name,
        kind="segmenter",
        title=f"SAM 2.1 {name}",
        terms=APACHE,
        repository=f"facebook/sam2.1-hiera-{name}",
        file=f"sam2.1_hiera_{stem}.pt",
        architecture=f"configs/sam2.1/sam2.1_hiera_{architecture}.yaml",
        download_mb=download_mb,
    )


_ENTRIES = (
    ModelEntry("embedded", "segmenter", "small SAM 2 that ships", APACHE, folder="sam2-small"),
    _sam21("tiny", "tiny", "t", 156),
    _sam21("small", "small", "s", 184),
    _sam21("base-plus", "base_plus", "b+", 324),
    _sam21("large", "large", "l", 898),
    ModelEntry(
        name="edgetam",
        kind="segmenter",
        title="EdgeTAM, for slow machines",
        terms=APACHE,
        repository="yonigozlan/EdgeTAM-hf",
        files=("config.json", "model.safetensors"),
        download_mb=56,
    ),
    ModelEntry(
        name="sam3",
        kind="segmenter",
        title="SAM 3, finds all by words too",
        terms=SAM,
        repository="facebook/sam3",
        files=("config.json", "model.safetensors", "tokenizer*", "vocab*", "merges*", "special_tokens*"),
        download_mb=3440,
        gated=True,
        finds_words=True,
    ),
    ModelEntry("vivid-small", "video", "small VIVID that ships", APACHE, folder="vivid-small", engine="vivid"),
    *ENGINES,
    ModelEntry(
        "grounding-dino",
        "grounder",
        "Grounding DINO tiny",
        APACHE,
        repository="ShilongLiu/GroundingDINO",
        file="groundingdino_swint_ogc.pth",
        needs=("bert-base-uncased",),
        download_mb=694,
    ),
    ModelEntry(
        "bert-base-uncased",
        "part",
        "the vocabulary of Grounding DINO",
        APACHE,
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
    none, or saying so when this program lacks the code that the weights need.
    """
    found = MODELS.get(name)
    if found is None or found.kind != kind:
        known = ", ".join(one for one in names(kind) if MODELS[one].runs)
        raise InputError(f"unknown {kind} model '{name}' (known: {known}; or the path of a local checkpoint)")
    if not found.runs:
        raise InputError(not_yet(found))
    return found


def not_yet(model: ModelEntry) -> str:
    """What to say of a model whose code this program lacks."""
    usable = ", ".join(one for one in names(model.kind) if MODELS[one].runs)
    return f"this version of the program can't run '{model.name}' yet" + (f": choose one of {usable}" if usable else "")


def licences(model: ModelEntry) -> tuple[Licence, ...]:
    """The licences that a person accepts with a model: its own, and those of what it needs."""
    return tuple(dict.fromkeys([model.terms, *(MODELS[part].terms for part in model.needs)]))


def needed_by(name: str) -> str:
    """The model to fetch, so that `name` comes with it."""
    return next((other.name for other in MODELS.values() if name in other.needs), name)


def download_mb(model: ModelEntry) -> int | None:
    """What is downloaded with all that a model needs, in 10^6 bytes, as far as it is known; None
    where nothing of it is.
    """
    known = [size for name in (model.name, *model.needs) if (size := MODELS[name].download_mb) is not None]
    return sum(known) if known else None


def size_words(model: ModelEntry) -> str:
    """Such a size in words: "156 MB", "about 15.9 GB", "more than 57.7 GB", or nothing."""
    size, parts = download_mb(model), [MODELS[name] for name in (model.name, *model.needs)]
    if size is None:
        return ""
    text = f"{size / 1000:.1f} GB" if size >= 1000 else f"{size} MB"
    if any(part.download_mb is None for part in parts):
        return f"more than {text}"
    return f"about {text}" if any(part.computed_size for part in parts) else text
