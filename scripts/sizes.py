"""Check sizes: long and small files, long functions and parameter lists, small folders."""

import ast
import statistics
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).parents[1]
LONGEST_FILE, SMALL_FILE = 300, 24
MOST_FILES, MOST_SMALL_FILES = 560, 20
FEWEST_IN_FOLDER = 3
LONGEST_FUNCTION = 60
MOST_PARAMETERS = 5
MEDIAN_FILE = (70, 120)
MEDIAN_FUNCTION, NINTH_DECILE_FUNCTION = (1, 10), (1, 30)
SKIPPED = {".venv", ".farebox", ".artifacts"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Sizes:
    """Sizes in lines, without tests; complaints include tests."""

    files: dict[Path, int] = field(default_factory=dict[Path, int])
    functions: list[int] = field(default_factory=list[int])
    complaints: list[str] = field(default_factory=list[str])

    def add(self, path: Path) -> None:
        text = path.read_text()
        name, is_test = path.relative_to(PROJECT), path.is_relative_to(PROJECT / "tests")
        lines = text.count("\n")
        if lines > LONGEST_FILE:
            self.complaints.append(f"{name}: {lines} lines (at most {LONGEST_FILE})")
        if not is_test and path.name != "__init__.py":
            self.files[name] = lines
        for function in _functions(ast.parse(text)):
            length = (function.end_lineno or function.lineno) - function.lineno + 1
            if length > LONGEST_FUNCTION:
                self.complaints.append(f"{name}:{function.lineno} {function.name}: {length} lines")
            if is_test:  # parameters of tests are fixtures
                continue
            self.functions.append(length)
            if _is_declared(function):  # parameters of endpoints and commands are declared options
                continue
            if (count := _parameters(function)) > MOST_PARAMETERS:
                self.complaints.append(f"{name}:{function.lineno} {function.name}: {count} parameters")

    def check_distribution(self) -> None:
        small = sorted(f"{name} ({lines})" for name, lines in self.files.items() if lines <= SMALL_FILE)
        ninth_decile = statistics.quantiles(self.functions, n=10)[-1]
        measured = (
            ("source files", len(self.files), (1, MOST_FILES)),
            (f"files of at most {SMALL_FILE} lines", len(small), (0, MOST_SMALL_FILES)),
            ("median lines of a file", statistics.median(self.files.values()), MEDIAN_FILE),
            ("median lines of a function", statistics.median(self.functions), MEDIAN_FUNCTION),
            ("ninth decile of a function's lines", ninth_decile, NINTH_DECILE_FUNCTION),
        )
        for name, size, (least, most) in measured:
            sys.stdout.write(f"{name}: {size:.0f} ({least} to {most})\n")
            if not least <= size <= most:
                self.complaints.append(f"{name}: {size:.0f} ({least} to {most})")
        if len(small) > MOST_SMALL_FILES:
            self.complaints.append(f"small files: {', '.join(small)}")

    def check_folders(self) -> None:
        """A folder below a package has at least three files, or it is a file."""
        folders = Counter(
            name.parent for name in self.files if len(name.parts) > 4 and name.parts[1] == "src"
        )
        with_folders = {name.parent.parent for name in self.files if name.parts[1:2] == ("src",)}
        for folder, count in sorted(folders.items()):
            if count < FEWEST_IN_FOLDER and folder not in with_folders:
                self.complaints.append(f"{folder}: {count} files (at least {FEWEST_IN_FOLDER})")


def _functions(tree: ast.Module) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def _is_declared(function: Function) -> bool:
    calls = (decorator.func for decorator in function.decorator_list if isinstance(decorator, ast.Call))
    owners = (call.value for call in calls if isinstance(call, ast.Attribute))
    return any(isinstance(owner, ast.Name) and owner.id.endswith(("router", "app")) for owner in owners)


def _parameters(function: Function) -> int:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return sum(argument.arg not in ("self", "cls") for argument in named)


def measure() -> Sizes:
    sizes = Sizes()
    folders = (folder for folder in PROJECT.iterdir() if folder.is_dir() and folder.name not in SKIPPED)
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        sizes.add(path)
    sizes.check_distribution()
    sizes.check_folders()
    return sizes


if __name__ == "__main__":
    complaints = measure().complaints
    sys.stdout.writelines(f"size: {complaint}\n" for complaint in complaints)
    sys.exit(bool(complaints))
