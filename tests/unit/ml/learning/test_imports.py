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
