"""What words a small video model knows, as its package says. Pure Python: the page asks without
loading the model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import ModelMissingError

_FILLERS = frozenset({"a", "an", "the", "and", "with", "of", "object"})


@dataclass(frozen=True)
class Vocabulary:
    """Word lists of a small model; a full-size model has none (None instead of this)."""

    colours: tuple[str, ...]
    kinds: tuple[str, ...]
    materials: tuple[str, ...]
    sizes: tuple[str, ...]
    synonyms: Mapping[str, str] = field(default_factory=dict)
    """Words that the model's tokenizer reads as another word."""
    hollow: tuple[str, ...] = ()
    """Those of the kinds whose middle is empty."""

    @property
    def words(self) -> frozenset[str]:
        """All words that the model knows."""
        return frozenset(self.colours + self.kinds + self.materials + self.sizes) | self.synonyms.keys() | _FILLERS

    def unknown(self, caption: str) -> tuple[str, ...]:
        """Words of the caption that the model never saw, in order, each once."""
        words = re.findall(r"[^\W\d_]+(?:[-'][^\W\d_]+)*", caption.lower())
        return tuple(dict.fromkeys(w for w in words if w not in self.words))

    def hint(self, caption: str) -> str | None:
        """A sentence for a person whose caption the model can't follow, or None when it can."""
        unknown = self.unknown(caption)
        lists = f"{', '.join(self.kinds)} in {', '.join(self.colours)}; {', '.join(self.materials)}; {', '.join(self.sizes)}"
        if unknown:
            named = ", ".join(unknown)
            return f"The small model will guess: {named}. It knows: {lists}. Other words need a full-size model."
        read = self._read(caption)
        if read and read.isdisjoint(self.kinds):
            return f"The small model needs to hear what to paint. It knows: {', '.join(self.kinds)}."
        return None

    def is_hollow(self, caption: str) -> bool:
        """Whether the caption asks for a thing whose middle is empty."""
        return not self._read(caption).isdisjoint(self.hollow)

    def _read(self, caption: str) -> set[str]:
        return {self.synonyms.get(word, word) for word in re.findall(r"\w+", caption.lower())}


def read_vocabulary(package: Path) -> Vocabulary | None:
    """The vocabulary in a model package's vivid.json; None when it lists none, or where a folder of
    diffusers, or a file with a denoiser, does without.
    """
    if package.is_file() or ((package / "model_index.json").is_file() and not (package / "vivid.json").exists()):
        return None
    try:
        facts = json.loads((package / "vivid.json").read_text(encoding="utf-8"))
        lists = facts.get("vocabulary")
        if not lists:
            return None
        colours, kinds, materials, sizes = (tuple(lists[name]) for name in ("colours", "kinds", "materials", "sizes"))
        return Vocabulary(colours, kinds, materials, sizes, lists.get("synonyms", {}), tuple(lists.get("hollow", ())))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelMissingError(f"the model package '{package}' has no vivid.json that can be read ({error}): install it again") from error
