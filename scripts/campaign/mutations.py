"""Damage: bytes that are lost, turned or doubled, and values that nobody would write."""

from __future__ import annotations

import json
import random
from typing import Any

from scripts.campaign.boxes import Order, parts_of

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 255, 2**31, 2**63, -(2**70), 10**30, 0.5, -0.0, 1e308, float("nan"), float("inf"), float("-inf")),
    *("", " ", "\x00", "\ud800", "a\udfffb", "../../../etc/hostname", "/dev/zero", "/proc/self/mem", "C:\\x", "files/..", "x" * 100_000),
    *("1/0", "1e400000000", "NaN", "\u202e\n\r", [], {}, [[]], {"": {}}, [None] * 1000, {"type": "point"}),
)


def bytes_of(data: bytes, chance: random.Random) -> bytes:
    """The content of a file with one to four places damaged."""
    damaged = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(damaged) + 1)
        length = chance.choice((1, 1, 4, 16, 256))
        match chance.randrange(7):
            case 0:
                del damaged[at:]
            case 1:
                damaged[at : at + length] = chance.randbytes(length)
            case 2:
                del damaged[at : at + length]
            case 3:
                damaged[at:at] = damaged[:length]
            case 4:
                damaged[at : at + length] = bytes(len(damaged[at : at + length]))
            case 5:
                damaged[at : at + length] = b"\xff" * len(damaged[at : at + length])
            case _:
                if damaged:
                    damaged[at % len(damaged)] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def json_of(data: bytes, chance: random.Random) -> bytes:
    """A JSON file with one to three values changed, left out, doubled or exchanged."""
    value = json.loads(data)
    for _ in range(chance.choice((1, 1, 2, 3))):
        places = list(_places(value))
        holder, key = chance.choice(places)
        match chance.randrange(6):
            case 0:
                del holder[key]
                if not list(_places(value)):
                    break
            case 1:
                other, its = chance.choice(places)
                holder[key] = json.loads(json.dumps(other[its]))
            case 2:
                if isinstance(holder, list):
                    holder.insert(key, json.loads(json.dumps(holder[key])))
                else:
                    holder[f"{key}\ud800"] = holder[key]
            case 3:
                tower: Any = holder[key]
                for _ in range(chance.choice((3, 40, 200))):
                    tower = [tower]
                holder[key] = tower
            case _:
                holder[key] = json.loads(json.dumps(chance.choice(VALUES)))
    return json.dumps(value).encode()


def _places(value: Any) -> Any:
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


def media_of(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """A media file with its parts exchanged, doubled or left out, with wrong lengths or numbers in
    its headers, under the head of another, cut off, or with bytes damaged.

    Args:
        data: The file.
        other: Another one, whose head or parts it may get.
        chance: What happens is drawn from it.

    Returns:
        The damaged file.
    """
    damaged = bytearray(data)
    parts = parts_of(data)
    part = chance.choice(parts)
    match chance.randrange(8):
        case 0:
            return data[: chance.randrange(len(data))]
        case 1:
            head = chance.choice((16, 64, 512, len(other) // 2))
            return other[:head] + data[chance.choice((0, head)) :]
        case 2:
            one, two = sorted((part, chance.choice(parts)), key=lambda each: each.start)
            if one.stop <= two.start:
                between = data[one.stop : two.start]
                return data[: one.start] + data[two.start : two.stop] + between + data[one.start : one.stop] + data[two.stop :]
            return data[: one.start] + data[one.stop :]
        case 3:
            whole = data[part.start : part.stop]
            return data[: part.start] + whole * chance.choice((0, 2, 50)) + data[part.stop :]
        case 4 if part.length_bytes:
            for each in [part, *chance.choices([one for one in parts if one.length_bytes], k=chance.choice((0, 0, 2)))]:
                damaged[each.length_at : each.length_at + each.length_bytes] = _number(each.length_bytes, each.order, chance)
        case 5 | 4:
            for _ in range(chance.choice((1, 2, 4))):  # a number in a header
                small = chance.choice([one for one in parts if one.stop - one.start < 4096] or parts)
                at, width = chance.randrange(small.start, max(small.start + 1, small.stop - 3)), chance.choice((1, 2, 4, 4, 8))
                damaged[at : at + width] = _number(width, chance.choice(("big", "little")), chance)
        case 6:
            foreign = chance.choice(parts_of(other))
            return data[: part.start] + other[foreign.start : foreign.stop] + data[part.stop :]
        case _:
            return bytes_of(data, chance)
    return bytes(damaged)


def _number(width: int, order: Order, chance: random.Random) -> bytes:
    most = 2 ** (8 * width)
    return chance.choice((0, 1, most - 1, most // 2, most // 2 - 1, most // 16, chance.randrange(most))).to_bytes(width, order)
