"""A made-up shop that fills a landing zone, always the same for the same arguments.

For the demo, tests and benchmarks. It writes personal data on purpose, all of it invented, so that one can
look for what must not come out at the other end.
"""

from operations.sample_shop.landing import RegionSummary, SampleSummary, write_landing
from operations.sample_shop.plots import Story
from operations.sample_shop.world import config_yaml

__all__ = ["RegionSummary", "SampleSummary", "Story", "config_yaml", "write_landing"]
