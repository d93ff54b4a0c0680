"""What holds the page of a comparison together: its head, its list of contents, its looks, and what its tables can do.

It is read on a phone as well: nothing is wider than the window but what scrolls by itself.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

__all__ = ["framed", "heading"]

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1b1b1b;
  overflow-wrap: anywhere; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; list-style: none; padding: .6rem 0; margin: 0;
  border-top: 1px solid #ddd; border-bottom: 1px solid #ddd; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; font-size: 13px; }
dt { font-weight: 600; } dd { margin: 0; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: 13px; overflow-wrap: normal; }
th, td { border: 1px solid #d0d0d0; padding: .25rem .5rem; text-align: left; vertical-align: top; }
th { background: #f2f2f2; }
tr > :first-child { position: sticky; left: 0; z-index: 1; background: #f7f7f7; }
table.sortable thead th { cursor: pointer; white-space: nowrap; }
table.sortable thead th::after { content: " \\2195"; color: #888; }
table.sortable thead th[aria-sort=ascending]::after { content: " \\2191"; }
table.sortable thead th[aria-sort=descending]::after { content: " \\2193"; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.valid { background: #e3f3ea; } td.no { background: #f9e0df; } td.stopped { background: #fbf0d9; }
td.valid, td.no, td.stopped { white-space: nowrap; } td.absent { color: #767676; }
.right { color: #00663d; } .wrong { color: #a01313; font-weight: 600; } .open { color: #666; }
.filter { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin: 1rem 0 0; font-size: 13px; }
.filter input, .filter select { font: inherit; padding: .25rem .4rem; max-width: 100%; }
figure { margin: 1.5rem 0; overflow-x: auto; } figure img { max-width: 100%; height: auto; }
figcaption { color: #555; font-size: 13px; }
details { border: 1px solid #ddd; border-radius: 4px; margin: .4rem 0; padding: .3rem .7rem; }
summary { cursor: pointer; } pre { white-space: pre-wrap; font-size: 12px; max-height: 20rem; overflow: auto; }
@media (max-width: 40rem) {
  body { margin: .5rem auto; padding: 0 .6rem; }
  h1 { font-size: 1.5rem; margin: .5rem 0; } h2 { font-size: 1.2rem; }
  dl { grid-template-columns: 1fr; } dd { margin: 0 0 .4rem; }
  table { font-size: 12px; } th, td { padding: .2rem .35rem; }
  tr > :first-child { min-width: 7.5rem; max-width: 10rem; overflow-wrap: break-word; }
  figure img { max-width: none; width: 44rem; }
}
"""
_SCRIPT = """
const unfold = () => { const at = document.getElementById(location.hash.slice(1)); if (at) { at.open = true; } };
addEventListener("hashchange", unfold); unfold();
const valued = (row, place) => {
  const text = (row.cells[place] || {}).innerText || "";
  const seconds = text.match(/[0-9][0-9.,]*(?= s$| \\/ [0-9.,]+ s$)/);
  const number = parseFloat((seconds || text.match(/-?[0-9][0-9.,]*/) || [""])[0].replaceAll(",", ""));
  return { text, number };
};
document.addEventListener("click", (event) => {
  const head = event.target.closest("table.sortable thead th");
  if (!head) return;
  const table = head.closest("table"), place = head.cellIndex;
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows].map((row) => [row, valued(row, place)]);
  const numbers = rows.filter(([, value]) => !isNaN(value.number)).length > rows.length / 2 && place > 0;
  rows.sort(([, one], [, other]) => numbers
    ? (isNaN(one.number) ? Infinity : one.number) - (isNaN(other.number) ? Infinity : other.number)
    : one.text.localeCompare(other.text, undefined, { numeric: true }));
  if (down) rows.reverse();
  table.tBodies[0].append(...rows.map(([row]) => row));
});
for (const filter of document.querySelectorAll(".filter")) {
  const table = document.getElementById(filter.dataset.table);
  const text = filter.querySelector("input"), kind = filter.querySelector("select");
  const shown = filter.querySelector("output");
  const apply = () => {
    let count = 0;
    for (const row of table.tBodies[0].rows) {
      const fits = row.innerText.toLowerCase().includes(text.value.toLowerCase())
        && (!kind.value || row.querySelector("td." + kind.value) !== null);
      row.hidden = !fits; count += fits;
    }
    shown.value = count + " shown";
  };
  filter.addEventListener("input", apply); apply();
}
"""
"""A link to a case unfolds it; a click on a head sorts; what is typed leaves the rows that have it."""


def heading(text: str) -> str:
    """A heading that the list of contents names."""
    return f'<h2 id="{_place(text)}">{html.escape(text)}</h2>'


def _place(text: str) -> str:
    return re.sub(r"[^a-z]+", "-", text.lower()).strip("-")


def framed(title: str, parts: Sequence[str]) -> str:
    """The whole page."""
    heads = [found[1] for part in parts if (found := re.match(r"<h2 id=[^>]*>(.*?)</h2>", part))]
    contents = "".join(f'<li><a href="#{_place(html.unescape(head))}">{head}</a></li>' for head in heads)
    return "\n".join([
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(title)}</title>",
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(title)}</h1>",
        f'<nav aria-label="Contents"><ul>{contents}</ul></nav>',
        *parts,
        f"<script>{_SCRIPT}</script></body></html>",
    ]) + "\n"  # fmt: skip
