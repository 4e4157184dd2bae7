"""The words the small VIVID knows, and the captions made of them.

Pure Python: the page reads it to tell a person what can be asked for.
"""

from __future__ import annotations

COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.86, 0.07, 0.07),
    "orange": (1.0, 0.50, 0.03),
    "yellow": (0.98, 0.88, 0.08),
    "green": (0.10, 0.65, 0.15),
    "cyan": (0.10, 0.82, 0.86),
    "blue": (0.10, 0.20, 0.86),
    "purple": (0.50, 0.12, 0.68),
    "pink": (0.98, 0.50, 0.72),
    "brown": (0.45, 0.25, 0.10),
    "white": (0.96, 0.96, 0.96),
    "black": (0.06, 0.06, 0.06),
    "gray": (0.50, 0.50, 0.50),
}
"""Name -> sRGB in [0, 1]."""

KINDS = ("ball", "cube", "cone", "cylinder", "ring", "star", "heart", "pyramid", "diamond", "cross", "mushroom", "moon")
HOLLOW = ("ring", "moon")
"""Kinds whose middle is empty: what shows in it is what lies behind."""
MATERIALS = ("matte", "shiny", "striped", "dotted", "checkered", "stone")
SIZES = ("small", "large")
DETAILS = {
    "matte": "with a dull surface",
    "shiny": "with a bright highlight",
    "striped": "with stripes",
    "dotted": "with dots",
    "checkered": "with checks",
    "stone": "made of rough rock",
}
"""How a long caption says what a thing is made of, after its name."""
GENERIC = "object"
"""What a caption calls a thing when it does not say which ("an object")."""

SYNONYMS = {
    "grey": "gray",
    "sphere": "ball",
    "box": "cube",
    "donut": "ring",
    "doughnut": "ring",
    "big": "large",
    "tiny": "small",
    "little": "small",
    "glossy": "shiny",
    "spotted": "dotted",
    "checked": "checkered",
    "crescent": "moon",
    "violet": "purple",
    "thing": "object",
    "the": "a",
}
"""Words that are read as another word; the tokenizer replaces them before it looks anything up."""

MAX_TEXT_LENGTH = 16
PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"


def article(word: str) -> str:
    """The indefinite article in front of `word`."""
    return "an" if word[0] in "aeiou" else "a"


def caption(kind: str = GENERIC, colour: str | None = None, material: str | None = None, size: str | None = None) -> str:
    """Say what is meant: "a large shiny red ball".

    Args:
        kind: One of KINDS, or "object".
        colour: One of COLOURS, or None.
        material: One of MATERIALS, or None.
        size: One of SIZES, or None.

    Returns:
        The caption; what is None is left out.
    """
    words = [word for word in (size, material, colour, kind) if word]
    return " ".join([article(words[0]), *words])


def long_caption(kind: str, colour: str | None, material: str, size: str | None) -> str:
    """Say the material after the name: "a large red ball with stripes".

    Args:
        kind: One of KINDS, or "object".
        colour: One of COLOURS, or None.
        material: One of MATERIALS.
        size: One of SIZES, or None.

    Returns:
        The caption.
    """
    return f"{caption(kind, colour, None, size)} {DETAILS[material]}"


def split_words(text: str) -> list[str]:
    """Lower-case words without punctuation, synonyms resolved: what the tokenizer sees."""
    cleaned = "".join(character if character.isalnum() else " " for character in text.lower())
    return [SYNONYMS.get(word, word) for word in cleaned.split()]


def word_list(delete_caption: str) -> list[str]:
    """Every token of the small model's tokenizer in the order of its id: specials, then words."""
    words = [PAD, END, UNKNOWN, "a", "an", *SIZES, *MATERIALS, *COLOURS, *KINDS, GENERIC, *split_words(delete_caption)]
    words += [word for detail in DETAILS.values() for word in detail.split()]
    return list(dict.fromkeys(words))
