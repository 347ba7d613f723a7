"""Meta Ads, a table exported from Ads Manager."""

from dataclasses import replace

from ingestion.sources.presets import Preset

_BY_RANGE = Preset(
    name="meta_ads_ui",
    kind="spend",
    tool="Meta Ads Manager (export)",
    export="Ads Manager > Breakdown > By time > Day, with Campaign name, Campaign ID, Amount spent, Impressions and"
    " Link clicks; export table data as CSV or XLSX.",
    documented_at="https://www.facebook.com/business/help/205067636197240",
    platforms=("meta_ads",),
    signature=("Reporting starts", "Reporting ends", "Amount spent"),
    lacks=("Day",),
    columns={
        "date": "Reporting starts",
        "date_until": "Reporting ends",
        "campaign_id": "Campaign ID",
        "campaign_name": "Campaign name",
        "impressions": "Impressions",
        "clicks": ("Link clicks", "Clicks (all)"),
        "spend": "Amount spent",
        "currency": "Currency",
        "account": ("Account ID", "Account name"),
    },
    has_summary=True,
    notes="The currency stands in the header, as in Amount spent (EUR). A row for more than one day is refused: break"
    " the table down by day. The summary row, which names no campaign, is left out.",
    sample="Reporting starts,Reporting ends,Campaign name,Ad set name,Amount spent (EUR),Impressions,Link clicks\n"
    "2026-03-02,2026-03-02,Spring,Set A,42.18,4210,86\n"
    "2026-03-02,2026-03-02,Spring,Set B,0.82,90,\n",
    gives=(
        ("2026-03-02", "Spring", "Spring", 4210, 86, "42.18", "EUR"),
        ("2026-03-02", "Spring", "Spring", 90, None, "0.82", "EUR"),
    ),
)
# With a column for the day the others may tell the range of the whole report.
_BY_DAY = replace(
    _BY_RANGE,
    name="meta_ads_ui_day",
    tool="Meta Ads Manager (export with the column Day)",
    signature=("Day", "Amount spent"),
    lacks=(),
    columns={name: theirs for name, theirs in _BY_RANGE.columns.items() if name != "date_until"} | {"date": "Day"},
    notes="The currency stands in the header, as in Amount spent (EUR). A row is for its Day, whatever Reporting starts"
    " and Reporting ends say of the report. The summary row, which names no campaign, is left out.",
    sample="Campaign name,Day,Amount spent (EUR),Impressions,Link clicks,Reporting starts,Reporting ends\n"
    "Spring,2026-03-02,42.18,4210,86,2026-03-01,2026-03-31\n"
    "Spring,2026-03-03,0.82,90,,2026-03-01,2026-03-31\n",
    gives=(
        ("2026-03-02", "Spring", "Spring", 4210, 86, "42.18", "EUR"),
        ("2026-03-03", "Spring", "Spring", 90, None, "0.82", "EUR"),
    ),
)
PRESETS = (_BY_RANGE, _BY_DAY)
