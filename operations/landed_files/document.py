"""docs/sources.md, written from the registry: what to land, for each known export what becomes what."""

from __future__ import annotations

from ingestion.sources.presets import Amount, Place, Preset, presets
from ingestion.sources.tabular.read import EXPECTED
from ingestion.sources.tabular.recognise import REQUIRED
from settings.sources import COLUMNS

_MEANINGS = {
    "date": "the day, `2026-03-01`; of a moment its day by its own clock",
    "campaign_id": "the platform's id of the campaign; without one its name stands for it, without both `(none)`",
    "campaign_name": "its name", "impressions": "how often it was shown", "clicks": "how often it was clicked",
    "spend": "cost in the currency's unit; negative is a credit", "cost_micros": "cost in millionths of the unit",
    "currency": "ISO 4217, in any case", "channel": "a channel of your own, instead of the platform's",
    "account": "the advertising account; deliveries of different accounts do not replace each other",
    "date_until": "the last day of the row (or `date_to`, `end_date` and the like); one that is not `date` is refused",
    "order_id": "the order's number, with or without a leading `#`", "ordered_at": "when it was placed; without an"
    " offset in the region's time zone", "status": "completed, refunded, partially_refunded or cancelled",
    "revenue": "net of tax and shipping, after discounts", "refunded": "net amount given back so far",
    "cogs": "cost of goods; without it the region's `margin_rate` stands for it",
    "updated_at": "when the row was last changed; the latest one counts",
    "line_item_id": "the item, where a row is a part of an order: rows of an order then add up",
    "total": "what was paid, with tax and shipping", "refunded_total": "what was given back, with tax and shipping",
}  # fmt: skip
_INTRODUCTION = """# What to land, and how it is read

Written by `make docs` from the registry of known exports; edit `operations/landed_files/document.py` or the presets.

Land a file as the tool wrote it: cost in `<region>/spend/<platform>/`, orders in `<region>/ledger/`, the ECB's rates as
`fx/eurofxref-hist.csv`. `romi check FILE` says how it is understood before anything is loaded, and `romi init` writes a
`romi.yaml` for what it finds in a landing zone.

- **Kinds**: csv, tsv, txt (each also as `.gz` or `.zst`), xlsx, JSON lines and arrays, Parquet.
- **Text**: UTF-8 with or without a BOM, UTF-16 with one, else `encoding:`; `,` `;` tab or `|`, found in the header.
- **Names of columns** are compared ignoring case, blanks, `_`, `-` and a currency in brackets, which is the currency.
- **Nothing**: an empty cell, `NULL`, `\\N`, `nan`, `None`, `N/A`, `NA`, `-`, `--`. An odd optional cell is nothing.
- **Numbers** may be grouped. One that can be read two ways, as `1,234`, is refused unless `decimal:` says how; so is
  `1.250` where every point of the column stands before three digits and smaller amounts have none.
- **Dates** are ISO 8601, have the month's English name, or count from 1970; others need `date_format:`, as in strptime.
- **A refused row** is money that is missing: it counts against its day, which is withheld where too much is missing.
- **Cost**: rows of a file add up by day and campaign, equal rows once; of rows that a connector read again the last one
  stands. The files of one folder below the platform's are one delivery. A later delivery, in the order of names as
  people count, replaces an earlier one by platform, account, day and campaign.
- **A file that is gone** from the landing zone keeps its rows; `romi files forget NAME` takes them out.

## Bring your own

```yaml
sources:
  spend/my_dsp:
    columns: {date: Tag, campaign_name: Kampagne, spend: Kosten}   # ours: theirs
    decimal: ","              # or "."
    date_format: "%d.%m.%Y"
    encoding: cp1252          # where it is not UTF-8
    currency: EUR             # where no column has it
    skip_rows: 2              # lines above the header
    sheet: Costs              # of a workbook
  ledger:
    preset: shopify_orders    # where the header alone does not tell
    status: {versendet: completed}
```
"""


def as_markdown() -> str:
    """The document."""
    lines = [_INTRODUCTION]
    for kind, title in (("spend", "Plain file of cost"), ("ledger", "Plain file of orders")):
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
        lines.append(f"Read only where `preset: {one.name}` names it: {one.only_if_named}")
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
