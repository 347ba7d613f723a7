"""Meta Ads, the rows of its Insights API by campaign, ad set or ad."""

from ingestion.sources.presets import Preset

PRESET = Preset(
    name="meta_ads_api",
    kind="spend",
    tool="Meta Ads (Insights API)",
    export="Insights at level campaign, adset or ad with time_increment=1 and the fields account_currency, campaign_id,"
    " campaign_name, impressions, clicks and spend.",
    documented_at="https://developers.facebook.com/docs/marketing-api/reference/ads-insights/",
    platforms=("meta_ads",),
    signature=("date_start", "date_stop", "spend"),
    columns={
        "date": "date_start",
        "date_until": "date_stop",
        "campaign_id": "campaign_id",
        "campaign_name": "campaign_name",
        "impressions": "impressions",
        "clicks": "clicks",
        "spend": "spend",
        "currency": "account_currency",
        "account": "account_id",
    },
    decimal=".",
    notes="A row for more than one day (without time_increment=1) is refused.",
    sample="account_id,account_currency,campaign_id,campaign_name,adset_id,date_start,date_stop,impressions,clicks,"
    "spend\n"
    "901,USD,120210987654321098,Spring,120210987654321111,2026-03-01,2026-03-01,100,7,12.34\n"
    "901,USD,120210987654321098,Spring,120210987654321112,2026-03-01,2026-03-01,50,3,0.66\n",
    gives=(
        ("2026-03-01", "120210987654321098", "Spring", 100, 7, "12.34", "USD"),
        ("2026-03-01", "120210987654321098", "Spring", 50, 3, "0.66", "USD"),
    ),
)
