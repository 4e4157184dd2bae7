"""The statistics of a data set as one HTML page, complete in itself."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from core.assets import ASSETS, page_head
from core.dataset.statistics import Distribution, Statistics
from core.words import duration

_STYLE = """
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(340px, 1fr)); gap: 8px 28px; }
.bars td { padding: 2px 14px 2px 2px; border: 0; white-space: nowrap; }
.bars td:first-child, .bars td:last-child { width: 1%; }
.bars td:nth-child(2) { width: 98%; padding: 2px 0; }
.bars i { display: block; height: 13px; min-width: 1px; border-radius: 3px; background: var(--accent); }
.bars i.none { background: none; }
"""
_MOTION = "shorter sides of the frame a second"


def statistics_page(found: Statistics, name: str) -> str:
    """Write the page of a data set that is called `name`."""
    style = (ASSETS / "evaluation" / "page.css").read_text(encoding="utf-8")
    facts = {
        "data set": name,
        "samples": f"{found.total:,}",
        "clips": ", ".join(f"{count:,} {kind}{'s' * (count != 1)}" for kind, count in found.clips.items()),
        "video": duration(found.seconds),
        "sources": f"{sum(found.sources.values()):,}",
    }
    described = "".join(f"<div><dt>{escape(title)}</dt><dd>{escape(value)}</dd></div>" for title, value in facts.items())
    rows = "".join(
        f'<tr><td>{escape(split)}</td><td>{escape(kind)}</td><td>{escape(task)}</td><td class="number">{count:,}</td></tr>'
        for (split, kind, task), count in found.samples.items()
    )
    captions = "".join(_spread(f"Words of the {length} caption", one, "words", whole=True) for length, one in found.captions.items())
    area = _spread("Area, mean over the frames that show it", found.area, "share of the frame")
    motion = "".join(_spread(f"Motion, {part}", one, _MOTION) for part, one in found.motion.items())
    counted = {"Forms of masks": found.forms, "Labels": found.labels, "Licences": found.licences, "Sizes": found.sizes}
    others = "".join(_bars(title, counts) for title, counts in counted.items() if counts)
    return f"""{page_head(name, style + _STYLE)}<body>
<header><div class="head"><div><h1>Data set</h1><dl class="facts">{described}</dl></div></div></header>
<main>
<section><h2>Samples</h2><div class="scroll"><table><thead><tr><th scope="col">split</th><th scope="col">kind</th>
<th scope="col">task</th><th scope="col" class="number">samples</th></tr></thead><tbody>{rows}</tbody></table></div></section>
<section><h2>Captions</h2><p class="about">Without deletions, whose caption is fixed.</p><div class="charts">{captions}</div></section>
<section><h2>Masks</h2><div class="charts">{area}</div></section>
<section><h2>Motion</h2><div class="charts">{motion}</div></section>
<section><h2>The rest</h2><div class="charts">{others}</div></section>
</main>
</body>
</html>
"""


def _spread(title: str, one: Distribution, unit: str, whole: bool = False) -> str:
    if one.mean is None or one.median is None:
        return f'<div><h3>{escape(title)}</h3><p class="note">Not known of any sample.</p></div>'
    ends = [*(_range(low, high, whole) for low, high in zip(one.edges, one.edges[1:], strict=False)), f"{one.edges[-1]:g} or more"]
    note = f"{unit}; mean {one.mean:.3g}, median {one.median:.3g}, known of {one.known:,}"
    return _bars(title, dict(zip(ends, one.counts, strict=True)), note)


def _range(low: float, high: float, whole: bool) -> str:
    if not whole:
        return f"{low:g} to {high:g}"
    return f"{low:g}" if high == low + 1 else f"{low:g} to {high - 1:g}"


def _bars(title: str, counts: Mapping[str, int], note: str = "") -> str:
    most = max(*counts.values(), 1) if counts else 1
    rows = "".join(
        f'<tr><td>{escape(name)}</td><td><i style="width:{100 * count / most:.2f}%"{"" if count else _NONE}></i></td>'
        f'<td class="number">{count:,}</td></tr>'
        for name, count in counts.items()
    )
    said = f'<p class="note">{escape(note)}</p>' if note else ""
    return f'<div><h3>{escape(title)}</h3>{said}<table class="bars"><tbody>{rows}</tbody></table></div>'


_NONE = ' class="none"'
