"""Write requirements.txt and requirements-dev.txt: exact versions with hashes, without index addresses.

The first is all that runs the stack; the second is what tests and checks need beside it.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1]
RUN_TIME = PROJECT / "requirements.txt"
DEVELOPMENT = PROJECT / "requirements-dev.txt"
# What installs our own packages, and those of the images.
BUILD_TOOLS = ("editables", "hatchling", "uv")
OPTIONS = [
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-header",
    "--no-annotate",
    "--quiet",
]


def dependencies() -> list[str]:
    names: set[str] = set()
    for path in PROJECT.glob("*/pyproject.toml"):
        names |= set(tomllib.loads(path.read_text())["project"]["dependencies"])
    return sorted(dependency for dependency in names if not dependency.startswith("farebox"))


def lock() -> None:
    """Resolve what runs the stack, and then the rest with the same versions."""
    with tempfile.TemporaryDirectory() as folder:
        direct = Path(folder) / "farebox.in"
        direct.write_text("\n".join((*dependencies(), *BUILD_TOOLS)) + "\n")
        _compile(str(direct), "--output-file", str(RUN_TIME))
    _compile("requirements-dev.in", "--constraint", str(RUN_TIME), "--output-file", str(DEVELOPMENT))
    common = set(entries(RUN_TIME.read_text()))
    DEVELOPMENT.write_text("".join(each for each in entries(DEVELOPMENT.read_text()) if each not in common))


def entries(text: str) -> list[str]:
    """The packages of a lock, each with its hashes."""
    return re.findall(r"^[A-Za-z0-9][^\n]*\n(?: [^\n]*\n)*", text, re.MULTILINE)


def _compile(*arguments: str) -> None:
    command = [sys.executable, "-m", "uv", "pip", "compile", *OPTIONS, *arguments]
    subprocess.run(command, cwd=PROJECT, check=True)  # noqa: S603 - our own command


if __name__ == "__main__":
    lock()
