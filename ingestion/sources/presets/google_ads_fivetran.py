"""Google Ads, statistics tables as Fivetran lands them."""

from ingestion.sources.presets import Preset

PRESET = Preset(
    name="google_ads_fivetran",
    kind="spend",
    tool="Google Ads (Fivetran)",
    export="Fivetran's table CAMPAIGN_STATS (or AD_GROUP_STATS, AD_STATS) as it is.",
    documented_at="https://fivetran.com/docs/connectors/applications/google-ads",
    platforms=("google_ads",),
    signature=("customer_id", "date", "_fivetran_id", "cost_micros"),
    columns={
        "date": "date",
        "campaign_id": ("campaign_id", "id"),
        "impressions": "impressions",
        "clicks": "clicks",
        "cost_micros": "cost_micros",
        "currency": "currency_code",
        "account": "customer_id",
    },
    decimal=".",
    notes="Rows by device and network add up. The tables have no currency, so `currency:` has to say it, and no name.",
    sample="customer_id,date,_fivetran_id,id,cost_micros,impressions,clicks,device,ad_network_type,_fivetran_synced\n"
    "9,2026-03-02,f1,21047586932,12340000,100,3,MOBILE,SEARCH,2026-03-03 01:00:00\n"
    "9,2026-03-02,f2,21047586932,1000000,10,1,DESKTOP,SEARCH,2026-03-03 01:00:00\n",
    sample_currency="EUR",
    gives=(
        ("2026-03-02", "21047586932", None, 100, 3, "12.34", "EUR"),
        ("2026-03-02", "21047586932", None, 10, 1, "1.00", "EUR"),
    ),
)
