"""The plain tables: the columns that stand in docs/sources.md under their own names."""

from ingestion.sources.presets import Preset
from settings.sources import COLUMNS

# A column that tells the items of an order apart: rows that have one add up.
ITEMS = (
    "line_item_id", "line_id", "lineitem_id", "order_line_id", "order_item_id", "item_id", "line_number", "position",
    "sku", "lineitem_sku", "item_sku", "variant_id", "product_id", "lineitem_name", "line_item_name", "item_name",
    "product_name",
)  # fmt: skip
# Where a row says on which day its period ends, so that one for several days is told from one for a day.
UNTIL = (
    "date_until", "date_to", "date_end", "date_stop", "to_date", "end_date", "stop_date", "period_end", "until",
    "reporting_ends", "end_date_(in_utc)", "Berichtsende", "Auswertungsende", "Enddatum", "bis", "Fin des rapports",
    "Date de fin", "Fin del informe", "Fecha de finalización", "Fecha de fin", "Data di fine", "Einde rapportage",
    "Einddatum",
)  # fmt: skip
# What reports call a column of several days.
PERIODS = (
    "week", "month", "quarter", "year", "week_start_date", "month_start_date", "quarter_start_date", "segments.week",
    "segments.month", "segments.quarter", "segments.year", "by_week", "by_month", "Woche", "Monat", "Quartal", "Jahr",
    "Semaine", "Mois", "Trimestre", "Semana", "Mes", "Settimana", "Mese", "Maand", "Kwartaal",
)  # fmt: skip

PRESETS = (
    Preset(
        name="plain_spend",
        kind="spend",
        tool="Any tool",
        export="Write a table with these columns, a row for each campaign and day; finer rows add up.",
        documented_at="docs/sources.md",
        signature=("date", "spend"),
        columns={name: name for name in COLUMNS["spend"]} | {"date_until": UNTIL},
        sample="date,campaign_id,campaign_name,impressions,clicks,spend,currency\n"
        "2026-03-01,7,Brand,1000,12,12.34,EUR\n2026-03-01,8,Generic,,,0.5,eur\n",
        gives=(
            ("2026-03-01", "7", "Brand", 1000, 12, "12.34", "EUR"),
            ("2026-03-01", "8", "Generic", None, None, "0.50", "EUR"),
        ),
    ),
    Preset(
        name="plain_spend_micros",
        kind="spend",
        tool="Any tool",
        export="The same with `cost_micros`, in millionths of the currency's unit, for `spend`.",
        documented_at="docs/sources.md",
        signature=("date", "cost_micros"),
        lacks=("spend",),
        columns={name: name for name in COLUMNS["spend"]} | {"date_until": UNTIL},
        sample="date,campaign_id,cost_micros,currency\n2026-03-01,7,12340000,EUR\n",
        gives=(("2026-03-01", "7", None, None, None, "12.34", "EUR"),),
    ),
    Preset(
        name="plain_ledger",
        kind="ledger",
        tool="Any tool",
        export="Write a table with these columns, a row for each order or for each of its items.",
        documented_at="docs/sources.md",
        signature=("order_id", "ordered_at", "revenue"),
        columns={name: name for name in COLUMNS["ledger"]} | {"line_item_id": ITEMS},
        sample="order_id,ordered_at,status,revenue,refunded,cogs,currency,updated_at\n"
        "A-1,2026-03-01T10:00:00Z,completed,10.50,0,4.00,EUR,2026-03-02T10:00:00Z\n",
        gives=(("a-1", "2026-03-01 10:00:00", "completed", "10.50", "0.00", "4.00", "EUR", "2026-03-02 10:00:00"),),
    ),
)
