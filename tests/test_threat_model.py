"""docs/security.md: every claim names a test, and every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "security.md").read_text()
_NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_every_test_that_the_threat_model_names_is_there():
    named = _NAMED.findall(TEXT)
    assert len(named) > 30, "the control: they are found"
    for path, name in named:
        source = (ROOT / path).read_text()
        assert not name or re.search(rf"^(?:def {name}\(|{name} = )", source, re.MULTILINE), f"{path}::{name}"


def test_every_claim_of_the_threat_model_names_its_test():
    claims = re.findall(r"^- .*(?:\n  .*)*", TEXT, re.MULTILINE)
    of_files = TEXT.partition("## What each file may hold")[2].partition("##")[0]
    claims += [line for line in of_files.splitlines() if line.startswith("| ")][2:]
    assert len(claims) > 25, "the control: they are found"
    assert [one for one in claims if not _NAMED.search(one)] == []
