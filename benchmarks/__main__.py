"""Measures the warehouse and prints ratios: `python -m benchmarks [NAME]`; `--help` lists the names."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from pathlib import Path

from benchmarks import (
    attribution,
    backlog,
    checks,
    days,
    drain,
    erasure,
    floor,
    ingest,
    listing,
    markov,
    masking,
    memory,
    postgres,
    process,
    release,
    report,
    runs,
    tables,
)
from benchmarks.ingest import UNTIL
from operations import sample_shop


def main_job(folder: Path) -> None:
    """`romi run` on 1,000,000 new events, whole process, as a multiple of the floor; with nothing new; on one event."""
    landing = folder / "landing"
    sample_shop.write_landing(landing, until=UNTIL, days=30, events=1_000_000, regions=("eu",), dirt=0)
    (folder / "romi.yaml").write_text(sample_shop.config_yaml())
    unit = floor.seconds(landing, folder)
    print(f"floor (typed read_json into a table): {unit:.2f} s", flush=True)
    _print("romi run, 1,000,000 new events", process.romi(folder, "run")[0], unit, "at most 7")
    nothing, _ = process.romi(folder, "run")
    _print("romi run, nothing new", nothing, unit, "at most 1.8")
    runs.add_event(landing)
    one, _ = process.romi(folder, "run")
    _print("romi run, one new event", one, unit, f"at most {1.5 * nothing / unit:.1f}, 1.5 x nothing new")


def _print(what: str, seconds: float, unit: float, aim: str) -> None:
    print(f"{what}: {seconds:.1f} s = {seconds / unit:.1f} x the floor{f' (aim: {aim})' if aim else ''}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("benchmarks", description="Measures the warehouse and prints ratios.")
    chosen = parser.add_subparsers(dest="name")
    chosen.add_parser("main_job", help="romi run as a whole (the default)", description=main_job.__doc__)
    about = attribution.__doc__
    chosen.add_parser("attribution", help="the attribution models alone", description=about)
    backlog.add_arguments(
        chosen.add_parser("backlog", help="the sensor's look at the backlog", description=backlog.__doc__)
    )
    markov.add_arguments(chosen.add_parser("markov", help="the Markov model alone", description=markov.__doc__))
    chosen.add_parser("days", help="one new day, by how many there are", description=days.__doc__)
    of_checks = chosen.add_parser("checks", help="the share of all checks, and publishing", description=checks.__doc__)
    of_checks.add_argument("--events", type=int, default=1_000_000)
    ingest.add_arguments(chosen.add_parser("ingest", help="the load alone, in five parts", description=ingest.__doc__))
    drain.add_arguments(chosen.add_parser("drain", help="working off a backlog", description=drain.__doc__))
    erasure.add_arguments(chosen.add_parser("erasure", help="100 persons erased at once", description=erasure.__doc__))
    masking.add_arguments(chosen.add_parser("masking", help="masking's share of a load", description=masking.__doc__))
    chosen.add_parser("tables", help="cost through a preset beside a bare read", description=tables.__doc__)
    memory.add_arguments(chosen.add_parser("memory", help="what the memory costs a run", description=memory.__doc__))
    chosen.add_parser("runs", help="what runs cost besides their events", description=runs.__doc__)
    chosen.add_parser("listing", help="new archives among many in a bucket", description=listing.__doc__)
    chosen.add_parser("report", help="the page that people read", description=report.__doc__)
    of_postgres = chosen.add_parser("postgres", help="delivering a version to PostgreSQL", description=postgres.__doc__)
    postgres.add_arguments(of_postgres)
    chosen.add_parser("release", help="how near the released figures come", description=release.__doc__)
    return parser


def main() -> None:
    arguments = _parser().parse_args()
    with contextlib.ExitStack() as stack:
        folder = getattr(arguments, "folder", None) or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="romi-bench-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        if arguments.name == "ingest":
            return ingest.main(arguments, folder)
        named = {"backlog": backlog, "drain": drain, "erasure": erasure, "masking": masking, "memory": memory,
                 "postgres": postgres}  # fmt: skip
        if arguments.name in named:
            return named[arguments.name].main(arguments, folder)
        if arguments.name == "checks":
            return checks.run(folder, arguments.events)
        if arguments.name == "markov":
            return markov.run(arguments.channel_attribution_python)
        plain = {
            "attribution": attribution,
            "days": days,
            "tables": tables,
            "report": report,
            "runs": runs,
            "listing": listing,
        }
        if arguments.name in plain:
            return plain[arguments.name].run(folder)
        if arguments.name == "release":
            return release.run()
        print(f"== main_job: {main_job.__doc__}", flush=True)
        return main_job(folder)


if __name__ == "__main__":
    main()
