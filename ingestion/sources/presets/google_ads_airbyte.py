"""Google Ads, a campaign stream as Airbyte lands it."""

from ingestion.sources.presets import Preset

PRESET = Preset(
    name="google_ads_airbyte",
    kind="spend",
    tool="Google Ads (Airbyte)",
    export="Airbyte's stream `campaign` (or a finer one, or a query of your own) with the account's currency.",
    documented_at="https://docs.airbyte.com/integrations/sources/google-ads",
    platforms=("google_ads",),
    signature=("segments_date", "metrics_cost_micros"),
    columns={
        "date": "segments_date",
        "campaign_id": "campaign_id",
        "campaign_name": "campaign_name",
        "impressions": "metrics_impressions",
        "clicks": "metrics_clicks",
        "cost_micros": "metrics_cost_micros",
        "currency": "customer_currency_code",
        "account": "customer_id",
    },
    decimal=".",
    notes="The stream has a row for each hour; they add up. Of a row that was extracted again the last stands.",
    sample="_airbyte_raw_id,_airbyte_extracted_at,segments_date,segments_hour,customer_currency_code,customer_id,"
    "campaign_id,campaign_name,metrics_impressions,metrics_clicks,metrics_cost_micros\n"
    "a1,2026-03-03T01:00:00Z,2026-03-02,8,EUR,9,21047586932,Brand,100,3,12340000\n"
    "b1,2026-03-04T01:00:00Z,2026-03-02,8,EUR,9,21047586932,Brand,100,4,12350000\n"
    "a2,2026-03-03T01:00:00Z,2026-03-02,9,EUR,9,21047586932,Brand,50,1,1000000\n",
    gives=(
        ("2026-03-02", "21047586932", "Brand", 100, 4, "12.35", "EUR"),
        ("2026-03-02", "21047586932", "Brand", 50, 1, "1.00", "EUR"),
    ),
)
