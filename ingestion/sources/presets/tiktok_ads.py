"""TikTok Ads: a report of Ads Manager, and the rows of its reporting API, flat or as JSON."""

from ingestion.sources.presets import Preset

_API = "https://business-api.tiktok.com/portal/docs?id=1751443967255553"

PRESETS = (
    Preset(
        name="tiktok_ads_ui",
        kind="spend",
        tool="TikTok Ads Manager (export)",
        export="Ads Manager > Reporting, with the dimensions By Day and Campaign ID and the metrics Cost, Impressions"
        " and Clicks; export as CSV or XLSX.",
        documented_at="https://ads.tiktok.com/help/article/custom-reports",
        platforms=("tiktok_ads",),
        signature=("By Day", "Cost"),
        columns={
            "date": "By Day",
            "campaign_id": "Campaign ID",
            "campaign_name": "Campaign name",
            "impressions": "Impressions",
            "clicks": ("Clicks (Destination)", "Clicks (all)", "Clicks"),
            "spend": "Cost",
            "currency": "Currency",
            "account": "Account ID",
        },
        notes='The line "Total of … results" is left out.',
        sample="Campaign name,Campaign ID,By Day,Cost,Impressions,Clicks (Destination),Currency\n"
        "Dance,1790000000000000001,2026-03-02,5.00,100,3,EUR\nTotal of 1 results,-,-,5.00,100,3,EUR\n",
        gives=(("2026-03-02", "1790000000000000001", "Dance", 100, 3, "5.00", "EUR"),),
    ),
    Preset(
        name="tiktok_ads_api",
        kind="spend",
        tool="TikTok Ads (API)",
        export="The integrated report with the dimensions campaign_id and stat_time_day (or finer ones) and the metrics"
        " spend, impressions, clicks, campaign_name and currency, as a table.",
        documented_at=_API,
        platforms=("tiktok_ads",),
        signature=("stat_time_day", "spend"),
        columns={
            "date": "stat_time_day",
            "campaign_id": "campaign_id",
            "campaign_name": "campaign_name",
            "impressions": "impressions",
            "clicks": "clicks",
            "spend": "spend",
            "currency": "currency",
            "account": "advertiser_id",
        },
        decimal=".",
        notes="Without the metric `currency` the configuration has to say it.",
        sample="stat_time_day,campaign_id,campaign_name,impressions,clicks,spend\n"
        "2026-03-02 00:00:00,1790000000000000001,Dance,100,3,5.00\n",
        sample_currency="EUR",
        gives=(("2026-03-02", "1790000000000000001", "Dance", 100, 3, "5.00", "EUR"),),
    ),
    Preset(
        name="tiktok_ads_api_json",
        kind="spend",
        tool="TikTok Ads (API, as it answers)",
        export="The same report as the API answers it, in JSON.",
        documented_at=_API,
        platforms=("tiktok_ads",),
        signature=("dimensions.stat_time_day", "metrics.spend"),
        columns={
            "date": "dimensions.stat_time_day",
            "campaign_id": ("dimensions.campaign_id", "metrics.campaign_id"),
            "campaign_name": "metrics.campaign_name",
            "impressions": "metrics.impressions",
            "clicks": "metrics.clicks",
            "spend": "metrics.spend",
            "currency": "metrics.currency",
            "account": "dimensions.advertiser_id",
        },
        decimal=".",
        sample='{"code": 0, "message": "OK", "data": {"list": [{"dimensions": {"stat_time_day": "2026-03-02 00:00:00",'
        ' "campaign_id": 1790000000000000001}, "metrics": {"campaign_name": "Dance", "spend": "5.00",'
        ' "impressions": "100", "clicks": "3", "currency": "EUR"}}], "page_info": {"page": 1}}}\n',
        sample_suffix="json",
        gives=(("2026-03-02", "1790000000000000001", "Dance", 100, 3, "5.00", "EUR"),),
    ),
)
