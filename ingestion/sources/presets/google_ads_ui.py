"""Google Ads, a report downloaded from its pages."""

from ingestion.sources.presets import Preset

PRESET = Preset(
    name="google_ads_ui",
    kind="spend",
    tool="Google Ads (download)",
    export="Campaigns > Download, or the report editor, by Day, with Campaign, Campaign ID, Currency code, Cost,"
    " Impr. and Clicks, in English, as CSV or XLSX.",
    documented_at="https://support.google.com/google-ads/answer/2375392",
    platforms=("google_ads",),
    signature=("Day", "Cost", "Impr."),
    columns={
        "date": "Day",
        "campaign_id": "Campaign ID",
        "campaign_name": "Campaign",
        "impressions": "Impr.",
        "clicks": "Clicks",
        "spend": "Cost",
        "currency": ("Currency code", "Currency"),
        "account": ("Customer ID", "Account"),
    },
    has_titles=True,
    notes='The lines above the header and those that begin with "Total" are left out. Numbers follow the account\'s'
    " language; where an amount can be read two ways, `decimal:` says how.",
    sample='Campaign report\n"March 1, 2026 - March 31, 2026"\n'
    "Day,Campaign,Campaign ID,Currency code,Cost,Impr.,Clicks\n"
    '2026-03-02,Brand,21047586932,EUR,"1,234.56","12,000",300\n'
    "2026-03-03,Brand,21047586932,EUR,7.10, --,0\n"
    'Total: Campaigns, --, --,EUR,"1,241.66","12,000",300\n'
    'Total: Account, --, --,EUR,"1,241.66","12,000",300\n',
    gives=(
        ("2026-03-02", "21047586932", "Brand", 12000, 300, "1234.56", "EUR"),
        ("2026-03-03", "21047586932", "Brand", None, 0, "7.10", "EUR"),
    ),
)
