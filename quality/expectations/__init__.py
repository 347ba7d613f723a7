"""What finance may expect of a version, as Great Expectations suites; nothing here imports it but the worker's modules.

The catalogue says what is expected, `process` has it examined by a process of its own, and there `own` (our classes of
expectations), `frames` (what they look at), `suites` (the examination) and `docs` (the pages) do the work.
"""
