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

from tests.drill.bystanders import MOST_BALANCE_SECONDS, MOST_TRAINING_SECONDS, Experience, attack_all
from tests.drill.run import QUICK_MINUTES, Drill, Round, drill
from tests.drill.stack import new_seed

FULL_MINUTES = 30.0
REPORT = Path(".artifacts") / "drill.json"

console = Console(width=130)


def main() -> None:
    arguments = _parse_arguments()
    seed = arguments.seed if arguments.seed is not None else new_seed()
    minutes = arguments.minutes or (QUICK_MINUTES if arguments.quick else FULL_MINUTES)
    console.print(f"Drill of {minutes:g} minutes with seed {seed}; repeat it with --seed {seed}")
    done = asyncio.run(drill(minutes * 60, seed, quick=arguments.quick, report=_print_round))
    console.print(_table_of_faults(done.rounds))
    console.print(f"Books: {done.books}")
    _write(seed, done, [])
    console.print("Bystanders of one user who floods a route with all that the limits allow")
    experiences = [] if arguments.quick else asyncio.run(attack_all(_print_experience))
    console.print(_table_of_attacks(experiences))
    _write(seed, done, experiences)
    if any(part.failure for part in (*done.rounds, *experiences)):
        sys.exit(f"The drill failed; repeat it with --seed {seed}.")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_MINUTES:g} minutes, without attacks")
    parser.add_argument("--minutes", type=float, help=f"length, {FULL_MINUTES:g} by default")
    parser.add_argument("--seed", type=int, help="repeat the faults of an earlier drill")
    return parser.parse_args()


def _print_round(round_: Round) -> None:
    outcome = round_.failure or f"whole after {round_.recovered_in:.1f} s"
    _print(f"{round_.fault.name}: {round_.requests} requests, {outcome}")


def _print_experience(experience: Experience) -> None:
    _print(experience.failure or f"{experience.attack}: the attacker was answered {experience.answers}")


def _print(line: str) -> None:
    console.print(line, markup=False, highlight=False)


def _table_of_faults(rounds: Sequence[Round]) -> Table:
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


def _table_of_attacks(experiences: Sequence[Experience]) -> Table:
    most = f"at most {MOST_BALANCE_SECONDS * 1000:.0f} ms", f"at most {MOST_TRAINING_SECONDS:.0f} s"
    table = Table("attack", f"p99 of a balance, {most[0]}", f"longest small training, {most[1]}")
    for experience in experiences:
        balance, training = f"{experience.balance_p99 * 1000:.0f} ms", f"{experience.longest_training:.1f} s"
        table.add_row(experience.attack, balance, training)
    return table


def _write(seed: int, done: Drill, experiences: Sequence[Experience]) -> None:
    rounds = [
        {
            "kind": round_.fault.kind,
            "fault": round_.fault.name,
            "requests": round_.requests,
            "recovered_in": round(round_.recovered_in, 2),
            "failure": round_.failure,
        }
        for round_ in done.rounds
    ]
    attacks = [
        {
            "attack": experience.attack,
            "answers": experience.answers,
            "balance_p99": round(experience.balance_p99, 3),
            "longest_training": round(experience.longest_training, 2),
            "failure": experience.failure,
        }
        for experience in experiences
    ]
    content = {"seed": seed, "rounds": rounds, "books": done.books, "attacks": attacks}
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()
