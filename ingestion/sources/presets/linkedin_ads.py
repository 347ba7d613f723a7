"""LinkedIn Ads, a campaign performance report of Campaign Manager."""

from ingestion.sources.presets import Preset

PRESET = Preset(
    name="linkedin_ads_ui",
    kind="spend",
    tool="LinkedIn Campaign Manager (export)",
    export="Campaign Manager > Export > Campaign performance, time breakdown Daily, as CSV.",
    documented_at="https://www.linkedin.com/help/lms/answer/a426534",
    platforms=("linkedin_ads",),
    signature=("Start Date (in UTC)", "Total Spent"),
    columns={
        "date": "Start Date (in UTC)",
        "date_until": "End Date (in UTC)",
        "campaign_id": "Campaign ID",
        "campaign_name": "Campaign Name",
        "impressions": "Impressions",
        "clicks": "Clicks",
        "spend": "Total Spent",
        "currency": "Currency",
        "account": ("Account ID", "Account Name"),
    },
    date_formats=("%m/%d/%Y",),
    has_titles=True,
    has_days=True,
    notes="The file is UTF-16 with tabs, as LinkedIn writes it, and has lines about the report above the header."
    " Dates are month/day/year, in UTC. A report whose rows all begin with it, and that ends later, is"
    " not by day, and is refused.",
    sample="Campaign Performance Report (in UTC)\nReport Start: March 1, 2026\nReport End: March 31, 2026\n\n"
    "Start Date (in UTC)\tAccount Name\tCampaign Name\tCampaign ID\tCurrency\tTotal Spent\tImpressions\tClicks\n"
    '3/2/2026\tShop\tB2B\t345678901\tEUR\t8.00\t10\t1\n3/13/2026\tShop\tB2B\t345678901\tEUR\t"1,208.50"\t"1,010"\t21\n',
    sample_suffix="tsv",
    gives=(
        ("2026-03-02", "345678901", "B2B", 10, 1, "8.00", "EUR"),
        ("2026-03-13", "345678901", "B2B", 1010, 21, "1208.50", "EUR"),
    ),
)
