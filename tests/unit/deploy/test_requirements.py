"""Locks: what runs the stack, apart from what tests and checks need beside it."""

import re
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
PIN = re.compile(
    r"^(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[^ ;\\]+)(?P<rest>[^\n]*\n(?: [^\n]*\n)*)", re.MULTILINE
)
NAME = re.compile(r"^[A-Za-z0-9._-]+")


def pins(file: str) -> dict[str, str]:
    """The version of each package of a lock."""
    found = list(PIN.finditer((PROJECT / file).read_text()))
    assert all("--hash=sha256:" in each["rest"] for each in found)
    return {each["name"]: each["version"] for each in found}


def names(requirements: list[str]) -> set[str]:
    found = (NAME.match(each) for each in requirements)
    return {each[0].lower() for each in found if each} - {"farebox", "farebox-kit", "farebox-dashboard"}


def test_stack_runs_without_the_tools_of_tests_and_checks() -> None:
    tools = names((PROJECT / "requirements-dev.in").read_text().splitlines())
    stack = pins("requirements.txt").keys()
    # One of them is a part of the stack, too, as uvicorn needs it.
    assert tools & stack == {"pyyaml"}
    assert tools - stack <= pins("requirements-dev.txt").keys()
    assert not {"flask", "werkzeug", "boto3", "pytest"} & stack


def test_lock_has_what_our_packages_need() -> None:
    needed: set[str] = set()
    for file in PROJECT.glob("*/pyproject.toml"):
        needed |= names(tomllib.loads(file.read_text())["project"]["dependencies"])
    assert needed <= pins("requirements.txt").keys()


def test_both_locks_agree() -> None:
    stack, tools = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {name: stack[name] for name in stack.keys() & tools} == {
        name: tools[name] for name in stack.keys() & tools
    }


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_lock_names_no_address(file: str) -> None:
    assert not re.search(r"://|--(extra-)?index-url|--find-links", (PROJECT / file).read_text())


@pytest.mark.parametrize("target", ["up", "down", "status", "logs", "migrate", "demo", "demo-ui"])
def test_target_that_runs_the_stack_needs_no_tools(target: str) -> None:
    makefile = (PROJECT / "Makefile").read_text()
    assert re.search(rf"^{target}: \$\(READY\) ##", makefile, re.MULTILINE)
