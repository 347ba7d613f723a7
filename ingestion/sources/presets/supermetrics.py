"""Supermetrics, a report of any advertising platform by day and campaign."""

from ingestion.sources.presets import Preset

PRESET = Preset(
    name="supermetrics",
    kind="spend",
    tool="Supermetrics",
    export="Date, Campaign ID, Campaign name, Cost, Currency, Impressions and Clicks (for Meta Link clicks).",
    documented_at="https://supermetrics.com/docs/product-fields-and-metrics",
    signature=("Date", "Campaign name", "Cost"),
    columns={
        "date": "Date",
        "campaign_id": "Campaign ID",
        "campaign_name": "Campaign name",
        "impressions": "Impressions",
        "clicks": ("Link clicks", "Clicks"),
        "spend": "Cost",
        "currency": ("Currency", "Account currency", "Currency code"),
        "account": ("Account ID", "Account"),
    },
    sample="Date,Campaign ID,Campaign name,Cost,Currency,Impressions,Clicks\n2026-03-02,77,Spring,42.18,EUR,4210,86\n",
    gives=(("2026-03-02", "77", "Spring", 4210, 86, "42.18", "EUR"),),
)
