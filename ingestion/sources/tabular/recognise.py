"""What a table is: by its header a known export, else by the configured columns; or what to change so that it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import polars as pl

from ingestion.sources.presets import Amount, Place, Preset, preset, presets
from ingestion.sources.tabular.advice import missing_columns
from ingestion.sources.tabular.grids import Grid, UnreadableTableError
from ingestion.sources.tabular.headers import Header, in_bracket, is_beginning, normalised
from privacy.redaction import redact
from settings import Source

# Of each kind, the columns of which one at least has to be there.
REQUIRED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "spend": (("date",), ("campaign_id", "campaign_name"), ("spend", "cost_micros"), ("currency",)),
    "ledger": tuple((name,) for name in ("order_id", "ordered_at", "status", "revenue", "currency", "updated_at")),
}


@dataclass(frozen=True)
class Recognised:
    """A header that is understood: where each of our columns stands."""

    grid: Grid
    header: Header
    preset: Preset
    places: Mapping[str, int | Parts]
    currency: str | None  # of all rows, where no column has it
    unread_sheets: tuple[str, ...] = ()  # of the workbook, that have such a table as well

    def place(self, name: str) -> int | None:
        found = self.places.get(name)
        return found if isinstance(found, int) else None


@dataclass(frozen=True)
class Parts:
    """The columns that add up to an amount, and those that are taken off."""

    plus: tuple[int, ...]
    minus: tuple[int, ...]


def recognise(candidates: Iterable[Grid], kind: str, source_name: str, source: Source) -> Recognised:
    """Find the header, and what it says.

    Args:
        kind: ``spend`` or ``ledger``.
        source_name: the key under ``sources:`` in the configuration, such as ``spend/meta_ads``.

    Raises:
        UnreadableTableError: nothing here is understood, or it is an export that belongs elsewhere.
        UnknownValueError: the configured preset does not exist.
    """
    configured = preset(source.preset) if source.preset else None
    seen: list[Header] = []
    below: Grid | None = None  # a known header with something above it
    rest = iter(candidates)
    for grid in rest:
        header = Header(grid.names)
        seen.append(header)
        if source.columns and not header.has(source.columns.values()):
            continue
        found = configured or _best(header, kind, source_name, source)
        if not found:
            continue
        if not (found.has_titles or grid.is_first or source.columns):
            below = below or grid
            continue
        if configured and not (source.columns or header.has(configured.signature)):
            continue
        _check_belongs(found, kind, source_name, configured is not None)
        _check_complete(header, found, source_name, source)
        unread = () if source.sheet else _further_sheets(grid, found, rest)
        if found.prepare:
            grid, header = _prepared(grid, header, found)
        return replace(_placed(grid, header, found, kind, source_name, source), unread_sheets=unread)
    if below:
        raise UnreadableTableError(
            f"the column names stand in line {below.line}, below other text: say so in romi.yaml, for example"
            f" `sources: {{{source_name}: {{skip_rows: {below.line - 1}}}}}`, or remove the lines above them"
        )
    raise UnreadableTableError(missing_columns(seen, kind, source_name, source, configured))


def _further_sheets(chosen: Grid, found: Preset, rest: Iterable[Grid]) -> tuple[str, ...]:
    """The sheets after the chosen one whose header the preset knows, too."""
    if chosen.sheet is None:
        return ()
    others = [one.sheet for one in rest if one.sheet not in (None, chosen.sheet)
              and Header(one.names).has(found.signature)]  # fmt: skip
    return tuple(dict.fromkeys(redact(name) for name in others if name))


def _best(header: Header, kind: str, source_name: str, source: Source) -> Preset | None:
    """Of the presets whose signature the header has, the one that says most; with configured columns the plain one."""
    fitting = [one for one in presets().values() if header.has(one.signature)
               and not any(header.places(name) for name in one.lacks)]  # fmt: skip

    def rank(one: Preset) -> tuple[int, bool, bool]:
        said = sum(bool(_find(header, place)) for place in one.columns.values())
        return said + len(one.signature), one.kind == kind, _is_of(one, source_name)

    best = max(fitting, key=rank, default=None)
    return best or (_plain(kind, source_name) if source.columns else None)


def _plain(kind: str, source_name: str) -> Preset:
    """The plain table; of a platform's folder with the lines that its exports have below or among the rows."""
    others = [one for one in presets().values() if one.kind == kind and source_name.partition("/")[2] in one.platforms]
    return replace(
        presets()[f"plain_{kind}"], has_summary=any(one.has_summary for one in others),
        footers=tuple(dict.fromkeys(footer for one in others for footer in one.footers)),
    )  # fmt: skip


def _is_of(one: Preset, source_name: str) -> bool:
    return not one.platforms or source_name.partition("/")[2] in one.platforms


