"""`make plant`, or `python -m tests.planted [NAME ...]`: plant faults, and show which tests notice."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from tests.planted.catalogue import CATALOGUE, FAULTS
from tests.planted.run import Result, check_all

REPORT = Path(".artifacts") / "planted.json"
COLOURS = {"noticed": "green", "unnoticed": "red", "broken": "yellow"}

console = Console(width=160)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.planted", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="faults or kinds of faults, all by default")
    wanted = parser.parse_args().names or list(CATALOGUE)
    unknown = [name for name in wanted if name not in CATALOGUE and name not in FAULTS]
    if unknown:
        parser.error(f"no such fault: {', '.join(unknown)}; the kinds are {', '.join(CATALOGUE)}")
    faults = [fault for name in wanted for fault in CATALOGUE.get(name) or [FAULTS[name]]]
    results = check_all(faults, _print_result)
    _write(results)
    console.print(_table(results))
    counts = Counter(result.verdict for result in results)
    console.print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    sys.exit(counts.keys() != {"noticed"})


def _print_result(result: Result) -> None:
    console.print(f"{result.fault.name}: {result.verdict}, {result.seconds:.1f} s", highlight=False)


def _table(results: Sequence[Result]) -> Table:
    test_column = Column("test", overflow="fold")
    table = Table("fault", test_column, "verdict", "seconds", title="Planted faults")
    for result in results:
        colour = COLOURS[result.verdict]
        test = result.fault.test if result.verdict == "noticed" else f"{result.fault.test}\n{result.reason}"
        table.add_row(
            result.fault.name,
            test.replace("[", r"\["),
            f"[{colour}]{result.verdict}[/]",
            f"{result.seconds:.1f}",
        )
    return table


def _write(results: Sequence[Result]) -> None:
    REPORT.parent.mkdir(exist_ok=True)
    content = [
        {
            "fault": result.fault.name,
            "file": result.fault.file,
            "test": result.fault.test,
            "verdict": result.verdict,
            "reason": result.reason,
            "seconds": round(result.seconds, 1),
        }
        for result in results
    ]
    REPORT.write_text(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()
