"""Write requirements.txt: every dependency with exact version and hash, without index addresses."""

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1]
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


def lock() -> int:
    with tempfile.TemporaryDirectory() as folder:
        direct = Path(folder) / "farebox.in"
        direct.write_text("\n".join(dependencies()) + "\n")
        command = [sys.executable, "-m", "uv", "pip", "compile", *OPTIONS]
        files = [str(direct), "requirements-dev.in", "--output-file", "requirements.txt"]
        return subprocess.run([*command, *files], cwd=PROJECT, check=False).returncode  # noqa: S603 - our own command


if __name__ == "__main__":
    sys.exit(lock())
