"""Steps of a month: which cells move now, so that no version less the one before shows fewer than k buyers.

A campaign's cell of the month moves when at least k buyers, under every model, have something new in it. What does not
move waits: in ``(other)`` of its channel if that can move by k buyers, else in channel ``(other)``, whose figures are
the region's total less all that is named. A campaign that was counted in ``(other)`` of its channel gets its own name
once k of its buyers stand there, and k others or none would be left. Nothing moves that would leave fewer than k
buyers waiting.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from quality.changes import CHANNEL, OWN, REST, Bools, Ints, Month, count_buyers, is_enough, is_small
from quality.hidden import sums_by
from quality.proof import can_be_elsewhere


@dataclass
class Steps:
    """What moves in a month: campaigns, channels' (other), campaigns that leave it, and rows that must wait."""

    campaigns: Bools
    channels: Bools
    splits: Bools
    held: Bools = field(default_factory=lambda: np.zeros(0, dtype=bool))

    @property
    def is_any(self) -> bool:
        return bool(self.campaigns.any() or self.channels.any() or self.splits.any())

    def levels(self, month: Month) -> Ints:
        """The level of each row in the month once these steps are taken."""
        before = month.levels["month"]
        after = before.copy()
        current, free = month.is_current, ~self.held
        of_campaign, of_channel = self.campaigns[month.campaign] & free, self.channels[month.channel] & free
        fresh = current & (before == REST)
        after[fresh & of_channel] = CHANNEL
        after[fresh & of_campaign] = OWN
        after[~current & (before == OWN) & of_campaign] = REST
        after[~current & (before == CHANNEL) & of_channel] = REST
        after[current & (before == CHANNEL) & self.splits[month.campaign]] = OWN
        return after

    def hold_campaign(self, month: Month, number: int) -> None:
        """Let what is new of a campaign wait in channel (other)."""
        self.campaigns[number] = False
        self.held |= month.campaign == number

    def hold_channel(self, number: int) -> None:
        self.channels[number] = False


def none_of(month: Month) -> Steps:
    """No step at all."""
    campaigns, channels = int(month.campaign.max(initial=-1)) + 1, int(month.channel.max(initial=-1)) + 1
    return Steps(*(np.zeros(size, dtype=bool) for size in (campaigns, channels, campaigns, len(month))))


def possible_steps(month: Month, k: int, held: Bools | None = None, merged: Bools | None = None) -> Steps:
    """All steps that k buyers allow, but for what would leave too few waiting.

    Args:
        held: rows that must wait.
        merged: by campaign, whether what is new of it can only move in (other) of its channel.
    """
    steps = none_of(month)
    if held is not None:
        steps.held = held.copy()
    steps.splits = _splits(month, k)
    if merged is not None:
        steps.splits &= ~merged
    _move(month, steps, k, ~merged if merged is not None else np.ones(len(steps.campaigns), dtype=bool))
    return keep_company(month, steps, k)


def _move(month: Month, steps: Steps, k: int, is_free: Bools) -> None:
    level, current, free = month.levels["month"], month.is_current, ~steps.held
    fresh = current & (level == REST) & free
    goes = ~current & free
    steps.campaigns = month.is_step(
        month.campaign, fresh, goes & (level == OWN), current & (level == OWN), k
    ) & is_free  # fmt: skip
    small = fresh & ~steps.campaigns[month.campaign]
    stays = current & (level == CHANNEL) & ~steps.splits[month.campaign]
    steps.channels = month.is_step(month.channel, small, goes & (level == CHANNEL), stays, k)


