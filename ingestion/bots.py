"""Whether a user agent is a crawler's, by CrawlerDetect's list, in a time that grows with the agent's length alone.

The list's own matcher takes time by the square of a word's length, and anyone can send a long word.
"""

from __future__ import annotations

import re
from functools import lru_cache

import re2
from crawlerdetect.providers import crawlers, exclusions

LONGEST_AGENT = 1024  # characters; the rest is not looked at
_MEMORY = 64 << 20  # for the states of so many alternatives; where it is used up RE2 goes on, slower


def is_bot(user_agent: str) -> bool:
    return _is_bot(user_agent[:LONGEST_AGENT])


@lru_cache(maxsize=50_000)
def _is_bot(user_agent: str) -> bool:
    excluded, listed, looking_around = _patterns()
    agent = excluded.sub("", user_agent.strip())
    return bool(agent) and (listed.search(agent) is not None or looking_around.search(agent) is not None)


@lru_cache(maxsize=1)
def _patterns() -> tuple[re2._Regexp, re2._Regexp, re.Pattern[str]]:
    """What is taken out first, the crawlers, and those whose pattern looks at what follows, which RE2 cannot."""
    options = re2.Options()
    options.case_sensitive, options.max_mem = False, _MEMORY
    around = [pattern for pattern in crawlers.data if "(?" in pattern]
    plain = [pattern for pattern in crawlers.data if "(?" not in pattern]
    return (
        re2.compile("|".join(exclusions.data), options),
        re2.compile("|".join(plain), options),
        re.compile("|".join(around) or r"(?!)", re.IGNORECASE),
    )
