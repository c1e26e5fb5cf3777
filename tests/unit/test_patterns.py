"""Regular expressions take time in proportion to their input, whatever it is."""

import ast
import pkgutil
import re
import time
from collections.abc import Iterator
from importlib import import_module
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

PACKAGES = ("kit", "gateway", "auth_service", "billing_service", "ml_service")
ROOT = Path(__file__).parents[2]
SHORT = 1500
# Four times the input takes four times as long, or sixteen times with a quadratic pattern.
GROWTH = 8
# Below this time, a ratio is noise. A quadratic pattern takes over 50 ms.
NOTICED_SECONDS = 0.008
# A machine with other work interrupts one measurement of thousands, but hardly the same one twice.
MEASUREMENTS = 3
# The beginnings of inputs that reach the inner repetitions of a pattern.
PREFIXES = ("", "1", "1.", "1e", "$ 1", "2026-01-31T00:00:00.", 'sep=;"')
CHARACTERS = "0 1a_A.,-+eE:TZ%$'\"/=;\r\n\xe9"
PUMPS = (*CHARACTERS, *("".join(pair) for pair in product("1 ae.,-_:", repeat=2)), ",111", "\xe1\x80", "id_")
SUFFIXES = ("\x00", "x!")

Pattern = re.Pattern[Any]  # Any: of texts or bytes


def modules() -> Iterator[ModuleType]:
    for package in map(import_module, PACKAGES):
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield import_module(found.name)


def patterns_in(value: object) -> Iterator[Pattern]:
    if isinstance(value, re.Pattern):
        yield cast("Pattern", value)
    elif isinstance(value, dict):
        yield from (
            pattern for each in cast("dict[object, object]", value).values() for pattern in patterns_in(each)
        )
    elif isinstance(value, list | tuple | set | frozenset):
        yield from (pattern for each in cast("list[object]", value) for pattern in patterns_in(each))


def all_patterns() -> dict[str, Pattern]:
    return {
        f"{pattern.pattern!r} {pattern.flags}": pattern
        for module in modules()
        for value in vars(module).values()
        for pattern in patterns_in(value)
    }


def slowest(pattern: Pattern, prefix: str, pump: str, length: int) -> float:
    """The longest search in an input of this length, the best of three."""
    taken = 0.0
    for suffix in SUFFIXES:
        text = prefix + pump * (length // len(pump)) + suffix
        content = text.encode("latin-1") if isinstance(pattern.pattern, bytes) else text
        best = 1.0
        for _ in range(3):
            # Of the processor, since a busy machine stops a measurement half-way.
            started = time.thread_time()
            pattern.search(content)
            best = min(best, time.thread_time() - started)
        taken = max(taken, best)
    return taken


def attack(pattern: Pattern) -> str | None:
    """An input to which the pattern takes more than proportional time."""
    for prefix, pump in product(PREFIXES, PUMPS):
        if all(grows(pattern, prefix, pump) for _ in range(MEASUREMENTS)):
            return f"{prefix!r} + n * {pump!r}"
    return None


def grows(pattern: Pattern, prefix: str, pump: str) -> bool:
    long = slowest(pattern, prefix, pump, 4 * SHORT)
    return long > NOTICED_SECONDS and long > GROWTH * slowest(pattern, prefix, pump, SHORT)


@pytest.mark.parametrize("pattern", all_patterns().values(), ids=all_patterns())
def test_pattern_takes_linear_time(pattern: Pattern) -> None:
    assert attack(pattern) is None


@pytest.mark.parametrize("expression", [r"^(\d+\.?\d*|\.\d+)$", r"^\s*\s*$", r"^a*a*_$", r"^[a_]+[a ]+\Z"])
def test_quadratic_pattern_is_found(expression: str) -> None:
    pattern = re.compile(expression)
    assert attack(pattern) is not None


def compiled_elsewhere(tree: ast.Module) -> list[int]:
    """Lines on which a pattern is compiled or used other than as a constant of the module."""
    constants = {
        id(call)
        for statement in tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None
        for call in ast.walk(statement.value)
    }
    return [
        call.lineno
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "re"
        and call.func.attr != "escape"
        and id(call) not in constants
    ]


def test_every_pattern_is_a_constant_of_its_module() -> None:
    """Otherwise the test above would not see it."""
    sources = [
        path for package in map(import_module, PACKAGES) for path in Path(package.__path__[0]).rglob("*.py")
    ]
    assert len(sources) > 100
    found = {str(path.relative_to(ROOT)): compiled_elsewhere(ast.parse(path.read_text())) for path in sources}
    assert {path: lines for path, lines in found.items() if lines} == {}
