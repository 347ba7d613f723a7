"""What the models are told by a build: the rules of attribution, the window of days, and what is kept."""

from __future__ import annotations

from datetime import date, timedelta
from statistics import NormalDist
from typing import Any

from ingestion.books import region_file
from operations.rebuilding.finality import closed_through, frozen_through, kept_through, sessions_through
from operations.store.held_steps import are_held
from settings import Experiment, Settings


def variables(settings: Settings, region: str, first: date, last: date) -> dict[str, Any]:
    """What a build is told; decimals as text, so that they stay exact."""
    with region_file(settings, region, read_only=True) as con:
        reached = {
            "frozen_through": frozen_through(con),
            "kept_through": kept_through(con),
            "sessions_through": sessions_through(con),
            "closed_through": closed_through(con),
        }
        touched = "select min(touched_from), max(touched_to) from ops.pending_days where day between ? and ?"
        steps_are_held = are_held(con, first, last)
        reached["touched_from"], reached["touched_to"] = con.execute(touched, [first, last]).fetchall()[0]
        has_records = con.execute(
            "select count(*) > 0 from ops.quarantine where archive_id is not null and released_at is null"
        ).fetchall()[0][0]
    return {
        **rule_variables(settings, region),
        "region": region,
        "from_date": first.isoformat(),
        "to_date": last.isoformat(),
        **{name: day.isoformat() if day else "" for name, day in reached.items()},
        "has_quarantined_records": has_records,
        "steps_are_held": steps_are_held,
        "release_model": settings.privacy.release_model,
        "experiments": experiment_variables(settings.experiments_of(region)),
    }


def rule_variables(settings: Settings, region: str) -> dict[str, Any]:
    """The configured rules: a change of one changes what the models that read it make of all days."""
    rules = settings.attribution
    return {
        "timezone": settings.region(region).timezone,
        "reporting_currency": settings.reporting_currency,
        "fx_max_age_days": settings.fx.max_age_days,
        "lookback_days": rules.lookback_days,
        "longest_lookback_days": rules.longest_lookback_days,
        "conversions": [
            {"event": event, "cents": int(one.value * 100), "lookback_days": one.lookback_days or rules.lookback_days}
            for event, one in sorted(rules.conversions.items())
        ],
        "channel_rules": [rule.model_dump() for rule in rules.channel_rules],
        "sources": [{"source": name, "category": category} for name, category in sorted(rules.sources.items())],
        "platforms": [
            {"source": name, "platform": platform.lower()} for name, platform in sorted(rules.platforms.items())
        ],
        "session_timeout_minutes": rules.session_timeout_minutes,
        "time_decay_half_life_days": str(rules.time_decay_half_life_days),
        "lapsed_after_days": rules.lapsed_after_days,
        "customer_days": settings.retention.customer_days,
        "position_weights": [str(weight) for weight in rules.position_weights],
        "internal_domains": list(rules.internal_domains),
        "payment_domains": list(rules.payment_domains),
        "k_anonymity": settings.privacy.k_anonymity,
        "margin_rate": str(settings.region(region).margin_rate),
    }


def experiment_variables(experiments: dict[str, Experiment]) -> list[dict[str, Any]]:
    """The experiments of a region as dbt is told them; names that are compared without case are in lower case."""
    return [
        {
            "name": name,
            "id": (one.id or name).lower(),
            "channel": one.channel,
            "campaign": one.campaign,
            "assignment": one.assignment,
            "from_date": one.first.isoformat(),
            "to_date": one.last.isoformat(),
            "pre_from_date": (one.first - timedelta(days=one.pre_days)).isoformat(),
            "control": [value.lower() for value in one.control],
            "treated": [value.lower() for value in one.treated],
            "control_millionths": int(one.control_share * 1_000_000),
            "confidence": str(one.confidence),
            # The engine has no normal quantile.
            "quantile": repr(NormalDist().inv_cdf(float((1 + one.confidence) / 2))),
        }
        for name, one in sorted(experiments.items())
    ]
