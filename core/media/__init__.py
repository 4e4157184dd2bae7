"""Video in and out, through PyAV."""

from core.media.codecs import available_codecs
from core.media.hashing import sha256_of
from core.media.images import read_image, read_image_with_alpha, write_image, write_png_frame
from core.media.probe import open_clip, probe
from core.media.reader import ClipReader
from core.media.scene_cuts import find_scene_cuts
from core.media.writer import VideoWriter

__all__ = [
    "ClipReader",
    "VideoWriter",
    "available_codecs",
    "find_scene_cuts",
    "open_clip",
    "probe",
    "read_image",
    "read_image_with_alpha",
    "sha256_of",
    "write_image",
    "write_png_frame",
]
