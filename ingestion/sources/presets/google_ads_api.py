"""Google Ads, rows of its API (GAQL) under the API's own names."""

from ingestion.sources.presets import Preset

PRESET = Preset(
    name="google_ads_api",
    kind="spend",
    tool="Google Ads (API)",
    export="A GAQL query of `campaign` (or anything finer) with segments.date, customer.currency_code, campaign.id,"
    " campaign.name, metrics.impressions, metrics.clicks and metrics.cost_micros; as CSV, JSON or Parquet.",
    documented_at="https://developers.google.com/google-ads/api/fields/latest/campaign",
    platforms=("google_ads",),
    signature=("segments.date", "metrics.cost_micros"),
    columns={
        "date": "segments.date",
        "campaign_id": "campaign.id",
        "campaign_name": "campaign.name",
        "impressions": "metrics.impressions",
        "clicks": "metrics.clicks",
        "cost_micros": "metrics.cost_micros",
        "currency": "customer.currency_code",
        "account": "customer.id",
    },
    decimal=".",
    notes="Cost is in millionths of the account's currency; days are those of the account's time zone.",
    sample="segments.date,segments.hour,customer.currency_code,campaign.id,campaign.name,metrics.impressions,"
    "metrics.clicks,metrics.cost_micros\n"
    "2026-03-01,8,EUR,21047586932,Brand,100,7,12345678\n"
    "2026-03-01,9,EUR,21047586932,Brand,50,3,1004322\n"
    "--,,EUR,,Total,150,10,13350000\n",
    gives=(
        ("2026-03-01", "21047586932", "Brand", 100, 7, "12.345678", "EUR"),
        ("2026-03-01", "21047586932", "Brand", 50, 3, "1.004322", "EUR"),
    ),
)
