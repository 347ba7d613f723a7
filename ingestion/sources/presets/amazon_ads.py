"""Amazon Ads: a campaign report of its console, and of its reporting API."""

from ingestion.sources.presets import Preset

PRESETS = (
    Preset(
        name="amazon_ads_ui",
        kind="spend",
        tool="Amazon Ads (console report)",
        export="Measurement & reporting > Sponsored ads reports > Campaign, time unit Daily, as CSV or XLSX.",
        documented_at="https://advertising.amazon.com/help/G2ZTTAZ6P8UQDYZ9",
        platforms=("amazon_ads",),
        signature=("Portfolio name", "Campaign Name", "Spend"),
        columns={
            "date": ("Date", "Start Date"),
            "date_until": "End Date",
            "campaign_id": "Campaign ID",
            "campaign_name": "Campaign Name",
            "impressions": "Impressions",
            "clicks": "Clicks",
            "spend": "Spend",
            "currency": "Currency",
        },
        notes="A summary, whose rows have Start Date and End Date, is refused: ask for the time unit Daily.",
        sample="Date,Portfolio name,Currency,Campaign Name,Country,Impressions,Clicks,Spend,14 Day Total Sales\n"
        '"Mar 02, 2026",No Portfolio,EUR,Mugs,Germany,1200,5,"€1,207.05",€99.00\n',
        gives=(("2026-03-02", "Mugs", "Mugs", 1200, 5, "1207.05", "EUR"),),
    ),
    Preset(
        name="amazon_ads_api",
        kind="spend",
        tool="Amazon Ads (API)",
        export="A campaign report of the reporting API v3 (spCampaigns, sbCampaigns, sdCampaigns), timeUnit DAILY, with"
        " date, campaignId, campaignName, impressions, clicks, cost and campaignBudgetCurrencyCode.",
        documented_at="https://advertising.amazon.com/API/docs/en-us/guides/reporting/v3/report-types/campaign",
        platforms=("amazon_ads",),
        signature=("date", "campaignId", "cost", "campaignBudgetCurrencyCode"),
        columns={
            "date": "date",
            "campaign_id": "campaignId",
            "campaign_name": "campaignName",
            "impressions": "impressions",
            "clicks": "clicks",
            "spend": "cost",
            "currency": "campaignBudgetCurrencyCode",
        },
        decimal=".",
        sample='[{"date": "2026-03-02", "campaignId": 158410630682987, "campaignName": "Mugs", "impressions": 1200,'
        ' "clicks": 5, "cost": 7.05, "campaignBudgetCurrencyCode": "EUR"}]\n',
        sample_suffix="json",
        gives=(("2026-03-02", "158410630682987", "Mugs", 1200, 5, "7.05", "EUR"),),
    ),
)
