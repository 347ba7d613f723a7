"""`romi recover`: load the backlog of every region, publish the newest days first, then rebuild the older ones."""

from __future__ import annotations

from pathlib import Path

from ingestion import landing
from operations.store.locks import OnWait, wait_quietly
from orchestration import pipeline
from orchestration.outcome import Outcome
from settings import Settings


def recover(settings: Settings, config: Path | None, on_wait: OnWait = wait_quietly) -> Outcome:
    """Do what :func:`operations.recovery.planned.plan_recovery` plans. Killed at any moment, it goes on when run again.

    Days that are rebuilt while older ones still wait are rebuilt once more after them, since they read them
    (:func:`operations.rebuilding.order.note_order`): the end is that of `romi run`, only sooner for the newest days.

    Raises:
        UsageError: the landing zone, the configuration or the warehouse cannot be used.
    """
    kept = [region for region in settings.known_regions() if settings.region_file(region).exists()]
    outcome = Outcome(regions=sorted({*landing.regions(settings), *kept}))
    with pipeline.jobs_of(settings, config, outcome, on_wait, loads=True) as jobs:
        if not jobs.is_deployable:
            return outcome
        loaded = [region for region in jobs.regions if jobs.ingest(region)]
        older = []
        for region in loaded:
            if windows := pipeline.pending(settings, region):
                pipeline.warm_up()
                outcome.rebuilt_days += jobs.rebuild(region, windows[-1:])
                older += [region] if len(windows) > 1 else []
        if older:
            jobs.publish()
        for region in loaded:
            outcome.rebuilt_days += jobs.rebuild(region, pipeline.pending(settings, region))
            outcome.rebuilt_days += jobs.rebuild(region, pipeline.pending(settings, region))
            jobs.release(region)
        jobs.publish()
    return outcome
