"""Which module may import what. Arrows point from endpoints to service to repository to models."""

import ast
from collections.abc import Iterator
from pathlib import Path, PurePath

import pytest

PROJECT = Path(__file__).parents[2]
SERVICES = {"auth_service", "billing_service", "ml_service", "gateway"}
PACKAGES = SERVICES | {"kit", "local", "farebox", "dashboard"}
VAGUE = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "core", "misc"}
LAYERS = ("endpoints", "service", "repository", "models", "schemas", "rules")
# What a layer must not know; whatever else it imports lies to its right.
MUST_NOT_IMPORT = {
    "endpoints": {"repository"},
    "service": {"endpoints", "schemas"},
    "repository": {"endpoints", "service", "schemas"},
    "models": {"endpoints", "service", "repository", "schemas"},
    "schemas": {"endpoints", "repository"},
    "rules": {"endpoints", "service", "repository", "models", "schemas"},
}
IMPURE = {"asyncio", "fastapi", "httpx", "sqlalchemy", "asyncpg", "starlette", "dask", "os", "pathlib"}
STATEMENTS = {"select", "insert", "update", "delete"}
MAY_IMPORT_FASTAPI = {"endpoints", "dependencies", "main"}


def layer_of(module: str) -> str:
    """`wallet_rules` and `admin_endpoints` are of the layers that they are named after."""
    return next((layer for layer in LAYERS if module.endswith(layer)), module)


def imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each imported module with the name taken from it, which may itself be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


def faults(package: str, path: PurePath, source: str) -> Iterator[str]:
    """What is wrong with one module of a package; `path` begins below the package."""
    tree, layer = ast.parse(source), layer_of(path.stem)
    yield from (f"{part} says nothing" for part in (*path.parts[:-1], path.stem) if part in VAGUE)
    for module, name in imports(tree):
        root = module.partition(".")[0]
        if root in (PACKAGES if package == "kit" else SERVICES) - {package}:
            yield f"imports {root}"
        if package in SERVICES:
            yield from layer_faults(package, path, layer, module, name)
    if package in SERVICES | {"kit"} and layer != "settings":
        yield from (f"reads the environment, line {line}" for line in environment_reads(tree))
    if package in SERVICES and layer == "rules":
        yield from (f"awaits, line {n.lineno}" for n in ast.walk(tree) if isinstance(n, ast.AsyncFunctionDef))


def layer_faults(package: str, path: PurePath, layer: str, module: str, name: str) -> Iterator[str]:
    root = module.partition(".")[0]
    if root == package:
        # package.noun.module, or package.noun with the module's name taken from it
        imported = layer_of([*module.split("."), name, ""][2])
        if imported in MUST_NOT_IMPORT.get(layer, set()):
            yield f"{layer} imports {imported}"
    if root == "fastapi" and layer not in MAY_IMPORT_FASTAPI and path.parts[0] != "course":
        yield "imports fastapi"
    if root == "sqlalchemy" and name in STATEMENTS and layer != "repository":
        yield f"imports {name} of sqlalchemy"
    if layer == "rules" and root in IMPURE:
        yield f"rules import {root}"


def environment_reads(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        named = node.attr if isinstance(node, ast.Attribute) else getattr(node, "name", "")
        if named in ("environ", "getenv"):
            yield getattr(node, "lineno", 0)


def modules() -> Iterator[tuple[str, Path, Path]]:
    for root in PROJECT.glob("*/src/*"):
        for path in root.rglob("*.py"):
            yield root.name, path.relative_to(root), path


def test_every_package_is_looked_at() -> None:
    assert {package for package, _, _ in modules()} >= SERVICES | {"kit", "local"}


def test_every_module_keeps_to_its_layer_and_package() -> None:
    found = [
        f"{package}/{below}: {fault}"
        for package, below, path in modules()
        for fault in faults(package, below, path.read_text())
    ]
    assert not found, "\n".join(sorted(found))


@pytest.mark.parametrize(
    ("package", "path", "source"),
    [
        ("billing_service", "wallets/endpoints.py", "from billing_service.wallets.repository import Wallets"),
        ("billing_service", "wallets/service.py", "from billing_service.wallets import endpoints"),
        ("billing_service", "wallets/repository.py", "from billing_service.wallets.service import Wallets"),
        ("billing_service", "wallets/models.py", "import billing_service.wallets.schemas"),
        ("billing_service", "wallets/wallet_rules.py", "from billing_service.wallets.models import Wallet"),
        ("billing_service", "wallets/rules.py", "import sqlalchemy"),
        ("billing_service", "wallets/rules.py", "async def decide() -> None: ..."),
        ("billing_service", "wallets/service.py", "from fastapi import Request"),
        ("billing_service", "wallets/service.py", "from sqlalchemy import select"),
        ("billing_service", "wallets/service.py", "from sqlalchemy.dialects.postgresql import insert"),
        ("billing_service", "wallets/service.py", "import os\nos.environ['X']"),
        ("billing_service", "main.py", "from os import getenv"),
        ("billing_service", "main.py", "from auth_service.settings import AuthSettings"),
        ("kit", "app.py", "import billing_service"),
        ("kit", "utils.py", ""),
        ("gateway", "core/main.py", ""),
    ],
)
def test_a_fault_is_found(package: str, path: str, source: str) -> None:
    assert list(faults(package, PurePath(path), source))
