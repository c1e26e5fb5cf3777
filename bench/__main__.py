"""`make bench`: run all benchmarks. Compare the ratios; absolute times depend on the machine."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from bench import predictions, rates, training
from bench.environment import BenchEnvironment, bench_environment
from bench.load import Outcome

MILLISECONDS = 1000
MEGABYTE = 10**6
MEBIBYTE = 2**20

console = Console(width=110)


def main() -> None:
    with console.status("Starting a separate stack"), bench_environment() as environment:
        show_predictions(environment)
        show_rates("Debits, 32 connections", asyncio.run(rates.measure_debits(environment)))
        show_rates("Gateway, 32 connections", asyncio.run(rates.measure_gateway(environment)))
        with TemporaryDirectory() as folder:
            show_training(environment, Path(folder) / "generated.csv")


def show_predictions(environment: BenchEnvironment) -> None:
    table = Table("model", "connections", "predictions/s", "p50 ms", "p99 ms", "p50 / in-process p50")
    for case in predictions.CASES:
        in_process, outcomes = asyncio.run(predictions.measure(environment, case))
        table.add_row(
            case.model_type, "in process", f"{in_process.rate:,.0f}", _ms(in_process.p50), "", "1.00"
        )
        for connections, outcome in outcomes.items():
            ratio = f"{outcome.p50 / in_process.p50:.2f}"
            table.add_row(
                "", str(connections), f"{outcome.rate:,.0f}", _ms(outcome.p50), _ms(outcome.p99), ratio
            )
    _show("Metered predictions through the gateway against pipeline.predict(DataFrame)", table)


def show_rates(title: str, outcomes: dict[str, Outcome]) -> None:
    """Show each rate, and its ratio to the first."""
    reference = next(iter(outcomes.values()))
    table = Table("route", "requests/s", "p50 ms", "p99 ms", "rate / first")
    for name, outcome in outcomes.items():
        ratio = f"{outcome.rate / reference.rate:.2f}"
        table.add_row(name, f"{outcome.rate:,.0f}", _ms(outcome.p50), _ms(outcome.p99), ratio)
    _show(title, table)


def show_training(environment: BenchEnvironment, csv: Path) -> None:
    size = training.generate(csv) / MEGABYTE
    table = Table("model", "plain script s", "Farebox s", "Farebox / script")
    for model_type in ("linear", "logistic"):
        seconds = training.measure(environment, csv, model_type)
        table.add_row(model_type, f"{seconds.script:.2f}", f"{seconds.farebox:.2f}", f"{seconds.ratio:.2f}")
    _show(f"Training on a CSV of {size:.0f} MB, best of {training.ROUNDS}", table)
    memory = Table("process", "before MiB", "peak MiB", "growth MiB")
    for name, measured in training.measure_upload(environment, csv).items():
        figures = (measured.before, measured.peak, measured.growth)
        memory.add_row(name, *(f"{figure / MEBIBYTE:.0f}" for figure in figures))
    _show(f"Resident memory during an upload of {size:.0f} MB", memory)


def _show(title: str, table: Table) -> None:
    table.title, table.title_justify = title, "left"
    console.print(table)


def _ms(seconds: float) -> str:
    return f"{seconds * MILLISECONDS:.2f}"


if __name__ == "__main__":
    main()
