"""The message for an error: the engine's sentence, and the command or flag that helps."""

from __future__ import annotations

from app.version import command_name
from core.errors import DeviceMemoryError, DeviceMissingError, ModelMissingError, StudioError
from core.project.plain import printable


def error_text(error: StudioError) -> str:
    """One sentence for the screen, the command line or a client of the API."""
    text = printable(str(error))
    if isinstance(error, ModelMissingError) and error.fetchable is not None:
        return f"{text}: run `{command_name()} models fetch {error.fetchable}` where there is a network"
    if isinstance(error, DeviceMissingError):
        return f"{text}: choose another with --device, such as --device cpu"
    if isinstance(error, DeviceMemoryError):
        if error.next_mode is not None:
            return f"{text}: start with --memory {error.next_mode}, which is slower and needs less"
        others = "other programs" if error.device.startswith("mps") else "other programs that use the GPU"
        return f"{text}: close {others}, take a quick look, or start with --device cpu"
    return text
