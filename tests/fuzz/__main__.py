"""`make fuzz`, or `python -m tests.fuzz [--seconds N] [--seed S]`: fuzz the gateway and each service."""

import argparse
import sys

from rich.console import Console

from tests.fuzz.targets import fuzz
from tests.support.stack import running_stack

SECONDS = 240

console = Console(width=130)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for each of the services and callers")
    parser.add_argument("--seed", type=int, help="repeat the requests of an earlier run")
    arguments = parser.parse_args()
    total, failed = 0, False
    with running_stack() as stack:
        for outcome in fuzz(stack, arguments.seconds, arguments.seed):
            result = "failed" if outcome.report else "passed"
            console.print(f"{outcome.target}: {outcome.requests:,} requests, {result}")
            console.print(outcome.report, markup=False, highlight=False, end="")
            total, failed = total + outcome.requests, failed or bool(outcome.report)
    console.print(f"{total:,} requests in all")
    sys.exit(failed)


if __name__ == "__main__":
    main()
