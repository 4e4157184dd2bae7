"""What `edit --object` says: an object with a task, a caption and a seed of its own."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable

from core.errors import InputError

OWN = (
    *("point", "not_point", "box", "text", "frame", "masks", "invert_masks", "task", "caption", "seed", "adjust", "feather"),
    *("keyframe", "carry", "fit", "steps", "guidance", "rate", "preset", "shadows", "direct", "opacity", "blend", "front"),
)
"""Options that an object may have of its own; those that it has not are those of the whole edit."""
WHERE = ("point", "not_point", "box", "text", "masks")


def object_options(text: str, options: argparse.Namespace, parse: Callable[[list[str]], argparse.Namespace]) -> argparse.Namespace:
    """The options of one object.

    Args:
        text: What `--object` was given: options as on a command line.
        options: Those of the whole edit.
        parse: Reads the options of `edit`.

    Returns:
        The options of the whole edit with the object's own in their place.

    Raises:
        InputError: They can't be read, or one of them is no object's own.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InputError(f"--object {text!r} can't be read ({error}): put its options in quotes") from None
    usual, given = parse([]), parse(words)
    said = {word.partition("=")[0] for word in words}
    own = {name: value for name, value in vars(given).items() if value != getattr(usual, name) or f"--{name.replace('_', '-')}" in said}
    if wrong := sorted(own.keys() - set(OWN)):
        raise InputError(f"--{wrong[0].replace('_', '-')} is for the whole edit: give it beside --object, not in it")
    if not any(own.get(name) for name in WHERE):
        raise InputError(f"--object {text!r} does not say where the object is: give it a --box, --point, --text or --masks")
    return argparse.Namespace(**{**vars(options), **own})
