"""Facts of a clip in words: a list of (name, value, note) for the Video step."""

from __future__ import annotations

from fractions import Fraction

from core.project.video import Clip, VideoInfo
from core.words import duration

WIDE_TRANSFERS = {"smpte2084": "HDR (PQ)", "arib-std-b67": "HDR (HLG)"}


def clip_facts(clip: Clip) -> list[dict[str, str]]:
    """Size, rate, length, sound and colour; `note` says what is unusual and what it means here, or
    is empty.
    """
    info = clip.info
    facts = [
        _fact("Size", f"{info.width} × {info.height}", f"turned by {info.rotation}°, shown upright" if info.rotation else ""),
        _fact("Rate", f"{_number(info.rate)} fps", "on average; it varies" if info.variable_rate else _exact(info.rate)),
        _fact("Length", f"{info.frames} frames", duration(float(info.length))),
        _fact("Sound", *_sound(info)),
        _fact("Picture", *_picture(info)),
    ]
    return facts


def _fact(name: str, value: str, note: str = "") -> dict[str, str]:
    return {"name": name, "value": value, "note": note}


def _number(rate: Fraction) -> str:
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")


def _exact(rate: Fraction) -> str:
    return "" if rate.denominator == 1 else f"{rate.numerator}/{rate.denominator}"


def _sound(info: VideoInfo) -> tuple[str, str]:
    if not info.audio:
        return "none", ""
    first = info.audio[0]
    channels = {1: "mono", 2: "stereo"}.get(first.channels, f"{first.channels} channels")
    more = f"and {len(info.audio) - 1} more" if len(info.audio) > 1 else ""
    return f"{first.codec.upper()} {first.sample_rate / 1000:g} kHz {channels}", more


def _picture(info: VideoInfo) -> tuple[str, str]:
    notes = [f"{info.bit_depth} bit"] if info.bit_depth > 8 else []
    if info.color_transfer in WIDE_TRANSFERS:
        notes.append(WIDE_TRANSFERS[info.color_transfer])
    if info.color_range == "pc":
        notes.append("full range")
    name = " ".join(part for part in (info.codec.upper() or "images", info.color_matrix or "") if part)
    return name, ", ".join(notes)
