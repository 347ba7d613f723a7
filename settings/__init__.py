"""The whole configuration, frozen; the errors that every room may raise; the clock.

Nothing here reads the environment at import: :func:`load_settings` and :func:`now` do, when they are called.
"""

from settings.attribution import (
    COMMERCE_LOOKALIKES,
    COMMERCE_SPELLINGS,
    OWN_TRACKS,
    Attribution,
    ChannelRule,
    Conversion,
)
from settings.clock import now
from settings.config import OUTWARD, Settings, is_region_name
from settings.errors import PermanentError, RomiError, TransientError, UnknownValueError, UsageError
from settings.experiments import Experiment
from settings.formats import WAREHOUSE_FORMAT
from settings.incidents import Incidents
from settings.loading import load_settings
from settings.section import Section
from settings.sections import Anomalies, Anomaly, Backup, Close, Consent, Privacy, Region, Retention, Slo, Topic
from settings.sources import Source

__all__ = [
    "COMMERCE_LOOKALIKES", "COMMERCE_SPELLINGS", "OUTWARD", "OWN_TRACKS", "WAREHOUSE_FORMAT", "Anomalies", "Anomaly",
    "Attribution", "Backup", "ChannelRule", "Close", "Consent", "Conversion", "Experiment", "Incidents",
    "PermanentError", "Privacy", "Region",
    "Retention", "RomiError", "Section", "Settings", "Slo", "Source", "Topic", "TransientError", "UnknownValueError",
    "UsageError", "is_region_name", "load_settings", "now",
]  # fmt: skip
