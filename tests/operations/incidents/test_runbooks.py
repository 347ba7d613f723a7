"""Each kind of incident has a runbook, in the words of the docs, with commands that exist."""

from __future__ import annotations

import re
from pathlib import Path

import click

from operations.incidents.findings import Kind
from operations.incidents.runbooks import RUNBOOKS, anchor, as_markdown
from orchestration.cli.main import main

ROOT = Path(__file__).parents[3]


def test_each_kind_has_one_and_the_docs_have_them():
    assert set(RUNBOOKS) == set(Kind)
    text = (ROOT / "docs" / "runbooks.md").read_text()
    assert text == as_markdown(), "`make docs` writes docs/runbooks.md anew"
    headings = {line[3:].lower().replace("'", "").replace(" ", "-") for line in text.splitlines() if line[:3] == "## "}
    assert headings == {anchor(kind) for kind in Kind}


def test_each_command_that_they_name_exists():
    for words in re.findall(r"`romi ([^`]*)`", as_markdown()):
        group: click.Command = main
        for word in words.split():
            if not isinstance(group, click.Group):
                break
            assert word in group.commands, words
            group = group.commands[word]


def test_the_one_of_a_breach_names_the_72_hours_and_who_is_to_be_told():
    text = " ".join(RUNBOOKS[Kind.BREACH].steps) + RUNBOOKS[Kind.BREACH].means
    assert all(part in text for part in ("72 hours", "supervisory authority", "Art. 33", "Art. 34", "romi keys rotate"))
