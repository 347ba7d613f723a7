"""What of the configuration decides how a record of an event is read."""

from __future__ import annotations

from dataclasses import dataclass, field

from settings import Consent, Settings


@dataclass(frozen=True)
class Reading:
    """The same for all topics of a region."""

    currency: str | None = None  # of an order that names none
    reporting_currency: str = "EUR"
    consent: Consent = field(default_factory=Consent)

    @classmethod
    def of(cls, settings: Settings, region: str) -> Reading:
        """As a region's records are read.

        Raises:
            UnknownValueError: the configuration knows no such region.
        """
        return cls(settings.region(region).currency, settings.reporting_currency, settings.consent)


DEFAULTS = Reading()
