"""docs/sources.md, written from the registry: what to land, for each known export what becomes what."""

from __future__ import annotations

from ingestion.sources.presets import Amount, Place, Preset, presets
from ingestion.sources.tabular.read import EXPECTED
from ingestion.sources.tabular.recognise import REQUIRED
from settings.sources import COLUMNS

_MEANINGS = {
    "date": "the day, `2026-03-01`; of a moment its day by its own clock",
    "campaign_id": "the platform's id of the campaign; its name if there is none, `(none)` if it has neither",
    "campaign_name": "its name", "impressions": "how often it was shown", "clicks": "how often it was clicked",
    "spend": "cost in the currency's unit; negative is a credit", "cost_micros": "cost in millionths of the unit",
    "currency": "ISO 4217, in any case", "channel": "a channel of your own, instead of the platform's",
    "account": "the advertising account; deliveries of different accounts do not replace each other",
    "date_until": "the last day of the row (or `date_to`, `end_date` and the like); one that is not `date` is refused",
    "order_id": "the order's number, with or without a leading `#`", "ordered_at": "when it was placed; without an"
    " offset in the region's time zone", "status": "completed, refunded, partially_refunded or cancelled",
    "revenue": "net of tax and shipping, after discounts", "refunded": "net amount given back so far",
    "cogs": "cost of goods; without it the region's `margin_rate` stands for it",
    "updated_at": "when the row was last changed; the latest row counts",
    "line_item_id": "the item, where a row is one item of an order: the rows of an order then add up",
    "total": "what was paid, with tax and shipping", "refunded_total": "what was given back, with tax and shipping",
}  # fmt: skip
_INTRODUCTION = """# What to land, and how it is read

Written by `make docs` from the registry of known exports; edit `operations/landed_files/document.py` or the presets.

Put each file into the landing zone as the tool wrote it: cost into `<region>/spend/<platform>/`, orders into
`<region>/ledger/`, the ECB's rates as `fx/eurofxref-hist.csv`. `romi check FILE` shows how a file is understood
before anything is loaded, and `romi init` writes a `romi.yaml` for what it finds in a landing zone.

- **Kinds of files**: csv, tsv and txt (each also as `.gz` or `.zst`), xlsx, JSON lines and arrays, and Parquet. Of a
  workbook the first sheet with a known header is read, or the one that `sheet:` names.
- **Text** is UTF-8 with or without a BOM, or UTF-16 with one; anything else needs `encoding:`. The delimiter (`,`,
  `;`, tab or `|`) is found in the header.
- **Column names** are compared ignoring case, blanks, `_`, `-` and a currency in brackets, which is then the
  currency.
- **Absent values** are an empty cell, `NULL`, `\\N`, `nan`, `None`, `N/A`, `NA`, `-` and `--`. An optional cell that
  cannot be read counts as absent, and the run reports how many there were.
- **Numbers** may have thousands separators. A number that can be read two ways, such as `1,234`, is refused unless
  `decimal:` says which is meant; so is `1.250` unless another amount in the file (`12.50`) shows what a point
  means, or commas separate the cells and all amounts have three decimals.
- **Dates** are ISO 8601, contain the month's English name, or count from 1970; in a workbook they may be its own
  numbers. Others need `date_format:`, as in strptime.
- **A refused row** is missing money: it counts against its day, and a day with too much missing is withheld.
- **Cost**: the rows of a file add up by day and campaign, and equal rows count once; where a connector has read a row
  again, its newest version counts. The files in one folder below the platform's are one delivery. A later delivery
  replaces an earlier one by platform, account, day and campaign; `export_9` comes before `export_10`.
- **Orders** may have a row for each item. An item takes what it does not say from its order's first row.
- **A file that disappears** from the landing zone keeps its rows; `romi files forget NAME` removes them.

## Bring your own

```yaml
sources:
  spend/my_dsp:
    columns: {date: Tag, campaign_name: Kampagne, spend: Kosten}   # ours: theirs
    decimal: ","              # or "."
    date_format: "%d.%m.%Y"
    encoding: cp1252          # where it is not UTF-8
    currency: EUR             # if no column has it
    skip_rows: 2              # how many lines stand above the header
    sheet: Costs              # in a workbook
  ledger:
    preset: shopify_orders    # if the header alone does not tell
    status: {versendet: completed}
```
"""


def as_markdown() -> str:
    """The document."""
    lines = [_INTRODUCTION]
    for kind, title in (("spend", "A plain file of cost"), ("ledger", "A plain file of orders")):
        lines += [f"## {title}", "", "| column | needed | what it holds |", "| --- | --- | --- |"]
        needed = {name: " or ".join(f"`{one}`" for one in names) for names in REQUIRED[kind] for name in names}
        lines += [f"| `{name}` | {needed.get(name, '')} | {_MEANINGS[name]} |" for name in COLUMNS[kind]]
        lines.append("")
    lines += ["## Why a row is refused", "", "| reason | what it means, and what to change |", "| --- | --- |"]
    lines += [f"| `{reason}` | {expected} |" for reason, expected in EXPECTED.items()]
    for kind, title in (("spend", "Known exports of cost"), ("ledger", "Known exports of orders")):
        lines += ["", f"## {title}"]
        for one in sorted(presets().values(), key=lambda one: one.tool):
            if one.kind == kind and not one.name.startswith("plain"):
                lines += _section(one)
    return "\n".join(lines) + "\n"


def _section(one: Preset) -> list[str]:
    place = "ledger/" if one.kind == "ledger" else f"spend/{(one.platforms or ('<platform>',))[0]}/"
    lines = ["", f"### {one.tool}", "", f"`{one.name}`, into `{place}`. {one.export} Defined at <{one.documented_at}>."]
    if one.only_if_named:
        lines.append(f"It is read only if the configuration says `preset: {one.name}`: {one.only_if_named}.")
    if one.notes:
        lines.append(one.notes)
    lines += ["", "| ours | theirs |", "| --- | --- |"]
    lines += [f"| `{ours}` | {_told(theirs)} |" for ours, theirs in one.columns.items()]
    if one.status:
        words = ", ".join(f"{theirs} = {ours}" for theirs, ours in one.status.items())
        lines += ["", f"Status: {words}."]
    return lines


def _told(place: Place) -> str:
    if isinstance(place, Amount):
        return " + ".join(f"`{one}`" for one in place.plus) + "".join(f" - `{one}`" for one in place.minus)
    names = (place,) if isinstance(place, str) else place
    return ", else ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    print(as_markdown(), end="")
