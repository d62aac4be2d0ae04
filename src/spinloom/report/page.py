"""The report as one HTML file: no scripts, nothing fetched from elsewhere, light and dark."""

import base64
from collections.abc import Mapping
from html import escape

from spinloom.report.claims import claims_table
from spinloom.report.page_style import CSS
from spinloom.report.result import Plot, StudyResult
from spinloom.report.tables import Cell, Table, cell, is_number


def page(result: StudyResult, pictures: Mapping[str, bytes]) -> str:
    """The whole page; pictures: PNG bytes by name of plot."""
    scale = (
        "This is the reduced size, meant to end within minutes; <code>--full</code> runs the published size."
        if result.scale == "reduced"
        else "This is the full size."
    )
    body = [
        f"<h1>{escape(result.title)}</h1>",
        f'<p class="lead">{escape(result.summary)}</p>',
        f"<p>{scale} It took {escape(result.took)}.</p>",
        _table(claims_table(result.claims), verdict=3) if result.claims else "",
        *(_table(table) for table in result.tables[:1]),
        *(_figure(plot, pictures[plot.name]) for plot in result.plots),
        *(_table(table) for table in result.tables[1:]),
        "<h2>Assumptions</h2>",
        "<ul>" + "".join(f"<li>{escape(sentence)}</li>" for sentence in result.assumptions) + "</ul>",
        "<h2>How to repeat</h2>",
        f"<pre><code>{escape(result.command)}</code></pre>",
        "<p>The same seed gives the same figures on the same machine and versions.</p>",
        _pairs("Settings", result.settings),
        _pairs("Versions", result.versions),
    ]
    return _FRAME.format(title=escape(result.title), css=CSS, body="\n".join(filter(None, body)))


def _table(table: Table, verdict: int | None = None) -> str:
    """verdict: the column whose yes or no is set apart."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.columns)
    rows = "".join(
        "<tr>" + "".join(_cell(value, number == verdict) for number, value in enumerate(row)) + "</tr>"
        for row in table.rows
    )
    lines = "<br>".join(map(escape, table.note.splitlines()))
    note = f'<p class="note">{lines}</p>' if lines else ""
    return (
        f"<h2>{escape(table.title)}</h2>"
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{note}'
    )


def _cell(value: Cell, is_verdict: bool) -> str:
    kind = "number" if is_number(value) else ""
    if is_verdict:
        kind = {"yes": "holds", "no": "fails"}.get(str(value), "")
    return f'<td class="{kind}">{escape(cell(value))}</td>' if kind else f"<td>{escape(cell(value))}</td>"


def _figure(plot: Plot, png: bytes) -> str:
    content = base64.b64encode(png).decode()
    caption = escape(plot.caption)
    return (
        f'<figure><img src="data:image/png;base64,{content}" alt="{caption}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _pairs(title: str, pairs: Mapping[str, object]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(str(key))}</th><td>{escape(str(value))}</td></tr>' for key, value in pairs.items()
    )
    return f'<h2>{escape(title)}</h2><div class="wide"><table class="pairs"><tbody>{rows}</tbody></table></div>'


_FRAME = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{css}</style>
</head>
<body><main>
{body}
</main></body>
</html>
"""
