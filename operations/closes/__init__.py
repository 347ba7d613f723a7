"""The monthly close: a month's published figures locked for good, signed, verified, and reopened with a reason.

:mod:`.still_open` says what keeps a month from being closed; :mod:`.close` locks it; :mod:`.locks` reads what is
locked, which publishing shows in the place of what the regions' files have by now
(:mod:`operations.publishing.closed_months`).
"""