def keep_company(month: Month, steps: Steps, k: int) -> Steps:
    """Hold the smallest steps back until k buyers wait in channel (other), or none, or no step is left."""
    level = month.levels["month"]
    everyone = np.zeros(len(month), dtype=np.int64)
    while steps.campaigns.any() or steps.channels.any():
        after = steps.levels(month)
        waiting = (month.is_current & (after == REST)) | (~month.is_current & (after > REST))
        if not is_small(month.count(everyone, waiting), k).any():
            break
        moved = month.is_current & (level == REST) & (after > REST)
        by_campaign = month.count(month.campaign, moved & (after == OWN)).max(axis=1)
        by_channel = month.count(month.channel, moved & (after == CHANNEL)).max(axis=1)
        sizes = [(int(by_campaign[i]), 0, int(i)) for i in np.flatnonzero(steps.campaigns)]
        sizes += [(int(by_channel[i]), 1, int(i)) for i in np.flatnonzero(steps.channels)]
        _, is_channel, number = min(sizes)
        if is_channel:
            steps.hold_channel(number)
        else:
            steps.hold_campaign(month, number)
    return steps


def _splits(month: Month, k: int) -> Bools:
    """Campaigns that can leave (other) of their channel; what they had there at each step must not come out."""
    stands = month.levels["month"] == CHANNEL
    mine = stands & month.is_current
    counts = month.count(month.campaign, mine)
    found = np.zeros(len(counts), dtype=bool)
    order = np.lexsort((np.arange(len(counts)), -counts.max(axis=1, initial=0)))
    for number in order[is_enough(counts, k)[order]]:
        rows = mine & (month.campaign == number)
        donor = stands & (month.channel == month.channel[np.flatnonzero(rows)[0]])
        found[number] = _may_leave(month, rows, mine & found[month.campaign] & donor, donor, k)
    return found


def _may_leave(month: Month, mine: Bools, gone: Bools, all_: Bools, k: int) -> bool:
    """Whether a campaign can leave (other) of its channel, as others do: neither it nor what is left comes out.

    Not where a forgotten version may have shown it already: nobody knows what the difference to that would be.
    """
    left = all_ & ~mine & ~gone
    return bool(
        month.is_certainly_new[all_].all()
        and not is_small(_buyers(month, left), k).any()
        and _is_apart(month, mine | gone, all_, k)
        and _is_blurred(month, mine, all_, k)
        and _is_blurred(month, left & month.is_current, all_, k)
    )


def _is_apart(month: Month, mine: Bools, all_: Bools, k: int) -> bool:
    """Whether (other) without a campaign differs from what it was at any step by k buyers.

    It is not enough that it differs by none: what has left (other) since then, and is forgotten, would stand alone.
    """
    concerned = _buyers(month, mine) > 0
    for step in np.unique(month.stepped[all_]):
        was_there = all_ & (month.stepped <= step)
        differs = _buyers(month, (was_there & mine) | (all_ & ~was_there & ~mine))
        if is_small(differs, k).any() or (differs < k)[concerned].any():
            return False
    return True


def _is_blurred(month: Month, mine: Bools, all_: Bools, k: int) -> bool:
    """Whether what a campaign had in (other) of a few steps, of moving or of arrival, could be others'."""
    return all(_could_be_others(month, step, mine, all_, k) for step in (month.stepped, month.came_at))


def _could_be_others(month: Month, step: Ints, mine: Bools, all_: Bools, k: int) -> bool:
    """The same of the steps that are given by row: each, and several in a row, while they rest on too few."""
    steps, rows = np.unique(step[all_]), np.flatnonzero(mine)
    if len(steps) == 1:
        return True
    total, own = (sums_by(np.searchsorted(steps, step[some]), month.amounts[some], len(steps)) for some in (all_, mine))
    others = np.maximum(total - own, 0)
    for first in range(len(steps)):
        for last in range(first, len(steps)):
            window = rows[(step[rows] >= steps[first]) & (step[rows] <= steps[last])]
            if not is_small(_buyers(month, window), k).any():
                break
            part, company = own[None, first : last + 1].sum(axis=1), others[None, first : last + 1].sum(axis=1)
            elsewhere, rest = others.sum(axis=0) - company, own.sum(axis=0) - part
            if not can_be_elsewhere(part, company, elsewhere, rest).all():
                return False
    return True


def _buyers(month: Month, rows: Bools | Ints) -> Ints:
    """Distinct buyers of some rows, by model, which stand as the one group."""
    buyer = month.buyer[rows]
    return count_buyers(np.zeros(len(buyer), dtype=np.int64), buyer, month.gives[rows], 1)
