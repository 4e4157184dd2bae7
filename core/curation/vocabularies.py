"""The words that entities may have, versioned by what they are: a build depends on the words."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from core.curation.settings import CurationSettings
from core.data.vocabulary import GENERIC, KINDS
from core.errors import InputError

EMBEDDED = (*KINDS, GENERIC)
"""What the small model can be asked for."""


def entity_words(settings: CurationSettings) -> tuple[str, ...]:
    """The labels that entities may have. InputError when the file with them can't be read."""
    return _words_of(settings.vocabulary) if settings.vocabulary else EMBEDDED


@lru_cache(maxsize=4)
def _words_of(path: str) -> tuple[str, ...]:
    try:
        lines = Path(path).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"vocabulary={path} can't be read ({getattr(error, 'strerror', None) or error}): a label a line") from None
    words = tuple(dict.fromkeys(word for line in lines if (word := line.strip().lower()) and not word.startswith("#")))
    if not words:
        raise InputError(f"vocabulary={path} holds no words: write a label a line")
    return words
