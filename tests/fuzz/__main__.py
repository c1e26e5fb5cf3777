"""`make fuzz`, or `python -m tests.fuzz [--requests N] [--seconds N] [--seed S]`: fuzz every route.

Exits with an error when a request was answered wrongly, or when fewer were sent than `--requests`.
"""

import argparse
import sys
from datetime import UTC, datetime

from rich.console import Console

from tests.fuzz.targets import fuzz, has_failed, successful
from tests.support.stack import running_stack

REQUESTS = 50_000
SECONDS = 1_440

console = Console(width=130)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument(
        "--requests", type=int, default=REQUESTS, help="to the gateway and the services in all"
    )
    parser.add_argument("--seconds", type=int, default=SECONDS, help="at most")
    parser.add_argument("--seed", type=int, default=1, help="another one sends other requests")
    arguments = parser.parse_args()
    started = datetime.now(UTC)
    with running_stack() as stack:
        targets = fuzz(stack, arguments.seconds, arguments.requests, arguments.seed)
        if has_failed(targets, arguments.requests):
            console.print(stack.complaints(started), markup=False, highlight=False)
    for target in targets:
        result = "failed" if target.reports else "passed"
        console.print(f"{target.name}: {target.requests:,} requests in {target.rounds} rounds, {result}")
        console.print("\n".join(target.reports), markup=False, highlight=False, end="")
    sent = sum(target.requests for target in targets)
    console.print(f"{sent:,} requests in all; {len(successful(targets))} operations succeeded at least once")
    if sent < arguments.requests:
        console.print(f"These are fewer than --requests {arguments.requests:,}.")
    sys.exit(has_failed(targets, arguments.requests))


if __name__ == "__main__":
    main()
