"""The rules by which tau-ARGUS calls a published cell sensitive, as the handbook of disclosure control has them.

Written out here, since pytauargus only drives the Windows program of that name. Contributions are what each buyer adds
to the cell.
"""

P_PERCENT = 10  # an intruder in the cell must not know the largest contribution more nearly than so many percent
DOMINANT, SHARE = 3, 75  # so many contributions must not make up more than so many percent


def is_sensitive_by_p_percent(contributions):
    """Whether the second largest contributor, taking off their own, knows the largest within P_PERCENT."""
    largest, second = [*sorted(contributions, reverse=True), 0, 0][:2]
    return largest > 0 and (sum(contributions) - largest - second) * 100 < P_PERCENT * largest


def is_sensitive_by_dominance(contributions):
    """Whether the DOMINANT largest contributions make up more than SHARE percent of a cell."""
    total = sum(contributions)
    return total > 0 and sum(sorted(contributions, reverse=True)[:DOMINANT]) * 100 > SHARE * total
