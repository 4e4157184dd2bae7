"""What a campaign has found so far, on disk after every case, so that it can go on."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, TypeVar


class Named(Protocol):
    """A case of a campaign: its name is unique and stays the same between runs."""

    @property
    def name(self) -> str: ...


Case = TypeVar("Case", bound=Named)


@dataclass(frozen=True)
class NamedCase:
    """A case that its name says all of: what is done is drawn from it."""

    name: str


@dataclass(frozen=True)
class Finding:
    """How a case went: `skipped` says why it could not be tried; `faults` are empty when all is
    well.
    """

    name: str
    faults: tuple[str, ...] = ()
    skipped: str = ""
    seconds: float = 0.0


class Ledger:
    """The findings of a campaign, one line of JSON each in `FOLDER/CAMPAIGN.jsonl`."""

    def __init__(self, folder: Path, campaign: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{campaign}.jsonl"
        self.findings: dict[str, Finding] = {}
        for line in self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else ():
            try:
                found = json.loads(line)
            except ValueError:  # a line that a killed run left
                continue
            self.findings[found["name"]] = Finding(found["name"], tuple(found["faults"]), found["skipped"], found["seconds"])

    def add(self, finding: Finding) -> None:
        """Keep a finding."""
        self.findings[finding.name] = finding
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(finding)) + "\n")

    def report(self, names: Sequence[str]) -> int:
        """Print the faults of these cases as a table; returns the exit code."""
        found = [self.findings[name] for name in names if name in self.findings]
        faulty = [finding for finding in found if finding.faults]
        width = max((len(finding.name) for finding in faulty), default=0)
        for finding in faulty:
            for number, fault in enumerate(finding.faults):
                print(f"{'' if number else finding.name:<{width}}  {fault}")
        skipped = sum(bool(finding.skipped) for finding in found)
        print(f"{len(found) - skipped} of {len(names)} cases tried, {skipped} not possible here, {len(faulty)} with faults")
        return 1 if faulty else 0


def chosen(cases: Sequence[Case], options: argparse.Namespace) -> list[Case]:
    """All cases, or as many as `options.sample` says, chosen by `options.seed`; of these only
    `options.part`.
    """
    found = list(cases)
    if options.sample is not None and options.sample < len(found):
        found = random.Random(options.seed).sample(found, options.sample)
    number, parts = options.part
    return found[number - 1 :: parts]


def part(text: str) -> tuple[int, int]:
    """Read K/N, the Kth of N parts."""
    number, _, parts = text.partition("/")
    if not (number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)):
        raise argparse.ArgumentTypeError(f"'{text}' is no part: write 2/8 for the second of eight")
    return int(number), int(parts)


def in_time(cases: Sequence[Case], minutes: float | None) -> Iterator[Case]:
    """The cases until the time is over."""
    end = None if minutes is None else time.monotonic() + 60 * minutes
    for case in cases:
        if end is not None and time.monotonic() > end:
            print(f"the {minutes:g} minutes are over: the same command goes on")
            return
        yield case
