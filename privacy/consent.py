"""What an event says of consent: Segment's, OneTrust's and Google's categories, RudderStack's lists of ids.

An event that states a preference and says nothing of analytics means no; one that states nothing leaves it to the
region. Where several names of one purpose are stated, all of them have to say yes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

_PREFERENCES = "categoryPreferences"
_WORDS = {"granted": True, "denied": False}  # Google Consent Mode
_CHOICES = {":1": True, ":0": False}
# The level between, as banners call it, and what they call a list of those that were not chosen.
_LEVELS = {"categories", "preferences", "purposes", "groups", "choices", "consents", "accepted", "allowed", "granted",
           "acceptedcategories"}  # fmt: skip
_REFUSED = {"rejected", "denied", "refused", "rejectedcategories"}
_BEFORE, _AFTER = "default", "update"  # Google Consent Mode's two calls: the second takes the first's place
_DEEPEST = 3
_MANAGED = {"allowedConsentIds": True, "deniedConsentIds": False}
# Global Privacy Control, as trackers pass on what the browser or its header says.
_SIGNALS = ("gpc", "globalPrivacyControl", "global_privacy_control", "sec_gpc", "Sec-GPC")


class UnreadableConsentError(ValueError):
    """`field` states something that is neither yes nor no."""

    def __init__(self, field: str) -> None:
        self.field = field
        super().__init__(field)


def stated(consent: Any, management: Any, names: tuple[str, ...]) -> bool | None:
    """Whether consent is given for the purpose that goes by `names`; None where the event states no preference.

    Args:
        consent: the event's ``context.consent``.
        management: its ``context.consentManagement``, RudderStack's.

    Raises:
        UnreadableConsentError: one of them is no object, or says something else than yes or no under one of `names`.
    """
    known = _by_folded(names)
    choices = [*_categories(consent, known), *_managed(management)]
    if not choices:
        return None
    said = set()
    for path, category, value in choices:
        name = known.get(category.strip().casefold())
        verdict = _verdict(value) if name else None
        if verdict is None and name and value not in (None, ""):
            raise UnreadableConsentError(path + name)
        said.add(verdict)
    return said - {None} == {True}


@lru_cache(maxsize=16)
def _by_folded(names: tuple[str, ...]) -> dict[str, str]:
    return {name.casefold(): name for name in names}


def advertising(context: dict[str, Any], names: tuple[str, ...]) -> bool | None:
    """As :func:`stated`, for advertising: Global Privacy Control means no, whatever else is stated."""
    if any(context.get(name) in (True, 1, "1", "true") for name in _SIGNALS):
        return False
    return stated(context.get("consent"), context.get("consentManagement"), names)


def _verdict(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return _WORDS.get(value.strip().casefold()) if isinstance(value, str) else None


def _categories(consent: Any, known: Mapping[str, str]) -> Iterator[tuple[str, str, Any]]:
    """(path, category, what is said of it); an empty name for a preference that names no category."""
    if consent is None or consent == "":
        return
    if not isinstance(consent, dict):
        raise UnreadableConsentError("context.consent")
    path, preferences = f"context.consent.{_PREFERENCES}.", consent.get(_PREFERENCES)
    beside = _beside(consent, known)
    if preferences is None or preferences == "":
        # Google Consent Mode's object as it is, or another one without the level in between or with one of its own.
        if not beside:
            return
        path, preferences = "context.consent.", {}
    # As OneTrust keeps its groups: ",C0001,C0002," those that are active, "C0001:1,C0002:0" each with its choice.
    if isinstance(preferences, str) and ("," in preferences or preferences[-2:] in _CHOICES):
        preferences = preferences.split(",")
    if isinstance(preferences, list):
        choices = [_chosen(one) for one in preferences if isinstance(one, str)]
    elif isinstance(preferences, dict):
        choices = list(preferences.items())
    else:
        raise UnreadableConsentError(path.removesuffix("."))
    yield path, "", None
    for category, value in choices:
        yield path, category, value
    yield from beside


def _beside(
    consent: dict[str, Any], known: Mapping[str, str], path: str = "context.consent.", depth: int = 0
) -> list[tuple[str, str, Any]]:
    """What else the object states, in itself and below, under the names that banners have for it.

    Beside others, such as the banner's version, what goes by a known name is a preference even if unreadable. Under a
    name of nobody's, such as that of the banner, only Google's words and what goes by a known name are one.
    """
    found: list[tuple[str, str, Any]] = []
    for key, one in consent.items():
        name, below = key.strip().casefold(), f"{path}{key}."
        if (key == _PREFERENCES and not depth) or one in (None, "") or (name == _BEFORE and _AFTER in consent):
            continue
        if isinstance(one, dict) and name in _LEVELS:
            found += [(below, "", None), *((below, category, value) for category, value in one.items())]
        elif isinstance(one, list) and (name in _LEVELS or name in _REFUSED):
            chosen = [_chosen(group) for group in one if isinstance(group, str)]
            found += [(below, "", None), *((below, group, is_yes and name not in _REFUSED) for group, is_yes in chosen)]
        elif name in known or (_verdict(one) is not None and not (depth and isinstance(one, bool))):
            found.append((path, key, one))
        elif isinstance(one, dict) and depth < _DEEPEST:
            found += _beside(one, known, below, depth + 1)
    return found


def _chosen(group: str) -> tuple[str, bool]:
    """A listed group and whether it was chosen: ``C0002``, or ``C0002:1``."""
    stripped = group.strip()
    choice = _CHOICES.get(stripped[-2:])
    return (stripped, True) if choice is None else (stripped[:-2], choice)


def _managed(management: Any) -> Iterator[tuple[str, str, Any]]:
    if management is None or management == "":
        return
    if not isinstance(management, dict):
        raise UnreadableConsentError("context.consentManagement")
    for key, verdict in _MANAGED.items():
        ids = management.get(key)
        if ids is None or ids == "":
            continue
        if not isinstance(ids, list | dict):
            raise UnreadableConsentError(f"context.consentManagement.{key}")
        yield f"context.consentManagement.{key}.", "", None
        # Ketch and iubenda name purposes by key.
        for one in ids:
            yield f"context.consentManagement.{key}.", str(one), verdict
