"""Data Docs that need nothing but the file: Great Expectations' sections in pages of ours, without script or host."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from great_expectations.core import ExpectationSuiteValidationResult
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView

from quality.expectations.suites import Examination, config_of

_PAGES = Path(__file__).with_name("pages")
_PLACES = 20  # that a page names of a rule
_LINK = re.compile(r'<a href="\.\./[^>]*>(.*?)</a>')  # to pages of a whole site, which these are not


class _Page(DefaultJinjaPageView):
    _template = "page.html"


def write(folder: Path, done: Examination, version: str, at: datetime) -> None:
    """A page for each suite, and ``index.html``."""
    folder.mkdir(parents=True)
    # Theirs are found first, so ours have names that they do not use.
    view = _Page(custom_views_directory=str(_PAGES))
    for result in done.results:
        page = view.render(_document(result, version, at), title=_name(result), version=version, at=_told(at))
        page = _LINK.sub(r"\1", page)
        (folder / f"{_name(result)}.html").write_text(page, encoding="utf-8")
    rows = [_row(result) for result in done.results]
    index = view.env.get_template("index.html").render(
        rows=rows, failed=_failed(done), version=version, at=_told(at)
    )  # fmt: skip
    (folder / "index.html").write_text(index, encoding="utf-8")
    for path in folder.iterdir():
        path.chmod(0o440)


def _document(result: ExpectationSuiteValidationResult, version: str, at: datetime) -> Any:
    """GX's own sections, less how it was called, which says nothing of the data."""
    meta: Any = result.meta
    for name in ("batch_markers", "batch_parameters", "batch_spec"):
        meta.pop(name, None)
    meta["run_id"] = RunIdentifier(run_name=version, run_time=at)
    meta["batch_kwargs"] = {"data_asset_name": f"finance, {version}"}
    return ValidationResultsPageRenderer().render(result)


def _name(result: ExpectationSuiteValidationResult) -> str:
    return str(result.suite_name)


def _row(result: ExpectationSuiteValidationResult) -> dict[str, Any]:
    failed = [one for one in result.results if not one.success]
    return {
        "suite": _name(result), "expectations": len(result.results), "failed": len(failed),
        "is_blocked": any(config_of(one).severity == "critical" for one in failed),
        "rows": max((one.result.get("element_count", 0) for one in result.results), default=0),
    }  # fmt: skip


def _failed(done: Examination) -> list[dict[str, Any]]:
    """The rules that were broken, and where."""
    return [
        {"rule": one.rule, "is_blocking": one.is_blocking, "rows": one.unexpected, "error": one.error,
         "places": [f"{region} {period}" for region, period in one.places[:_PLACES]], "more": len(one.places) - _PLACES}
        for one in done.findings if one.places or one.error
    ]  # fmt: skip


def _told(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
