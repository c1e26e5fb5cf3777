"""Write docs/licences.md: each locked package's licence. With --check, only say what is wrong with it."""

import json
import re
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
LISTED = PROJECT / "docs" / "licences.md"
HEAD = """# Licences of the packages that are locked

Made by `make licences`. All of them let a service be run and handed on without opening its own source.

| package | licence |
|---|---|
"""
ALLOWED = re.compile(
    r"(the )?(0?bsd|3-clause bsd|apache|cc0|cnri|dfsg approved|isc|mit|mozilla|mpl|psf|python software"
    r"|unlicense|zlib)",
    re.IGNORECASE,
)
# Their metadata names none, or in words of its own; their repositories do.
READ_BY_HAND = {"skops": "MIT", "supervisor": "BSD-3-Clause-Modification"}


def licences() -> dict[str, str]:
    """Of the locked packages that are installed here; some are for other systems or other Pythons."""
    program = Path(sys.executable).with_name("pip-licenses")
    command = [str(program), "--from=mixed", "--format=json"]
    reported = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # noqa: S603 - our own command
    found = {normal(each["Name"]): each["License"] for each in reported}
    return {name: READ_BY_HAND.get(name) or found[name] for name in sorted(locked() & found.keys())}


def locked() -> set[str]:
    lines = (PROJECT / "requirements.txt").read_text().splitlines()
    return {normal(re.split(r"[\[=]", line)[0]) for line in lines if re.match(r"[A-Za-z0-9]", line)}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def is_allowed(licence: str) -> bool:
    parts = re.split(r"\bAND\b|\bOR\b|;|[()]", licence)
    return all(ALLOWED.match(part.strip()) for part in parts if part.strip())


def complaints() -> list[str]:
    text = LISTED.read_text()
    found = licences()
    refused = [
        f"{name}: {licence} is not allowed" for name, licence in found.items() if not is_allowed(licence)
    ]
    missing = [
        f"{name}: run make licences" for name, licence in found.items() if row(name, licence) not in text
    ]
    return refused + missing


def row(name: str, licence: str) -> str:
    return f"| {name} | {licence} |\n"


if __name__ == "__main__":
    if "--check" not in sys.argv:
        LISTED.write_text(HEAD + "".join(row(*each) for each in licences().items()))
    for complaint in (wrong := complaints()):
        sys.stdout.write(f"{complaint}\n")
    sys.exit(bool(wrong))
