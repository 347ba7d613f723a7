"""What to change where a table's columns are not understood."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

import yaml

from ingestion.sources.tabular.headers import Header, bare, in_bracket, is_beginning, normalised, told_currency
from privacy.redaction import redact
from settings import Source

if TYPE_CHECKING:
    from ingestion.sources.presets import Preset

_SHOWN, _CHARACTERS = 40, 60  # columns, and of each
_VALUE = re.compile(r"[-+]?[\d.,/: TZ-]*\d[\d.,/: TZ-]*")
_EXACT_ONLY = ("revenue", "refunded", "status")
_COUNTS = ("orders", "clicks", "conversions")  # how many there were, and nothing that one is known by
_OF_TIME = ("ordered_at", "updated_at", "date")
_TIMES = re.compile(r"date|time|day|tag|datum|fecha|jour|giorno|dag|created|placed|modified|changed")
_TOO_GENERAL = {"amount", "name"}  # Shopify's Name is the order's, elsewhere it is a person's
# What tools call our columns in other languages, and in exports that no preset knows; only a guess is made of them.
_ALSO_CALLED = {
    "date": "day tag datum jour fecha dia día giorno data dag gregoriandate reportdate berichtsstart auswertungsstart"
    " startdatum débutdesrapports datededébut iniciodelinforme fechadeinicio datadiinizio startrapportage nachtag",
    "campaign_id": "kampagnenid iddelacampagne iddelacampaña idcampagna campagneid",
    "campaign_name": "campaign kampagne kampagnenname campagne nomdelacampagne campaña nombredelacampaña campagna"
    " nomecampagna campagnenaam",
    "spend": "cost amountspent totalspent totalspend kosten ausgaben gesamtausgaben ausgegebenerbetrag coût"
    " dépenses montantdépensé coste importegastado"
    " costo spesa importospeso uitgaven",
    "currency": "currencycode währung währungscode devise codedeladevise moneda códigodemoneda valuta codicevaluta",
    "order_id": "ordernumber orderno ordername bestellnummer auftragsnummer belegnummer numérodecommande númerodepedido"
    " bestelnummer",
    "ordered_at": "orderdate bestelldatum auftragsdatum belegdatum datum datedecommande fechadepedido besteldatum",
    "revenue": "netrevenue netsales nettoumsatz nettobetrag netto montantht importeneto",
    "status": "orderstatus bestellstatus auftragsstatus statut statutdelacommande estado stato",
    "updated_at": "lastmodified geändertam aktualisiertam letzteänderung",
}


def missing_columns(
    seen: Sequence[Header], kind: str, source_name: str, source: Source, expected: Preset | None
) -> str:
    """The columns that are missing, those found, the nearest known ones, and the lines of YAML that would map them."""
    from ingestion.sources.presets.plain import PERIODS
    from ingestion.sources.tabular.recognise import REQUIRED, known_names

    if not any(any(header.names) for header in seen):
        return "it is empty: a table has a line of column names, and JSON has records with named fields"
    if seen[0].names[0].lstrip().lower().startswith(("<!doctype", "<html", "<?xml")):
        return (
            "it is a web page or XML and not a table: export it as CSV or XLSX, and look whether a login is asked for"
        )
    if _has_values(seen[0]):
        return (
            f"its first line has values and no column names: put a line of names above it, such as"
            f" {','.join(names[-1] if len(names) == 2 else names[0] for names in REQUIRED[kind])}"
        )
    known = known_names(kind)
    known = {ours: names - _TOO_GENERAL | set(_ALSO_CALLED.get(ours, "").split()) for ours, names in known.items()}
    header = max(seen, key=lambda one: len(_nearest(one, known)) * 100 + min(len(one.names), 99))
    lost = [name for name in source.columns.values() if not header.places(name)]
    missing = lost or [
        " or ".join(names) for names in REQUIRED[kind]
        if not any(header.places(name) for name in names) and not _has(header, expected, names)
        and not (expected and set(names) & set(expected.optional))
    ]  # fmt: skip
    found = ", ".join(_shown(name) for name in header.names[:_SHOWN] if name) or "none"
    is_known = expected is not None and expected.documented_at.startswith("https:")
    what = f" of {expected.tool} ({expected.name})" if expected and is_known else ""
    period = next((name for name in header.names if normalised(name) in map(normalised, PERIODS)), None)
    if period and kind == "spend" and "date" in missing:
        return f"its rows are by {_shown(period)} and not by day: export the report by day"
    theirs = {name: one for name, one in (expected.columns if expected else {}).items() if isinstance(one, str)}
    told = [f"{name} ({theirs[name]})" if theirs.get(name, name) != name else name for name in missing]
    text = f"columns missing{what}: {', '.join(told)}; found: {found}"
    if len(header.names) > _SHOWN:
        text += f" and {len(header.names) - _SHOWN} more"
    alike = "" if expected else _alike(header, kind, source_name)
    return f"{text}; {alike}{_mapping(header, known, kind, source_name, missing)}"


def _has_values(header: Header) -> bool:
    """Whether most of the names are numbers or dates."""
    return sum(bool(_VALUE.fullmatch(name)) for name in header.names) * 2 > len(header.names) - header.names.count("")


def _alike(header: Header, kind: str, source_name: str) -> str:
    """Which export this may be, but for a column or two that were left out of it."""
    from ingestion.sources.presets import presets

    platform = source_name.partition("/")[2]
    likely: list[tuple[float, str, list[str]]] = []
    for one in presets().values():
        lacking = [name for name in one.signature if not header.places(name)]
        is_here = (
            one.kind == kind
            and one.documented_at.startswith("https:")
            and not one.only_if_named
            and (kind == "ledger" or platform in one.platforms)
        )
        if is_here and 3 <= len(one.signature) >= 3 * len(lacking):
            likely.append((len(lacking) / len(one.signature), one.tool, lacking))
    if not likely:
        return ""
    _, tool, lacking = min(likely)
    return f"it looks like {tool} without {' and '.join(lacking)}: export it with that, or "


def _mapping(header: Header, known: dict[str, set[str]], kind: str, source_name: str, missing: list[str]) -> str:
    """The lines of ``romi.yaml`` that would map what is missing, as far as it can be guessed."""
    from ingestion.sources.tabular.recognise import REQUIRED

    nearest = _nearest(header, known)
    columns: dict[str, str] = {}
    lines: dict[str, object] = {}
    for names in REQUIRED[kind]:
        if " or ".join(names) in missing or not set(missing) & {" or ".join(one) for one in REQUIRED[kind]}:
            there = [one for one in names if one in nearest]
            ours = min(there, key=lambda one: bare(nearest[one])[0] not in known[one], default=names[0])
            if len({nearest[one] for one in there}) == 2 and "campaign_id" in names:
                columns |= {one: nearest[one] for one in there}
                continue
            if names == ("currency",) and ours not in nearest:
                column = nearest.get("spend") or nearest.get("revenue", "")
                if not in_bracket(column) and not bare(column)[1]:
                    lines["currency"] = {None: "EUR", "$": "?", "\u00a5": "?"}.get(told := told_currency(column), told)
            else:
                columns[ours] = nearest.get(ours, "?")
    if _has_range_beside(header, columns.get("date", "?")):
        columns["date_until"] = columns["date"]
    if columns:
        lines = {"columns": columns, **lines}
    said = yaml.safe_dump(
        {"sources": {source_name: lines}}, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True
    )
    text = f"say what they are called, in romi.yaml, for example: {said.strip()[1:-1]}"
    if kind == "spend" and columns.get("date") == "?":
        text += "; where no column has the day, export the report by day"
    if columns.get("revenue") == "?":
        text += "; revenue is net of tax and shipping, after discounts"
    return text


def _has_range_beside(header: Header, day: str) -> bool:
    """Whether other columns than that of the day tell from when to when the whole report is."""
    from ingestion.sources.presets.plain import UNTIL

    begins = any(is_beginning(name) for name in header.names if name != day)
    return day != "?" and not is_beginning(day) and begins and any(header.places(name) for name in UNTIL)


def _has(header: Header, expected: Preset | None, names: tuple[str, ...]) -> bool:
    from ingestion.sources.tabular.recognise import _find

    if expected is None:
        return False
    return any(one in expected.columns and _find(header, expected.columns[one]) is not None for one in names)


def _nearest(header: Header, known: dict[str, set[str]]) -> dict[str, str]:
    """For each of our columns the file's column whose name is most like one that is known for it."""
    plain = [name for name in header.names if name and _shown(name) == name]
    without_code = {re.sub(r"[\s_\-]+[A-Za-z]{3}$", "", name): name for name in plain if told_currency(name)}
    by_name = {bare(name)[0]: name for name in plain} | {normalised(name): name for name in plain}
    by_name = {normalised(short): name for short, name in without_code.items()} | by_name
    there = {ours: names & by_name.keys() for ours, names in known.items()}
    found = {ours: by_name[min(names, key=lambda name: (is_beginning(name), name))]
             for ours, names in there.items() if names}  # fmt: skip
    rest = {name: one for name, one in by_name.items() if one not in found.values()}
    for ours, names in known.items():
        # What is nearly called as revenue is may be the tax or the shipping.
        close = [match for name in names for match in get_close_matches(name, rest, 1, 0.75)]
        close = [name for name in close if name not in _COUNTS]
        if ours in _OF_TIME:
            close = [name for name in close if _TIMES.search(name)]
        if ours not in found and ours not in _EXACT_ONLY and close:
            found[ours] = rest[close[0]]
    if "ordered_at" in found:
        found.setdefault("updated_at", found["ordered_at"])  # where nothing says when a row was changed
    return found


def _shown(name: str) -> str:
    """A column's name as a message may quote it: where the header is missing, it is a person's data."""
    return redact(name) if len(name) <= _CHARACTERS else "(too long)"
