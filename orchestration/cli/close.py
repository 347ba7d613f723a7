"""`romi close`: lock a month's figures, verify what was locked, and open a month again."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestration.cli.console import printable, tell_problems, wait_teller
from settings import Settings, UsageError, load_settings

if TYPE_CHECKING:
    from operations.closes.close import Closed
    from operations.closes.still_open import StillOpenError


class CloseGroup(click.Group):
    """`romi close 2026-10` is `romi close month 2026-10`: what is not a command is a month."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["month", *args]
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options may stand before the month."""
        if args and args[0].startswith("-") and args[0] not in ("-h", "--help"):
            args = ["month", *args]
        return super().parse_args(ctx, args)


@click.argument("month", metavar="MONTH")
@click.option("--reopen", is_flag=True, help="Open the closed month again; its figures follow the truth.")
@click.option("--reason", help="Why it is reopened, for the books.")
@click.option("--by", default=getpass.getuser, show_default="your account", help="Who decides it, for the books.")
def close_month(
    config: Path | None, warehouse: Path | None, as_json: bool, month: str, reopen: bool, reason: str | None, by: str
) -> int:
    """Close MONTH, such as 2026-10, or reopen it.

    From then on its published figures never change. A close is refused, with a list of reasons, while days are
    withheld, files refused, rates missing or orders unreconciled, while a region is stopped, or until the ledger
    reaches past the month's end. What comes later is booked in the month that is open, in
    finance.prior_period_adjustments.
    """
    from operations.closes import close
    from operations.closes.locks import parse_month
    from operations.closes.still_open import StillOpenError
    from operations.publishing.hand_on import hand_on

    settings, first = load_settings(config, warehouse=warehouse), parse_month(month)
    if reason is not None and not reopen:
        raise UsageError("--reason goes with --reopen")
    if reopen:
        done, state = close.reopen(settings, first, reason or "", by, wait_teller(as_json)), "open again"
    else:
        try:
            done, state = close.close(settings, first, by, wait_teller(as_json)), "closed"
        except StillOpenError as error:
            return _refuse(error, month, as_json)
    tell_problems(hand_on(settings))
    return _tell(done, state, as_json)


@click.argument("month", metavar="[MONTH]", required=False)
@click.option(
    "--landing", metavar="DIR",
    help="Where the archived inputs are, a folder or s3://bucket/prefix; default: the configuration's.",
)  # fmt: skip
@click.option("--public", type=click.Path(path_type=Path), help="The public key to trust, in PEM; default: our own.")
@click.option("--recompute/--no-recompute", default=True, help="Recompute the figures from the inputs (default).")
def verify_close(
    config: Path | None, warehouse: Path | None, as_json: bool, month: str | None, landing: str | None,
    public: Path | None, recompute: bool,
) -> int:  # fmt: skip
    """Verify a closed MONTH, or all of them.

    Each is compared with what was signed, with every version, and with its archived inputs. The figures are recomputed
    in a throwaway warehouse, from the very files that had been loaded when the month was closed. Exits with 1 if
    anything differs, and names it.
    """
    from functools import partial

    from operations.closes import verify
    from operations.closes.recompute import recompute as make_anew
    from privacy.signing import from_pem

    settings = load_settings(config, warehouse=warehouse, landing=landing)
    key = from_pem(public.read_text()) if public else None
    found = verify.verify(settings, month, key, *([partial(make_anew, run=run_quietly)] if recompute else []))
    equal = all(one.is_equal for one in found)
    if as_json:
        click.echo(json.dumps({"equal": equal, "closes": [
            {"month": str(one.lock), "number": one.lock.number, "equal": one.is_equal, "notes": one.notes,
             "differences": [asdict(difference) for difference in one.differences]} for one in found
        ], "exit_code": int(not equal)}))  # fmt: skip
        return int(not equal)
    for one in found:
        made = " and its inputs give the same figures" if recompute and one.lock.is_in_force else ""
        said = f"equal: it is what was locked{made}" if one.is_equal else f"{len(one.differences)} things differ"
        click.echo(f"{one.lock}, close {one.lock.number}: {said}")
        for line in [*map(str, one.differences), *one.notes]:
            click.echo(printable(f"  {line}"))
    return int(not equal)


def run_quietly(settings: Settings, config: Path) -> tuple[list[str], dict[str, dict[str, str]]]:
    from orchestration import pipeline

    outcome = pipeline.run(settings, config)
    return outcome.failures, outcome.withheld


def _tell(done: Closed, state: str, as_json: bool) -> int:
    facts: dict[str, Any] = {
        "month": str(done.lock), "state": state, "number": done.lock.number, "is_new": done.is_new,
        "lock": str(done.lock.folder), "manifest_sha256": done.lock.sha256, "version": done.version, "exit_code": 0,
    }  # fmt: skip
    if as_json:
        click.echo(json.dumps(facts))
        return 0
    already = "" if done.is_new else " already"
    shown = f"; version {done.version} shows it" if done.version else ""
    click.echo(f"{done.lock} is {state}{already}{shown}")
    if state == "closed":
        click.echo(f"locked in {done.lock.folder}, manifest {done.lock.sha256[:16]}: `romi close verify {done.lock}`")
    return 0


def _refuse(error: StillOpenError, month: str, as_json: bool) -> int:
    if as_json:
        found = [asdict(one) for one in error.found]
        click.echo(json.dumps({"month": month, "state": "open", "open": found, "exit_code": error.exit_code}))
        return error.exit_code
    click.echo(f"{month} is not closed; {len(error.found)} things are open:")
    for one in error.found:
        click.echo(printable(f"  {one}"))
    return error.exit_code
