"""Opening picture files: the only place where Pillow is handed one."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import IO

from PIL import Image

from core.errors import InputError

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")
"""What Pillow may take a file for, whatever its name says. Others are no way in; one of them hands
its files to another program.
"""

MOST_PIXELS = 2**27
"""Of a picture: 134 million, 16384 x 8192."""

Image.MAX_IMAGE_PIXELS = MOST_PIXELS
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # `open_picture` refuses these


def open_picture(source: str | Path | IO[bytes], name: str = "", formats: tuple[str, ...] = FORMATS) -> Image.Image:
    """Open a picture and read its header, not its pixels.

    Args:
        source: A path, or a file that is open.
        name: What to call the picture in a message; the path when empty.
        formats: The kinds of file that are understood, as Pillow names them.

    Returns:
        The picture, to be closed or used as a context manager.

    Raises:
        InputError: It has more than `MOST_PIXELS`.
        OSError: It is missing, unreadable or no picture.
        ValueError, SyntaxError: It is damaged.
    """
    too_large = f"the picture {name or source} is too large: save it with at most {MOST_PIXELS // 10**6} million pixels"
    try:
        image = Image.open(source, formats=formats)
    except Image.DecompressionBombError as error:
        raise InputError(too_large) from error
    if image.width * image.height > MOST_PIXELS:
        image.close()
        raise InputError(too_large)
    return image
