"""The catalogue of planted faults fits the code; `make plant` shows that the tests notice each of them."""

from pathlib import Path

import pytest
from tests.planted.catalogue import CATALOGUE, FAULTS
from tests.planted.fault import Fault, NotPlantable
from tests.planted.run import check_fault, run_tests

PROJECT = Path(__file__).parents[2]
FEWEST_FAULTS = 30
TESTS = """
import pytest
from arithmetic import double

def test_with_eyes():
    assert double(3) == 6

def test_without_eyes():
    assert double(0) == 0

@pytest.mark.skip
def test_asleep():
    assert double(3) == 6

@pytest.fixture
def six():
    assert double(3) == 6

def test_with_fixture(six): ...

def test_red_anyway():
    assert double(3) == 7
"""


def test_names_are_unique() -> None:
    assert len(FAULTS) == sum(map(len, CATALOGUE.values())) >= FEWEST_FAULTS


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_text_to_replace_is_in_its_file_once_and_its_test_exists(fault: Fault) -> None:
    compile(fault.planted_in(PROJECT), fault.file, "exec")
    path, *names = fault.test.partition("[")[0].split("::")
    assert all(f" {name}" in (PROJECT / path).read_text() for name in names)


@pytest.mark.parametrize(
    ("content", "replacement"), [("b = 2\n", "a = 0"), ("a = 1\na = 1\n", "a = 0"), ("a = 1\n", "a = 1")]
)
def test_text_that_is_missing_repeated_or_unchanged_is_refused(
    content: str, replacement: str, tmp_path: Path
) -> None:
    (tmp_path / "code.py").write_text(content)
    with pytest.raises(NotPlantable):
        Fault("name", "code.py", "a = 1", replacement, "tests/unit").plant(tmp_path)
    assert (tmp_path / "code.py").read_text() == content


@pytest.mark.slow
@pytest.mark.parametrize(
    ("test", "verdict"),
    [
        ("test_with_eyes", "noticed"),
        ("test_without_eyes", "unnoticed"),
        ("test_asleep", "broken"),
        ("test_with_fixture", "broken"),
        ("test_red_anyway", "broken"),
        ("test_missing", "broken"),
    ],
)
def test_fault_is_noticed_only_by_a_test_that_fails_because_of_it(
    test: str, verdict: str, tmp_path: Path
) -> None:
    (tmp_path / "arithmetic.py").write_text("def double(number):\n    return 2 * number\n")
    (tmp_path / "test_arithmetic.py").write_text(TESTS)
    fault = Fault("squared", "arithmetic.py", "2 * number", "number**2", f"test_arithmetic.py::{test}")
    result = check_fault(tmp_path, fault, run_tests(tmp_path, fault.test))
    assert result.verdict == verdict, result.reason
    assert "2 * number" in (tmp_path / "arithmetic.py").read_text()
