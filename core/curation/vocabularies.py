"""The words that entities and backgrounds may have, versioned by what they are: a build depends on
the words."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from core.assets import ASSETS
from core.curation.fake import FAKE
from core.curation.settings import CurationSettings
from core.data.vocabulary import GENERIC, KINDS
from core.errors import InputError

EMBEDDED = (*KINDS, GENERIC)
"""What the small model can be asked for."""
ENTITIES, BACKGROUNDS = (ASSETS / "vocabularies" / f"{name}-1.txt" for name in ("entities", "backgrounds"))
"""For RAM's tags."""
_OF_OURS = ("embedded", FAKE)
"""Taggers that know the small model's words."""


def entity_words(settings: CurationSettings) -> tuple[str, ...]:
    """The labels that entities may have. InputError when the file with them can't be read."""
    if settings.vocabulary:
        return _words_of(settings.vocabulary, "vocabulary")
    return EMBEDDED if settings.tagger in _OF_OURS else _words_of(str(ENTITIES), "vocabulary")


def background_words(settings: CurationSettings) -> tuple[str, ...]:
    """What a deletion may lie on; none where that is anything but entities. InputError as above."""
    if settings.backgrounds:
        return _words_of(settings.backgrounds, "backgrounds")
    return () if settings.tagger in _OF_OURS else _words_of(str(BACKGROUNDS), "backgrounds")


def vocabulary_hashes(settings: CurationSettings) -> dict[str, str]:
    """SHA-256 of the words of each vocabulary, one a line."""
    words = {"entities": entity_words(settings), "backgrounds": background_words(settings)}
    return {name: hashlib.sha256("\n".join(each).encode()).hexdigest() for name, each in words.items()}


@lru_cache(maxsize=4)
def _words_of(path: str, setting: str) -> tuple[str, ...]:
    try:
        lines = Path(path).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{setting}={path} can't be read ({getattr(error, 'strerror', None) or error}): a label a line") from None
    words = tuple(dict.fromkeys(word for line in lines if (word := line.strip().lower()) and not word.startswith("#")))
    if not words:
        raise InputError(f"{setting}={path} holds no words: write a label a line")
    return words
