"""What lies behind a region: the background of a clip, taken from the frames that show it."""

from core.background.model import BackgroundModel

__all__ = ["BackgroundModel"]
