"""What a caption has to be like to teach anything."""

from __future__ import annotations

from collections.abc import Sequence

_MOST_WORDS = 80
_EXCUSES = ("sorry", "i cannot", "i can't", "unable to", "as an ai", "not visible", "black background", "the image shows")
"""What language models say when they do not describe what is cut out, but the cutting or
themselves."""


def caption_problem(captions: Sequence[str], label: str) -> str:
    """What is wrong with the three captions of an entity, from short to long; "" for nothing.

    They have to be three, none empty or endless, each at least as long as the one before, naming
    what the label names, without excuses.
    """
    if len(captions) != 3 or not all(text.strip() for text in captions):
        return "a caption is missing"
    words = [len(text.split()) for text in captions]
    if words != sorted(words):
        return "a caption is shorter than the one before"
    if words[-1] > _MOST_WORDS:
        return "a caption is too long"
    head = label.lower().split()[-1] if label.split() else ""
    if head and not any(head in text.lower() for text in captions):
        return f"no caption says '{label}'"
    found = next((excuse for excuse in _EXCUSES for text in captions if excuse in text.lower()), None)
    return f"a caption says '{found}'" if found else ""
