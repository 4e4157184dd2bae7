"""A page on which a person rates clips: samples of a data set, or the results of two programs.

It is one file that needs no server. Answers stay in the browser until they are saved as CSV, which
`core.evaluation.ratings` reads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from core.assets import ASSETS, page_head
from core.evaluation.ratings import BAD, COMPARISON, DRAW, GOOD, QUALITY
from core.evaluation.results import Exhibit
from core.evaluation.strips import as_strip, video_uri
from core.progress import JobContext

Answers = tuple[tuple[str, str], ...]
"""Values and what they are called."""


@dataclass(frozen=True)
class RatedItem:
    """What is rated: clips side by side, words under them, and by short name the questions with
    their answers.
    """

    key: str
    exhibit: Exhibit
    captions: tuple[str, ...]
    questions: Mapping[str, tuple[str, Answers]]


def quality_questions(video: bool) -> dict[str, tuple[str, Answers]]:
    """The paper's questions about a sample; an image has no propagation."""
    answers = (GOOD, "Good"), (BAD, "Bad")
    return {name: (text, answers) for name, text in QUALITY.items() if video or name != "MP"}


def comparison_questions(task: str, left: str, right: str) -> dict[str, tuple[str, Answers]]:
    """The paper's questions about two results of an edit.

    Args:
        task: A deletion has no caption to fit.
        left: The program whose result is shown on the left; its name is the answer.
        right: The other one.

    Returns:
        By short name the question and its answers.
    """
    answers = (left, "Left"), (DRAW, "Draw"), (right, "Right")
    return {name: (text, answers) for name, text in COMPARISON.items() if name != "TA" or task != "delete"}


def rating_page(title: str, items: Sequence[RatedItem], context: JobContext) -> str:
    """Write the page.

    Args:
        title: What is rated.
        items: At least one.
        context: Reports progress.

    Returns:
        HTML, complete in itself.
    """
    parts = []
    for number, item in enumerate(items):
        context.report("writing the page", number, len(items))
        context.check()
        parts.append(_item(number, item))
    context.report("writing the page", len(items), len(items))
    style = "".join((ASSETS / folder / "page.css").read_text(encoding="utf-8") for folder in ("evaluation", "rating"))
    script = (ASSETS / "rating" / "page.js").read_text(encoding="utf-8")
    key = hashlib.sha256("\n".join((title, *(item.key for item in items))).encode()).hexdigest()[:16]
    return f"""{page_head("Rating", style)}<body data-key="vivid-rating-{key}">
<header><div class="head"><div><h1>Rating</h1><dl class="facts"><div><dt>of</dt><dd>{escape(title)}</dd></div></dl></div></div></header>
<main>
{"".join(parts)}
<div class="steps"><button type="button" id="back">Back</button><button type="button" id="next">Next</button>
<span id="place" role="status"></span>
<label for="rater">Your name</label><input id="rater" autocomplete="off"><button type="button" id="save">Save answers</button></div>
</main>
<script>
{script}</script>
</body>
</html>
"""


def _item(number: int, item: RatedItem) -> str:
    strip = as_strip(item.exhibit)
    labels = "".join(f"<span>{escape(label)}</span>" for label, _ in item.exhibit.panels)
    what = ", ".join(label for label, _ in item.exhibit.panels)
    questions = "".join(_question(f"{number}-{name}", name, *asked) for name, asked in item.questions.items())
    captions = "".join(f"<li>{escape(text)}</li>" for text in item.captions)
    words = f'<ul class="captions">{captions}</ul>' if captions else ""
    return f"""<section class="item" data-item="{escape(item.key)}" hidden>
<h2>{escape(item.exhibit.title)}</h2>
<div class="labels" style="grid-template-columns:repeat({len(item.exhibit.panels)},1fr);max-width:{strip.shape[2]}px">{labels}</div>
<video src="{video_uri(strip, item.exhibit.rate)}" width="{strip.shape[2]}" height="{strip.shape[1]}" muted loop playsinline controls
 aria-label="{escape(what)}"></video>
{words}{questions}
</section>
"""


def _question(name: str, short: str, text: str, answers: Answers) -> str:
    choices = "".join(
        f'<label><input type="radio" name="{escape(name)}" value="{escape(value)}">{escape(label)}</label>' for value, label in answers
    )
    return f'<fieldset data-question="{escape(short)}"><legend>{escape(text)}</legend>{choices}</fieldset>'
