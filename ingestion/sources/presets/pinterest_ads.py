"""Pinterest Ads: a report of Ads Manager, and the rows of its analytics API."""

from ingestion.sources.presets import Preset

PRESETS = (
    Preset(
        name="pinterest_ads_ui",
        kind="spend",
        tool="Pinterest Ads Manager (export)",
        export="Ads Manager > Reporting > a custom report at campaign level, granularity Day, with Spend in account"
        " currency, Impressions and Pin clicks, as CSV.",
        documented_at="https://help.pinterest.com/en/business/article/metrics-definitions",
        platforms=("pinterest_ads", "pinterest"),
        signature=("Date", "Spend in account currency"),
        columns={
            "date": "Date",
            "campaign_id": "Campaign ID",
            "campaign_name": "Campaign name",
            "impressions": "Impressions",
            "clicks": ("Outbound clicks", "Pin clicks", "Clicks"),
            "spend": "Spend in account currency",
            "currency": ("Currency", "Account currency"),
            "account": "Ad account ID",
        },
        notes="The report has no currency, so `currency:` has to say it.",
        sample="Date,Campaign ID,Campaign name,Spend in account currency,Impressions,Pin clicks\n"
        "2026-03-02,626735565838,Pins,7.05,1200,5\n",
        sample_currency="EUR",
        gives=(("2026-03-02", "626735565838", "Pins", 1200, 5, "7.05", "EUR"),),
    ),
    Preset(
        name="pinterest_ads_api",
        kind="spend",
        tool="Pinterest Ads (API)",
        export="Campaign analytics of API v5, granularity DAY, with DATE, CAMPAIGN_ID, CAMPAIGN_NAME,"
        " SPEND_IN_MICRO_DOLLAR, IMPRESSION_1 and CLICKTHROUGH_1; or Fivetran's CAMPAIGN_REPORT.",
        documented_at="https://developers.pinterest.com/docs/api/v5/campaigns-analytics/",
        platforms=("pinterest_ads", "pinterest"),
        signature=("DATE", "SPEND_IN_MICRO_DOLLAR"),
        columns={
            "date": "DATE",
            "campaign_id": "CAMPAIGN_ID",
            "campaign_name": "CAMPAIGN_NAME",
            "impressions": "IMPRESSION_1",
            "clicks": "CLICKTHROUGH_1",
            "cost_micros": "SPEND_IN_MICRO_DOLLAR",
            "currency": "CURRENCY",
            "account": ("AD_ACCOUNT_ID", "ADVERTISER_ID"),
        },
        decimal=".",
        notes="Cost is in millionths of the account's currency, whatever its name says; `currency:` has to say which.",
        sample='[{"DATE": "2026-03-02", "CAMPAIGN_ID": 626735565838, "SPEND_IN_MICRO_DOLLAR": 7050000.0,'
        ' "IMPRESSION_1": 1200, "CLICKTHROUGH_1": 5}]\n',
        sample_suffix="json",
        sample_currency="EUR",
        gives=(("2026-03-02", "626735565838", None, 1200, 5, "7.05", "EUR"),),
    ),
)
