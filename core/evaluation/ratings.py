"""What people said of samples or of two programs' results, and how far they agree.

A file of ratings has a line for each answer: rater, item, question, answer. The rating page
(`core.evaluation.rating_page`) writes it.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from core.errors import InputError

COLUMNS = ("rater", "item", "question", "answer")
GOOD, BAD, DRAW = "good", "bad", "draw"
QUALITY = {
    "MG": "Mask generation: on the first frame, does the mask cover the entity and nothing else?",
    "MP": "Mask propagation: does it on all the other frames, too?",
    "TA": "Text alignment: do the captions describe what the mask covers?",
}
COMPARISON = {
    "BP": "Background preservation: which leaves what is outside the region more as it was?",
    "TA": "Text alignment: in which does the region show more of what the caption says?",
    "TC": "Temporal consistency: which is steadier from frame to frame?",
    "VQ": "Visual quality: which looks more real and more pleasing?",
}


@dataclass(frozen=True)
class Rating:
    """One answer of one person."""

    rater: str
    item: str
    question: str
    answer: str


@dataclass(frozen=True)
class QuestionResult:
    """What was answered to a question.

    Attributes:
        question: Its short name.
        items: How many were rated.
        answers: How often each answer was given.
        agreement: Share of the pairs of raters of an item who say the same; None without pairs.
        alpha: Krippendorff's alpha for categories: 1 is agreement, 0 what chance gives; None where
            it isn't defined.
    """

    question: str
    items: int
    answers: dict[str, int]
    agreement: float | None
    alpha: float | None

    def share(self, *answers: str) -> float:
        """The share of all answers that are one of these."""
        return sum(self.answers.get(answer, 0) for answer in answers) / max(sum(self.answers.values()), 1)


def read_ratings(paths: Iterable[Path]) -> list[Rating]:
    """All answers of some files; a rater who answers twice is taken at the last word. InputError
    for a file that isn't of ratings.
    """
    found: dict[tuple[str, str, str], Rating] = {}
    for path in paths:
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file)
                if reader.fieldnames is None or not set(COLUMNS) <= set(reader.fieldnames):
                    raise InputError(f"{path} holds no ratings: its first line should name {', '.join(COLUMNS)}")
                for line in reader:
                    one = Rating(*((line[name] or "").strip() for name in COLUMNS))
                    if one.answer:
                        found[one.rater, one.item, one.question] = one
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"the ratings {path} can't be read: {getattr(error, 'strerror', None) or error}") from None
    if not found:
        raise InputError("there is no rating in these files")
    return list(found.values())


def by_question(ratings: Sequence[Rating]) -> list[QuestionResult]:
    """Put answers together, question by question in the order in which they come."""
    return [
        _result(question, [one for one in ratings if one.question == question])
        for question in dict.fromkeys(one.question for one in ratings)
    ]


def high_quality(ratings: Sequence[Rating]) -> float:
    """The share of the items that most raters found good in every question (HQ); a tie is none."""
    votes: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for one in ratings:
        votes[one.item][one.question][one.answer] += 1
    good = [all(count[GOOD] > count[BAD] for count in questions.values()) for questions in votes.values()]
    return sum(good) / len(good)


def is_comparison(ratings: Sequence[Rating]) -> bool:
    """Whether the answers name programs."""
    return not {one.answer for one in ratings} <= {GOOD, BAD}


def as_json(ratings: Sequence[Rating]) -> dict[str, Any]:
    """Plain values: of each question its answers, shares and agreement."""
    compared = is_comparison(ratings)
    programs = sorted({one.answer for one in ratings} - {DRAW}) if compared else []
    questions = []
    for one in by_question(ratings):
        shares = {name: round(one.share(name, DRAW), 4) for name in programs} if compared else {GOOD: round(one.share(GOOD), 4)}
        questions.append(
            {
                "question": one.question,
                "items": one.items,
                "answers": one.answers,
                "win_or_draw" if compared else "share": shares,
                "agreement": None if one.agreement is None else round(one.agreement, 4),
                "alpha": None if one.alpha is None else round(one.alpha, 4),
            }
        )
    whole = {} if compared else {"high_quality": round(high_quality(ratings), 4)}
    return {"raters": len({one.rater for one in ratings}), "items": len({one.item for one in ratings}), **whole, "questions": questions}


def as_text(ratings: Sequence[Rating]) -> str:
    """The same for the screen."""
    found = as_json(ratings)
    lines = [f"{found['items']} items rated by {found['raters']}"]
    for one in found["questions"]:
        shares = one.get("win_or_draw") or one["share"]
        said = ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares.items())
        agreed = "one rater an item" if one["agreement"] is None else f"raters agree {100 * one['agreement']:.0f} %"
        alpha = "" if one["alpha"] is None else f", alpha {one['alpha']:.2f}"
        lines.append(f"  {one['question']}: {'win or draw ' if 'win_or_draw' in one else ''}{said} ({one['items']} items; {agreed}{alpha})")
    if "high_quality" in found:
        lines.append(f"  HQ: {100 * found['high_quality']:.0f} % good in every question")
    return "\n".join(lines)


def _result(question: str, ratings: Sequence[Rating]) -> QuestionResult:
    by_item: dict[str, list[str]] = defaultdict(list)
    for one in ratings:
        by_item[one.item].append(one.answer)
    pairs = [one == other for answers in by_item.values() for one, other in combinations(answers, 2)]
    answers = dict(Counter(one.answer for one in ratings).most_common())
    agreement = sum(pairs) / len(pairs) if pairs else None
    return QuestionResult(question, len(by_item), answers, agreement, _alpha(list(by_item.values())))


def _alpha(items: Sequence[Sequence[str]]) -> float | None:
    """Krippendorff's alpha of nominal answers; items with one answer tell nothing."""
    rated = [answers for answers in items if len(answers) > 1]
    total = Counter(answer for answers in rated for answer in answers)
    count = sum(total.values())
    expected = count * count - sum(number * number for number in total.values())
    if not expected:
        return None
    observed = sum(
        (len(answers) ** 2 - sum(number * number for number in Counter(answers).values())) / (len(answers) - 1) for answers in rated
    )
    return 1 - (count - 1) * observed / expected
