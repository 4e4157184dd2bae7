"""What the pixels of masks mean, decided over all pictures of one object or set together.

A single picture can't say: one on which the object is not to be seen is black, transparent, or a
little noise, and its brightest level is no object.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.masks.bounding_box import Mask
from core.masks.pictures import Pixels

MOST_OBJECTS = 32
_LARGEST_ID = 64  # a larger grey than this is a shade, not a number
_VOID = 255  # in palettes of segmentation benchmarks: nobody knows
_NEAR_BLACK = 16  # a background may be as bright
_NEAR_GREY = 16  # how far channels may be apart in what was saved as grey
_CONTRAST = 32  # levels between the background and an object, at least
_MOTTLED = 0.2  # share of neighbours that differ: more is noise, no numbers that somebody drew

Source = Literal["alpha", "ids", "grey", "colour"]


@dataclass(frozen=True)
class Meaning:
    """Which pixels are objects.

    With `values`, each is an object, or all of them are one that is `merged`. Without, one object
    is at and above the `threshold`, a level from 0 to 255; `factor` brings levels of grey to those.
    """

    source: Source
    factor: float = 1
    threshold: float = 128
    values: tuple[int, ...] = ()
    merged: bool = False

    def masks(self, pixels: Pixels) -> dict[int, Mask]:
        """The masks in a picture, bool (H, W) in its own size, by value; by 0 for one object."""
        if not self.values:
            return {0: self._levels(pixels) >= self.threshold}
        labels = pixels.values if self.source == "ids" else _colours(pixels) if self.source == "colour" else _grey(pixels)
        if self.merged:
            return {0: np.isin(labels, self.values)}
        return {value: labels == value for value in self.values}

    def _levels(self, pixels: Pixels) -> NDArray:
        if self.source == "alpha" and pixels.alpha is not None:
            return pixels.alpha
        return _grey(pixels) * self.factor if self.factor != 1 else _grey(pixels)


class Survey:
    """Looks at all pictures once; says then what they mean."""

    def __init__(self) -> None:
        self._alpha: tuple[int, int] | None = None
        self._lossy = self._coloured = self._mottled = False
        self._palette: dict[int, tuple[int, ...]] | None = {}  # by index; None once two pictures disagree
        self._ids: set[int] | None = set()
        self._levels = (np.inf, -np.inf)  # of grey, as they are
        self._greys: set[int] | None = set()
        self._colours: set[int] | None = set()
        self._floats = False

    def add(self, pixels: Pixels) -> None:
        """Take one more picture into account."""
        self._lossy |= pixels.lossy
        self._look_at_alpha(pixels)
        self._look_at_palette(pixels)
        grey = _grey(pixels)
        low, high = (float(grey.min()), float(grey.max())) if grey.size else (0.0, 0.0)
        self._levels = min(low, self._levels[0]), max(high, self._levels[1])
        self._floats |= grey.dtype.kind == "f"
        if high <= _LARGEST_ID and not self._mottled and grey.shape[1] > 1:
            self._mottled = float((grey[:, 1:] != grey[:, :-1]).mean()) > _MOTTLED
        self._greys = _more(self._greys, grey) if grey.dtype.kind != "f" else None
        if not self._coloured and (pixels.palette is not None or pixels.values.ndim == 3):
            self._coloured = _is_coloured(_rgb(pixels))
        if pixels.palette is not None or pixels.values.ndim == 3:
            self._colours = _more(self._colours, _colours(pixels))
        elif self._colours is not None:  # black frames beside coloured ones
            self._colours = None if self._greys is None else self._colours | {value * 0x010101 for value in self._greys if 0 <= value < 256}

    def _look_at_alpha(self, pixels: Pixels) -> None:
        if pixels.alpha is None:
            return
        low, high = int(pixels.alpha.min(initial=255)), int(pixels.alpha.max(initial=0))
        self._alpha = (low, high) if self._alpha is None else (min(low, self._alpha[0]), max(high, self._alpha[1]))

    def _look_at_palette(self, pixels: Pixels) -> None:
        if pixels.palette is None:
            self._palette = None
            return
        used = np.flatnonzero(np.bincount(pixels.values.ravel(), minlength=256)).tolist()
        if self._ids is not None:
            self._ids |= set(used)
        for index in used if self._palette is not None else ():
            colour = tuple(pixels.palette[index].tolist())
            if self._palette is not None and self._palette.setdefault(index, colour) != colour:
                self._palette = None

    def meaning(self, whole: bool) -> Meaning:
        """What the pictures mean.

        Args:
            whole: Whether they are of one object, whatever is drawn in them.

        Returns:
            The meaning of every picture that was looked at.
        """
        if self._alpha is not None and self._alpha[0] < self._alpha[1]:
            return Meaning("alpha", threshold=_between(*self._alpha))
        source, values = self._labels()
        low, high = self._levels
        factor = 255.0 if self._floats and high <= 1 else 1 / 257 if high > 255 else 1.0
        if 0 < len(values) <= MOST_OBJECTS:
            return Meaning(source, values=tuple(sorted(values)), merged=whole or len(values) == 1)
        return Meaning("grey", factor, _between(low * factor, high * factor))

    @property
    def _is_bright(self) -> bool:
        return self._levels[1] - self._levels[0] >= _CONTRAST

    def _labels(self) -> tuple[Source, set[int]]:
        """The values that are objects each, and of what; none where the levels are shades."""
        if self._palette is not None and self._ids is not None and _is_coloured(np.array([[*self._palette.values()]], np.uint8)):
            dark = [index for index, colour in sorted(self._palette.items()) if max(colour) <= _NEAR_BLACK]
            objects = self._ids - {dark[0] if dark else 0}
            return "ids", objects - {_VOID} if len(objects) > 1 else objects
        if self._lossy:
            return "grey", set()
        if self._coloured:
            bright = self._is_bright
            return "colour", {value for value in self._colours or () if value and not (bright and _brightest(value) <= _NEAR_BLACK)}
        small = self._greys is not None and 0 < max(self._greys, default=0) <= _LARGEST_ID and not self._mottled
        return "grey", {value for value in self._greys or () if value} if small else set()


def _between(low: float, high: float) -> float:
    """The level that divides an object from the background; of pictures without contrast, half
    grey.
    """
    return (low + high) / 2 if high - low >= _CONTRAST else 128.0


def _rgb(pixels: Pixels) -> NDArray[np.uint8]:
    return pixels.values if pixels.palette is None else pixels.palette[pixels.values]


def _grey(pixels: Pixels) -> NDArray:
    """(H, W): the levels of a grey picture as they are, of others the brightest channel."""
    if pixels.palette is not None:
        return pixels.palette.max(axis=-1)[pixels.values]
    return pixels.values if pixels.values.ndim == 2 else pixels.values.max(axis=-1)


def _colours(pixels: Pixels) -> NDArray[np.int32]:
    """int32 (H, W), 0xRRGGBB."""
    if pixels.palette is None and pixels.values.ndim == 2:
        return pixels.values.astype(np.int32) * 0x010101
    if pixels.palette is not None:
        table = pixels.palette.astype(np.int32) @ np.array([0x10000, 0x100, 1], np.int32)
        return table[pixels.values]
    red, green, blue = np.moveaxis(pixels.values, -1, 0).astype(np.int32)
    return (red << 16) | (green << 8) | blue


def _brightest(colour: int) -> int:
    return max(colour >> 16, (colour >> 8) & 255, colour & 255)


def _is_coloured(rgb: NDArray[np.uint8]) -> bool:
    """Whether any pixel of uint8 (..., 3) is more than a grey that a codec has tinted."""
    return bool((rgb.max(axis=-1) - rgb.min(axis=-1)).max(initial=0) > _NEAR_GREY)


def _more(known: set[int] | None, values: NDArray) -> set[int] | None:
    """The values that are known and those in (H, W); None when they are too many to be labels."""
    if known is None or len(known | set(np.unique(values[::7, ::7]).tolist())) > MOST_OBJECTS + 2:
        return None
    if values.dtype == np.uint8:
        found = set(np.flatnonzero(np.bincount(values.ravel(), minlength=256)).tolist())
    else:
        found = set(np.unique(values).tolist())
    return known | found if len(known | found) <= MOST_OBJECTS + 2 else None
