"""Meta Ads, insights as Airbyte lands them."""

from ingestion.sources.presets import Preset
from ingestion.sources.presets.meta_ads_api import PRESET as API

PRESET = Preset(
    name="meta_ads_airbyte",
    kind="spend",
    tool="Meta Ads (Airbyte)",
    export="Airbyte's stream `ads_insights` (one row an ad and day), or custom insights by campaign or ad set.",
    documented_at="https://docs.airbyte.com/integrations/sources/facebook-marketing",
    platforms=("meta_ads",),
    signature=("_airbyte_extracted_at", "date_start", "date_stop", "spend"),
    columns=API.columns,
    decimal=".",
    notes="Airbyte reads the last 28 days again and again; of a row that it read more than once the last stands.",
    sample="_airbyte_raw_id,_airbyte_extracted_at,account_id,account_currency,campaign_id,campaign_name,ad_id,date_start,"
    "date_stop,impressions,clicks,spend\n"
    "r1,2026-03-02 01:00:00,901,EUR,77,Spring,1,2026-03-01,2026-03-01,100,7,12.34\n"
    "r2,2026-03-03 01:00:00,901,EUR,77,Spring,1,2026-03-01,2026-03-01,110,7,12.50\n"
    "r3,2026-03-02 01:00:00,901,EUR,77,Spring,2,2026-03-01,2026-03-01,50,3,0.66\n",
    gives=(
        ("2026-03-01", "77", "Spring", 110, 7, "12.50", "EUR"),
        ("2026-03-01", "77", "Spring", 50, 3, "0.66", "EUR"),
    ),
)
