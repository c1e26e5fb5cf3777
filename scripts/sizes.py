"""Refuse files, functions and parameter lists that have grown too long; print the usual size."""

import ast
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).parents[1]
LONGEST_FILE = 300
LONGEST_FUNCTION = 60
MOST_PARAMETERS = 5
MEDIAN_FILE, MEDIAN_FUNCTION, NINTH_DECILE_FUNCTION = 90, 10, 30
SKIPPED = {".venv", ".farebox", ".artifacts"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Sizes:
    files: list[int] = field(default_factory=list[int])
    functions: list[int] = field(default_factory=list[int])
    complaints: list[str] = field(default_factory=list[str])

    def add(self, path: Path) -> None:
        text = path.read_text()
        where, is_test = path.relative_to(PROJECT), path.is_relative_to(PROJECT / "tests")
        lines = text.count("\n")
        if lines > LONGEST_FILE:
            self.complaints.append(f"{where}: {lines} lines")
        if not is_test and path.name != "__init__.py":
            self.files.append(lines)
        for function in _functions(ast.parse(text)):
            length = (function.end_lineno or function.lineno) - function.lineno + 1
            if length > LONGEST_FUNCTION:
                self.complaints.append(f"{where}:{function.lineno} {function.name}: {length} lines")
            if is_test:  # a test's parameters are its fixtures
                continue
            self.functions.append(length)
            if _is_endpoint(function):  # its parameters are FastAPI's form of the request, one for each part
                continue
            if (count := _parameters(function)) > MOST_PARAMETERS:
                self.complaints.append(f"{where}:{function.lineno} {function.name}: {count} parameters")

    def check_usual_sizes(self) -> None:
        ninth_decile = statistics.quantiles(self.functions, n=10)[-1]
        measured = (
            ("median file", statistics.median(self.files), MEDIAN_FILE),
            ("median function", statistics.median(self.functions), MEDIAN_FUNCTION),
            ("ninth decile of functions", ninth_decile, NINTH_DECILE_FUNCTION),
        )
        for name, size, most in measured:
            sys.stdout.write(f"{name}: {size:.0f} lines (at most {most})\n")
            if size > most:
                self.complaints.append(f"{name}: {size:.0f} lines")


def _functions(tree: ast.Module) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def _is_endpoint(function: Function) -> bool:
    calls = (each.func for each in function.decorator_list if isinstance(each, ast.Call))
    owners = (call.value for call in calls if isinstance(call, ast.Attribute))
    return any(isinstance(owner, ast.Name) and owner.id == "router" for owner in owners)


def _parameters(function: Function) -> int:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return sum(each.arg not in ("self", "cls") for each in named)


def measure() -> Sizes:
    sizes = Sizes()
    folders = (each for each in PROJECT.iterdir() if each.is_dir() and each.name not in SKIPPED)
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        sizes.add(path)
    sizes.check_usual_sizes()
    return sizes


if __name__ == "__main__":
    found = measure().complaints
    for complaint in found:
        sys.stdout.write(f"too long: {complaint}\n")
    sys.exit(bool(found))
