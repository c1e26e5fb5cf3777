"""`make drill`, or `python -m tests.drill [--quick] [--minutes N] [--seed S]`: break a stack and check it."""

import argparse
import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.drill.run import Round, drill
from tests.drill.stack import new_seed

FULL_MINUTES, QUICK_MINUTES = 30.0, 1.5
REPORT = Path(".artifacts") / "drill.json"

console = Console(width=130)


def main() -> None:
    arguments = _parse_arguments()
    seed = arguments.seed if arguments.seed is not None else new_seed()
    minutes = arguments.minutes or (QUICK_MINUTES if arguments.quick else FULL_MINUTES)
    console.print(f"Drill of {minutes:g} minutes with seed {seed}; repeat it with --seed {seed}")
    rounds = asyncio.run(drill(minutes * 60, seed, quick=arguments.quick, report=_print_round))
    _write(seed, rounds)
    console.print(_table(rounds))
    if any(round_.failure for round_ in rounds):
        sys.exit(f"The drill failed; repeat it with --seed {seed}.")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes, with the stack's start and end")
    parser.add_argument("--minutes", type=float, help=f"length, {FULL_MINUTES:g} by default")
    parser.add_argument("--seed", type=int, help="repeat the faults of an earlier drill")
    return parser.parse_args()


def _print_round(round_: Round) -> None:
    outcome = round_.failure or f"whole after {round_.recovered_in:.1f} s"
    console.print(
        f"{round_.fault.name}: {round_.requests} requests, {outcome}", markup=False, highlight=False
    )


def _table(rounds: Sequence[Round]) -> Table:
    table = Table("fault", "times", "requests", "median recovery", "longest recovery", title="Drill")
    by_kind: dict[str, list[Round]] = defaultdict(list)
    for round_ in rounds:
        by_kind[round_.fault.kind].append(round_)
    for kind, of_kind in sorted(by_kind.items()):
        seconds = [round_.recovered_in for round_ in of_kind]
        requests = sum(round_.requests for round_ in of_kind)
        table.add_row(
            kind, str(len(of_kind)), str(requests), f"{median(seconds):.1f} s", f"{max(seconds):.1f} s"
        )
    return table


def _write(seed: int, rounds: Sequence[Round]) -> None:
    REPORT.parent.mkdir(exist_ok=True)
    content = [
        {
            "kind": round_.fault.kind,
            "fault": round_.fault.name,
            "requests": round_.requests,
            "recovered_in": round(round_.recovered_in, 2),
            "failure": round_.failure,
        }
        for round_ in rounds
    ]
    REPORT.write_text(json.dumps({"seed": seed, "rounds": content}, indent=2))


if __name__ == "__main__":
    main()