def _check_belongs(found: Preset, kind: str, source_name: str, is_configured: bool) -> None:
    """An export in the folder of another source is not read; a folder that no preset names takes any of its kind."""
    known = {platform for one in presets().values() for platform in one.platforms}
    is_elsewhere = not _is_of(found, source_name) and source_name.partition("/")[2] in known
    if found.kind == kind and (is_configured or not is_elsewhere):
        if found.only_if_named and not is_configured:
            raise UnreadableTableError(
                f"this is a table of {found.tool}, which cannot be read as net revenue: {found.only_if_named}; export"
                f" one that tells them, or have its amounts taken as they are, in romi.yaml:"
                f" `sources: {{{source_name}: {{preset: {found.name}}}}}`"
            )
        return
    place = "ledger" if found.kind == "ledger" else f"spend/{(found.platforms or ('<platform>',))[0]}"
    override = f", or say `sources: {{{source_name}: {{preset: {found.name}}}}}`" if found.kind == kind else ""
    what = f"{found.tool} ({found.name})"
    raise UnreadableTableError(f"this is a table of {what} in the folder {source_name}: move it to {place}{override}")


def _check_complete(header: Header, found: Preset, source_name: str, source: Source) -> None:
    """An export without a column that its amounts are made of is not read as if that were zero."""
    is_told = "revenue" in source.columns
    needed = [(names,) if isinstance(names, str) else names for names in found.needs if not is_told]
    missing = [" or ".join(names) for names in needed if not any(header.places(name) for name in names)]
    if missing:
        raise UnreadableTableError(
            f"columns missing of {found.tool} ({found.name}): {', '.join(missing)}; without them its amounts cannot be"
            " made net of tax and shipping: export it with them, or say which column has net amounts, in romi.yaml:"
            f" `sources: {{{source_name}: {{columns: {{revenue: ?}}}}}}`"
        )


def _prepared(grid: Grid, header: Header, found: Preset) -> tuple[Grid, Header]:
    """The table as the preset's own function makes it."""
    assert found.prepare
    known = {normalised(name): name for name in (*found.signature, *found.uses)}
    named = {str(place): known.get(normalised(name), name) for place, name in enumerate(header.names)}
    rows = grid.rows().rename(named)
    absent = [pl.lit(None, pl.String).alias(name) for name in found.uses if name not in rows.columns]
    frame = found.prepare(rows.with_columns(absent))
    names = [name for name in frame.columns if name not in ("line", "extra")]
    rows = frame.rename({name: str(place) for place, name in enumerate(names)})
    return replace(grid, names=names, rows=lambda: rows), Header(names)


def _placed(grid: Grid, header: Header, found: Preset, kind: str, source_name: str, source: Source) -> Recognised:
    places: dict[str, int | Parts] = {}
    currency = source.currency
    for ours, theirs in {**found.columns, **source.columns}.items():
        if (place := _find(header, theirs, ours)) is None:
            continue
        places[ours] = place
        is_money = ours in ("spend", "revenue")
        if is_money and isinstance(place, int) and not currency and isinstance(theirs, str | tuple):
            names = (theirs,) if isinstance(theirs, str) else theirs
            name = next(name for name in names if place in header.places(name))
            currency = in_bracket(header.names[place]) if ours in source.columns else header.currency(place, name)
    lacking = [names for names in REQUIRED[kind]
               if not any(name in places for name in names) and not set(names) & set(found.optional)
               and not (names == ("currency",) and currency)]  # fmt: skip
    if lacking == [("currency",)]:
        raise UnreadableTableError(
            f"no column says the currency of {found.tool}'s amounts: say it in romi.yaml, for example"
            f" `sources: {{{source_name}: {{currency: EUR}}}}`"
        )
    if lacking:
        raise UnreadableTableError(missing_columns([header], kind, source_name, source, found))
    _check_period(header, places, found, source_name)
    return Recognised(grid, header, found, places, currency)


def _check_period(header: Header, places: Mapping[str, int | Parts], found: Preset, source_name: str) -> None:
    """Where only the beginning of a row's period is told, it may be of a month."""
    place = places.get("date")
    if "date_until" in places or not isinstance(place, int) or found.has_days:
        return
    if is_beginning(name := header.names[place]):
        raise UnreadableTableError(
            f"{name} tells where a row's period begins, and no column where it ends: export both, or if each row is for"
            f" one day, say so in romi.yaml: `sources: {{{source_name}: {{columns: {{date_until: {name}}}}}}}`"
        )


def _find(header: Header, theirs: Place, ours: str = "") -> int | Parts | None:
    """Where a column of ours stands; None where it does not.

    Raises:
        UnreadableTableError: two columns have its name.
    """
    if isinstance(theirs, Amount):
        plus = [_find(header, name, ours) for name in theirs.plus]
        minus = [_find(header, name, ours) for name in theirs.minus]
        if not all(isinstance(place, int) for place in (*plus, *minus)):
            return None
        return Parts(
            tuple(one for one in plus if isinstance(one, int)), tuple(one for one in minus if isinstance(one, int))
        )
    for name in (theirs,) if isinstance(theirs, str) else theirs:
        found = header.places(name)
        if len(found) > 1 and ours:
            twice = " and ".join(header.names[place] for place in found)
            raise UnreadableTableError(f"two columns could be {ours}: {twice}; remove or rename one of them")
        if found:
            return found[0]
    return None


def known_names(kind: str) -> dict[str, set[str]]:
    """What each of our columns is called in any known export, as headers are compared; parts of amounts are not it."""
    found: dict[str, set[str]] = {}
    for one in presets().values():
        if one.kind == kind and not one.only_if_named:
            for ours, theirs in one.columns.items():
                if not isinstance(theirs, Amount):
                    names = (theirs,) if isinstance(theirs, str) else theirs
                    found.setdefault(ours, set()).update(normalised(name) for name in names)
    return found
