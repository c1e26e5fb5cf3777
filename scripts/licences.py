"""Write docs/licences.md, the licences of the locked packages; with --check only report problems."""

import json
import re
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
DOCUMENT = PROJECT / "docs" / "licences.md"
HEAD = """# Licences of the packages that are locked

Written by `make licences`. Each allows running and distributing a service without publishing its source.

| package | licence |
|---|---|
"""
ALLOWED = re.compile(
    r"(the )?(0?bsd|3-clause bsd|apache|cc0|cnri|dfsg approved|isc|mit|mozilla|mpl|psf|python software"
    r"|unlicense|zlib)",
    re.IGNORECASE,
)
# Named in the package's repository, but not as a standard licence in its metadata.
CONFIRMED = {"skops": "MIT", "supervisor": "BSD-3-Clause-Modification"}


def licences() -> dict[str, str]:
    """Licences of the locked packages that are installed; the others are for other systems or Pythons."""
    program = Path(sys.executable).with_name("pip-licenses")
    command = [str(program), "--from=mixed", "--format=json"]
    installed = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # noqa: S603 - our own command
    by_name = {normalize(package["Name"]): package["License"] for package in installed}
    return {name: CONFIRMED.get(name) or by_name[name] for name in sorted(locked() & by_name.keys())}


def locked() -> set[str]:
    files = (PROJECT / "requirements.txt", PROJECT / "requirements-dev.txt")
    lines = [line for file in files for line in file.read_text().splitlines()]
    return {normalize(re.split(r"[\[=]", line)[0]) for line in lines if re.match(r"[A-Za-z0-9]", line)}


def normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def is_allowed(licence: str) -> bool:
    names = re.split(r"\bAND\b|\bOR\b|;|[()]", licence)
    return all(ALLOWED.match(name.strip()) for name in names if name.strip())


def problems() -> list[str]:
    text = DOCUMENT.read_text()
    by_name = licences()
    refused = [
        f"{name}: {licence} is not allowed" for name, licence in by_name.items() if not is_allowed(licence)
    ]
    missing = [
        f"{name}: run make licences" for name, licence in by_name.items() if row(name, licence) not in text
    ]
    return refused + missing


def row(name: str, licence: str) -> str:
    return f"| {name} | {licence} |\n"


if __name__ == "__main__":
    if "--check" not in sys.argv:
        DOCUMENT.write_text(HEAD + "".join(row(*entry) for entry in licences().items()))
    all_problems = problems()
    sys.stdout.writelines(f"{problem}\n" for problem in all_problems)
    sys.exit(bool(all_problems))
