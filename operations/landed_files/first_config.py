"""Look at a landing zone and write a commented ``romi.yaml``: what could be told of it, and what could not."""

from __future__ import annotations

from collections.abc import Iterator

from ingestion import landing
from ingestion.landing import Landed
from ingestion.load_tables import source_name
from ingestion.sources.tabular.grids import UnreadableTableError
from ingestion.sources.tabular.table import Table, read_table
from settings import Settings, Source

_HEAD = """# Written by `romi init` from what lies in {landing}.
# Every key is optional; docs/configuration.md has them all.
landing: {landing}
reporting_currency: {currency}

regions:
"""


def first_config(settings: Settings) -> str:
    """The text of a configuration for the landing zone.

    Raises:
        UsageError: there is no landing zone, or it has no region's folder.
    """
    regions = landing.regions(settings)
    found = {region: landing.discover(settings, region) for region in regions}
    read = {(region, one.name): _looked_at(one) for region in regions for one in found[region]
            if one.kind in ("spend", "ledger")}  # fmt: skip
    currencies = [code for table in read.values() if isinstance(table, Table) for code in _currencies(table)]
    currency = max(sorted(set(currencies)), key=currencies.count, default="EUR")
    text = _HEAD.format(landing=settings.landing, currency=currency)
    for region in regions:
        text += f"  {region}:\n"
        text += "    timezone: UTC  # could not be told from the files: set the shop's, such as Europe/Berlin\n"
        text += "    consent_default: denied  # what no answer to the consent banner means\n"
        text += "    margin_rate: 0.5  # where the ledger gives no cost of goods\n"
    text += "\nsources:\n" + "".join(_sources(regions, found, read))
    strays = [
        f"{region}/{name}: {landing.why_stray(name)}" for region in regions for name in landing.strays(settings, region)
    ]
    if strays:
        text += "\n# Not read:\n" + "".join(f"#   {line}\n" for line in strays)
    return text


def _looked_at(one: Landed) -> Table | str:
    try:
        return read_table(one.path, one.kind, source_name(one), Source())
    except UnreadableTableError as error:
        return error.problem


def _currencies(table: Table) -> list[str]:
    return table.currency().drop_nulls().unique().to_list()


def _sources(
    regions: list[str], found: dict[str, list[Landed]], read: dict[tuple[str, str], Table | str]
) -> Iterator[str]:
    """A commented entry for each source: the presets recognised, or what is missing."""
    by_source: dict[str, list[tuple[str, Table | str]]] = {}
    for region in regions:
        for one in found[region]:
            if (region, one.name) in read:
                by_source.setdefault(source_name(one), []).append((f"{region}/{one.name}", read[region, one.name]))
    if not by_source:
        yield "  {}\n"
        return
    for source, files in sorted(by_source.items()):
        tools = {f"{one.known.preset.tool} ({one.known.preset.name})" for _, one in files if isinstance(one, Table)}
        yield f"  # {source}: {', '.join(sorted(tools)) or 'not recognised'}\n  {source}: {{}}\n"
        for name, table in files:
            if isinstance(table, str):
                yield f"  #   {name}: {table}\n"
