"""Run tests in copies of the project: as it is, and with one fault each."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from tests.planted.fault import Fault

PROJECT = Path(__file__).parents[2]
# As many as there are cores on the machines that run the tests.
AT_ONCE = 2
TEST_SECONDS = 60
# A run of several tests, with the start of PostgreSQL.
RUN_SECONDS = 300
# Modules of every source folder, and the tests' own.
PACKAGES = (
    *("kit", "auth_service", "billing_service", "ml_service", "gateway", "farebox", "dashboard", "local"),
    *("migrations", "tests"),
)
PRINT_ORIGINS = (
    "import importlib, sys; print(*(importlib.import_module(n).__path__[0] for n in sys.argv[1:]))"
)

# noticed: the test fails because of the fault; unnoticed: it passes all the same; broken: no test has run, or
# it fails without the fault.
Verdict = Literal["noticed", "unnoticed", "broken"]
Report = Callable[["Result"], None]


@dataclass(frozen=True, slots=True)
class Run:
    """The tests of one run of pytest: how many passed, and the first that failed, with its error."""

    passed: int
    failed: int
    errors: int
    reason: str


@dataclass(frozen=True, slots=True)
class Result:
    fault: Fault
    verdict: Verdict
    reason: str
    seconds: float


def check_all(faults: Sequence[Fault], report: Report) -> list[Result]:
    """Run the tests as the project is, then each fault with its test, in copies of the project."""
    tests: dict[str, set[str]] = defaultdict(set)
    for fault in faults:
        tests[fault.test_file].add(fault.test)
    with copied_project() as project, ThreadPoolExecutor(AT_ONCE) as threads:
        # The tests of a file together, because each run takes seconds to start.
        runs = {file: threads.submit(run_tests, project, *sorted(tests[file])) for file in tests}
        intact = {file: run.result() for file, run in runs.items()}

        def check(fault: Fault) -> Result:
            result = check_fault(project, fault, intact[fault.test_file])
            report(result)
            return result

        return list(threads.map(check, faults))


def check_fault(project: Path, fault: Fault, intact: Run) -> Result:
    """Plant the fault in a copy of this intact copy, which has compiled modules, and run its test."""
    if intact.failed or intact.errors or not intact.passed:
        return Result(fault, "broken", f"without the fault: {intact.reason or 'no test passed'}", 0)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="farebox-fault-") as folder:
        planted = Path(shutil.copytree(project, Path(folder) / "project"))
        fault.plant(planted)
        run = run_tests(planted, "-x", fault.test)
    verdict: Verdict = "noticed" if run.failed else "broken" if run.errors or not run.passed else "unnoticed"
    return Result(fault, verdict, run.reason, time.monotonic() - started)


@contextmanager
def copied_project() -> Iterator[Path]:
    """A copy of the tracked files; raises RuntimeError if programs in it import modules of another place."""
    with tempfile.TemporaryDirectory(prefix="farebox-planted-") as folder:
        project = Path(folder) / "project"
        for name in _tracked_files():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, project / name)
        # From another folder, with the options of a stack's programs.
        command = [sys.executable, "-P", "-c", PRINT_ORIGINS, *PACKAGES]
        found = subprocess.run(  # noqa: S603 - our own command
            command, cwd="/", env=_environment(project), capture_output=True, text=True
        )
        foreign = [path for path in found.stdout.split() if not Path(path).is_relative_to(project)]
        if found.returncode or foreign:
            raise RuntimeError(f"Modules of another place are imported: {foreign or found.stderr}")
        yield project


def run_tests(project: Path, *arguments: str) -> Run:
    """Run tests of this copy with this interpreter; the arguments are pytest's own."""
    with tempfile.TemporaryDirectory(prefix="farebox-report-") as folder:
        report = Path(folder) / "report.xml"
        options = ["-q", "-p", "no:cacheprovider", f"--timeout={TEST_SECONDS}", f"--junitxml={report}"]
        command = [sys.executable, "-m", "pytest", *options, *arguments]
        try:
            completed = subprocess.run(  # noqa: S603 - our own command
                command,
                cwd=project,
                env=_environment(project),
                capture_output=True,
                text=True,
                timeout=RUN_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return Run(0, 0, 1, f"no end within {RUN_SECONDS} s")
        if not report.exists():
            return Run(0, 0, 1, completed.stdout[-500:] + completed.stderr[-500:])
        return _read_report(report)


def _tracked_files() -> list[str]:
    command = ["git", "-C", str(PROJECT), "ls-files", "-z"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own command
    return [name for name in listing.stdout.split("\0") if name and (PROJECT / name).exists()]


def _environment(project: Path) -> dict[str, str]:
    """PYTHONPATH precedes what is installed, also in programs that tests start."""
    sources = [str(path) for path in sorted(project.glob("*/src"))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(project), *sources])}
    # Byte code saves each run the compilation of all modules.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def _read_report(path: Path) -> Run:
    cases = list(ElementTree.parse(path).iter("testcase"))  # noqa: S314 - our own file
    faults = {kind: [case for case in cases if case.find(kind) is not None] for kind in ("failure", "error")}
    skipped = sum(case.find("skipped") is not None for case in cases)
    failed, errors = len(faults["failure"]), len(faults["error"])
    first = next((_describe(case, kind) for kind, some in faults.items() for case in some), "")
    return Run(len(cases) - skipped - failed - errors, failed, errors, first)


def _describe(case: ElementTree.Element, kind: str) -> str:
    detail = case.find(kind)
    message = "" if detail is None else detail.get("message", "")
    return f"{case.get('name')}: {' '.join(message.split())[:160]}"
