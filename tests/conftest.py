"""For every test: how long an example of a property takes depends on the machine, so none fails for its time."""

from hypothesis import settings

settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
