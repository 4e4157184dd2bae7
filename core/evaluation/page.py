"""One HTML page, complete in itself, that shows what the suites found: figures and goals, and the
clips side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from core.assets import ASSETS, page_head
from core.evaluation.results import Exhibit, Figure, Gallery, shown_number, SuiteResult, Table
from core.evaluation.strips import as_strip, GAP, panel_size, picture_uri, video_uri
from core.progress import JobContext


def as_page(results: Sequence[SuiteResult], facts: Mapping[str, str], context: JobContext) -> str:
    """Write all results as one HTML page.

    Args:
        results: Of the suites.
        facts: What was measured, when, on what; they stand under the title in their order.
        context: Reports progress.

    Returns:
        The page.
    """
    total = sum(len(result.exhibits) + len(result.galleries) for result in results)
    context.report("writing the page", 0, max(total, 1))
    sections, done = [], 0
    for result in results:
        shown = []
        for gallery in result.galleries:
            shown.append(_gallery(gallery))
            done += 1
            context.report("writing the page", done, total)
        for exhibit in result.exhibits:
            shown.append(_exhibit(exhibit))
            done += 1
            context.report("writing the page", done, total)
        sections.append(_section(result, shown))
    with_goal = [figure for result in results for figure in result.figures if figure.met is not None]
    links = "".join(f'<a href="#{escape(result.name)}">{escape(result.title)}{_count(result)}</a>' for result in results)
    described = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())
    style, script = ((ASSETS / "evaluation" / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return f"""{page_head("Evaluation", style)}<body>
<header>
<div class="head">
<div><h1>Evaluation</h1><dl class="facts">{described}</dl></div>
{_score(with_goal)}
</div>
<nav>{links}<button type="button" id="all" hidden>Pause all</button></nav>
</header>
<main>
{"".join(sections)}
</main>
<script>
{script}</script>
</body>
</html>
"""


def _score(with_goal: Sequence[Figure]) -> str:
    if not with_goal:
        return ""
    met = sum(1 for figure in with_goal if figure.met)
    return f'<p class="score"><b>{met}</b> of {len(with_goal)}<span>goals met</span></p>'


def _count(result: SuiteResult) -> str:
    with_goal = [figure for figure in result.figures if figure.met is not None]
    return f" <small>{sum(1 for figure in with_goal if figure.met)}/{len(with_goal)}</small>" if with_goal else ""


def _section(result: SuiteResult, shown: Sequence[str]) -> str:
    rows = "".join(_row(figure) for figure in result.figures)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in result.notes)
    main = "".join(f"<h3>{escape(table.title)}</h3>{_table(table)}" for table in result.tables if table.main)
    others = "".join(_folded(table) for table in result.tables if not table.main)
    figures = f"""<div class="scroll"><table class="figures">
<thead><tr><th scope="col">Measure</th><th scope="col" class="number">Value</th><th scope="col" class="number">Goal</th>
<th scope="col">Verdict</th><th scope="col">Beside it</th></tr></thead>
<tbody>{rows}</tbody></table></div>"""
    return f"""<section id="{escape(result.name)}">
<h2>{escape(result.title)}</h2>
<p class="about">{escape(result.about)} Took {result.seconds:.0f} s.</p>
{figures if rows else ""}{main}
{notes}{"".join(shown)}{others}
</section>
"""


def _row(figure: Figure) -> str:
    verdict = "" if figure.met is None else '<span class="pass">pass</span>' if figure.met else '<span class="miss">miss</span>'
    goal = "" if figure.goal is None else escape(str(figure.goal).replace(">=", "≥").replace("<=", "≤"))
    return (
        f'<tr><th scope="row">{escape(figure.label)}</th><td class="number value">{escape(figure.text)}</td>'
        f'<td class="number">{goal}</td><td>{verdict}</td><td class="beside">{escape(figure.note)}</td></tr>'
    )


def _exhibit(exhibit: Exhibit) -> str:
    strip = as_strip(exhibit)
    height, total = strip.shape[1:3]
    width, _ = panel_size(*exhibit.panels[0][1][0].shape[:2])
    count = len(exhibit.panels)
    labels = "".join(f"<span>{escape(label)}</span>" for label, _ in exhibit.panels)
    # Bars of the page's ground over the gaps, so that the panels stand apart in light and in dark.
    gap = 100 * GAP / total
    lefts = (100 * (number * (width + GAP) - GAP) / total for number in range(1, count))
    bars = "".join(f'<i style="left:{left:.4f}%;width:{gap:.4f}%"></i>' for left in lefts)
    widest = f"max-width:{total}px"
    what = ", ".join(label for label, _ in exhibit.panels)
    return f"""<figure style="{widest}">
<figcaption>{escape(exhibit.title)}</figcaption>
<div class="labels" style="grid-template-columns:repeat({count},1fr);column-gap:{gap:.4f}%">{labels}</div>
<div class="strip"><video src="{video_uri(strip, exhibit.rate)}" width="{total}" height="{height}" muted loop autoplay playsinline
 aria-label="{escape(exhibit.title)}: {escape(what)}"></video>{bars}</div>
<div class="controls" hidden><button type="button" aria-label="Pause"></button><input type="range" min="0" max="{len(strip) - 1}" value="0"
 data-rate="{exhibit.rate}" aria-label="Frame"></div>
</figure>
"""


def _gallery(gallery: Gallery) -> str:
    tiles = []
    for tile in gallery.tiles:
        asked, named = escape(tile.asked), ""
        if tile.right is not None:
            verdict, words = ("right", "named right") if tile.right else ("wrong", f"named {escape(tile.named)}")
            named = f'<span class="{verdict}">{words}</span>'
        picture = f'<img src="{picture_uri(tile.picture)}" alt="{asked}" loading="lazy">'
        tiles.append(f"<li>{picture}<b>{asked}</b>{named}</li>")
    return f'<h3>{escape(gallery.title)}</h3><ul class="gallery">{"".join(tiles)}</ul>'


def _folded(table: Table) -> str:
    return f"<details><summary>{escape(table.title)} ({len(table.rows)} rows)</summary>{_table(table)}</details>"


def _table(table: Table) -> str:
    words = _words(table)
    head = "".join(f'<th scope="col"{"" if index < words else _NUMBER}>{escape(name)}</th>' for index, name in enumerate(table.columns))
    rows = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in table.rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


_NUMBER = ' class="number"'


def _words(table: Table) -> int:
    """How many of the first columns hold words."""
    return sum(isinstance(cell, str) for cell in table.rows[0]) if table.rows else 0


def _cell(cell: str | float) -> str:
    return f"<td>{escape(cell)}</td>" if isinstance(cell, str) else f"<td{_NUMBER}>{shown_number(cell)}</td>"
