"""`make bench`, or `python -m bench [PART ...]`: measure, compare with references, check the books.

Compare the ratios; absolute figures depend on the machine and on its other work.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console

from bench.charges import measure_charges
from bench.environment import BenchEnvironment, bench_environment
from bench.growth import measure_models, measure_replicas, measure_rows
from bench.load import GENERATOR
from bench.predictions import measure_gateway, measure_predictions
from bench.reading import measure_reading
from bench.results import Measure, table_of, write_json
from bench.stack import measure_memory, measure_start
from bench.training import measure_training, measure_upload

Part = Callable[[BenchEnvironment], Iterator[Measure]]
PARTS: dict[str, tuple[str, Part]] = {
    "start": ("Start and idle memory of the whole stack", measure_start),
    "predictions": (
        "Metered predictions of one row, nine features, through the gateway",
        measure_predictions,
    ),
    "gateway": ("The gateway at 1 connection", measure_gateway),
    "charges": ("Charges over HTTP, one a request, 64 connections", measure_charges),
    "training": ("Training over HTTP: upload, fit, report, store", measure_training),
    "reading": ("Reading of a CSV file in one process", measure_reading),
    "upload": ("Memory during an upload of 46 MB", measure_upload),
    "memory": ("Memory of the whole stack after use", measure_memory),
}
# These take minutes, and run only by name.
GROWTH: dict[str, tuple[str, Part]] = {
    "rows": ("Charges over HTTP by wallets and rows of the ledger, 64 connections", measure_rows),
    "models": ("Predictions by number of models, 64 connections", measure_models),
    "replicas": ("Replicas of billing-service and ml-service, 64 connections in all", measure_replicas),
}
DEFAULT_JSON = Path(".artifacts") / "bench.json"

console = Console(width=130)


def main() -> None:
    arguments = _parse_arguments()
    started = time.perf_counter()
    results: dict[str, Sequence[Measure]] = {}
    console.print(f"Load generator: {GENERATOR}")
    with bench_environment() as environment:
        for name in arguments.parts or PARTS:
            title, measure = (PARTS | GROWTH)[name]
            results[name] = list(measure(environment))
            console.print(table_of(title, results[name]))
    seconds = time.perf_counter() - started
    write_json(arguments.json, results, seconds)
    measures = [measure for part in results.values() for measure in part if measure.target is not None]
    reached = sum(measure.reached is True for measure in measures)
    console.print(
        f"{reached} of {len(measures)} targets reached; {seconds:.0f} s; figures in {arguments.json}"
    )


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure a separate stack and check its books."
    )
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (the default), {', '.join(GROWTH)}"
    )
    parser.add_argument("--json", type=Path, default=DEFAULT_JSON, help="file of the figures (%(default)s)")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - (PARTS | GROWTH).keys():
        parser.error(f"unknown part: {', '.join(sorted(unknown))}")
    return arguments


if __name__ == "__main__":
    main()
