"""What drawn things may do besides moving as a whole: show other views of themselves, bend."""

from __future__ import annotations

from torch import Tensor


class Liveliness:
    """What a thing does besides moving as a whole; this one does nothing."""

    def views(self, thing: int, pictures: Tensor) -> Tensor | None:
        """Pictures (B, T, 4, R, R) of the lowest part of each thing, frame by frame, in place of
        its one picture (B, 4, R, R).
        """
        return None

    def bend(self, thing: int, x: Tensor, y: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
        """Bend a thing out of its usual shape.

        Args:
            thing: which of a clip's things.
            x: coordinates on the thing across, (B, T, S, S).
            y: coordinates down, (B, T, S, S).
            time: of every frame, (B, T).

        Returns:
            The coordinates to look the thing up at.
        """
        return x, y
