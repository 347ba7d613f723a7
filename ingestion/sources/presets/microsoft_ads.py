"""Microsoft Advertising, a campaign performance report of its pages or its API."""

from dataclasses import replace

from ingestion.sources.presets import Preset

_REPORT = Preset(
    name="microsoft_ads",
    kind="spend",
    tool="Microsoft Advertising",
    export="A campaign performance report (or a finer one) by day, with TimePeriod, CampaignId, CampaignName,"
    " Impressions, Clicks, Spend and CurrencyCode, as CSV or XLSX.",
    documented_at="https://learn.microsoft.com/en-us/advertising/reporting-service/campaignperformancereportcolumn",
    platforms=("microsoft_ads",),
    signature=("TimePeriod", "CampaignName", "Spend"),
    columns={
        "date": "TimePeriod",
        "campaign_id": "CampaignId",
        "campaign_name": "CampaignName",
        "impressions": "Impressions",
        "clicks": "Clicks",
        "spend": "Spend",
        "currency": ("CurrencyCode", "Currency"),
        "account": ("AccountId", "AccountNumber", "AccountName"),
    },
    has_titles=True,
    footers=("\u00a9",),
    notes="The lines about the report above the header and the copyright below are left out. Spend is in the account's"
    " currency.",
    sample='"Report Name: campaigns"\n"Report Time: 3/1/2026,3/31/2026"\n"Time Zone: (GMT+01:00) Amsterdam, Berlin"\n\n'
    '"TimePeriod","CampaignId","CampaignName","Impressions","Clicks","Spend","CurrencyCode"\n'
    '"2026-03-02","5","Brand","10","1","3.21","EUR"\n'
    '"2026-03-03","5","Brand","1,210","15","43.21","EUR"\n'
    '"\u00a92026 Microsoft Corporation. All rights reserved. "\n',
    gives=(
        ("2026-03-02", "5", "Brand", 10, 1, "3.21", "EUR"),
        ("2026-03-03", "5", "Brand", 1210, 15, "43.21", "EUR"),
    ),
)
# The same where the day's column has its older name.
_GREGORIAN = replace(
    _REPORT,
    name="microsoft_ads_gregorian_date",
    tool="Microsoft Advertising (with Gregorian date)",
    signature=("GregorianDate", "CampaignName", "Spend"),
    columns=dict(_REPORT.columns) | {"date": "GregorianDate"},
    sample=_REPORT.sample.replace("TimePeriod", "Gregorian date").replace("CampaignName", "Campaign name"),
)
PRESETS = (_REPORT, _GREGORIAN)
