"""A Dask worker imports neither a database nor a web framework."""

import json
import subprocess
import sys

FORBIDDEN = (
    "fastapi",
    "sqlalchemy",
    "asyncpg",
    "starlette",
    "httpx",
    "uvicorn",
    "kit.database",
    "kit.problems",
)
PROGRAM = """
import json, sys
import ml_service.learning.tasks
print(json.dumps(sorted(sys.modules)))
"""
ALLOWED = ("ml_service.learning", "ml_service.store", "ml_service.training.dates")


def test_worker_tasks_import_no_database_and_no_web_framework() -> None:
    process = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)  # noqa: S603 - our own program
    modules = json.loads(process.stdout)
    assert [name for name in modules if name.startswith(FORBIDDEN)] == []
    own = [name for name in modules if name.startswith("ml_service.")]
    assert [name for name in own if not name.startswith(ALLOWED)] == []


def test_service_imports_no_library_of_the_workers() -> None:
    """Each would add 30 to 100 MB to every replica, and to its reader processes."""
    program = "import json, sys\nimport ml_service.main\nprint(json.dumps(sorted(sys.modules)))\n"
    process = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)  # noqa: S603 - as above
    modules = set(json.loads(process.stdout))
    assert {"scipy", "sklearn", "pandas", "treelite"} & modules == set()
