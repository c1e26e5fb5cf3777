"""The architecture: packages, layers and folders that may import each other, and what pure code may reach."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path, PurePath

import pytest

PROJECT = Path(__file__).parents[2]
SERVICES = {"auth_service", "billing_service", "ml_service", "gateway"}
PACKAGES = SERVICES | {"kit", "local", "farebox", "dashboard"}
VAGUE = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "core", "misc", "parts"}
MAY_IMPORT_FASTAPI = {"endpoints", "container", "main", "callers", "dependencies"}
LAYERS = ("endpoints", "service", "repository", "queries", "models", "schemas", "rules")
# Layers that each layer must not import; endpoints may call a query or a repository directly.
MUST_NOT_IMPORT = {
    "service": {"endpoints"},
    "repository": {"endpoints", "service", "schemas"},
    "queries": {"endpoints", "service"},
    "models": {"endpoints", "service", "repository", "queries", "schemas"},
    "schemas": {"endpoints", "repository"},
    "rules": {"endpoints", "service", "repository", "queries", "models", "schemas"},
}
STATEMENTS = {"select", "insert", "update", "delete"}
MAY_BUILD_STATEMENTS = {"repository", "queries"}
WEB_AND_DATABASE = {"fastapi", "starlette", "sqlalchemy", "asyncpg", "httpx", "aiohttp", "uvicorn"}
# Rules also run in a notebook: no clock, no disk, no event loop, no cluster.
IMPURE = WEB_AND_DATABASE | {"asyncio", "dask", "distributed", "os", "pathlib"}
# The code of a Dask worker. It reads and writes files, so it may use paths.
WORKER_WING = "ml_service.learning"
# Words of the business have no place among the mechanisms.
DOMAIN_WORDS = {
    "wallet",
    "ledger",
    "dataset",
    "training",
    "prediction",
    "price",
    "receipt",
    "charge",
}


def layer_of(module: str) -> str:
    """`wallet_rules` and `admin_endpoints` belong to the layers that end their names."""
    return next((layer for layer in LAYERS if module.endswith(layer)), module)


def imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Each imported module with the name taken from it, which may itself be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


def faults(package: str, path: PurePath, source: str) -> Iterator[str]:
    """Faults of one module of a package; `path` begins below the package."""
    tree, layer = ast.parse(source), layer_of(path.stem)
    yield from (f"{part} says nothing" for part in (*path.parts[:-1], path.stem) if part in VAGUE)
    for module, name in imports(tree):
        root = module.partition(".")[0]
        if root in (PACKAGES if package == "kit" else SERVICES) - {package}:
            yield f"imports {root}"
        if package in SERVICES:
            yield from layer_faults(package, layer, module, name)
    if package in SERVICES | {"kit"} and layer not in {"settings", "fault_points"}:
        yield from (f"reads the environment, line {line}" for line in environment_reads(tree))
    if package in SERVICES and layer == "rules":
        yield from (f"awaits, line {n.lineno}" for n in ast.walk(tree) if isinstance(n, ast.AsyncFunctionDef))
    if package == "kit":
        yield from (f"knows the domain word {word}" for word in DOMAIN_WORDS if word in source.lower())


def layer_faults(package: str, layer: str, module: str, name: str) -> Iterator[str]:
    root = module.partition(".")[0]
    if root == package:
        # package.noun.module, or package.noun with the module's name taken from it
        imported = layer_of([*module.split("."), name, ""][2])
        if imported in MUST_NOT_IMPORT.get(layer, set()):
            yield f"{layer} imports {imported}"
    if root == "fastapi" and layer not in MAY_IMPORT_FASTAPI:
        yield "imports fastapi"
    if root == "sqlalchemy" and name in STATEMENTS and layer not in MAY_BUILD_STATEMENTS:
        yield f"imports {name} of sqlalchemy"


def environment_reads(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        named = node.attr if isinstance(node, ast.Attribute) else getattr(node, "name", "")
        if named in ("environ", "getenv"):
            yield getattr(node, "lineno", 0)


@cache
def sources() -> Mapping[str, Path]:
    """Each module of ours by its dotted name; a package by its own."""
    found: dict[str, Path] = {}
    for root in PROJECT.glob("*/src/*"):
        for path in root.rglob("*.py"):
            parts = [root.name, *path.relative_to(root).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def direct_imports(module: str) -> frozenset[str]:
    """Modules of ours by their dotted names, and the roots of all others."""
    found: set[str] = set()
    for imported, name in imports(_run_at_import(sources()[module])):
        candidates = [f"{imported}.{name}", imported]
        ours = next((each for each in candidates if each in sources()), None)
        found.add(ours or imported.partition(".")[0])
        if ours is not None:
            # A module's packages are imported with it.
            steps = ours.split(".")
            found |= {".".join(steps[:n]) for n in range(1, len(steps))} & sources().keys()
    return frozenset(found)


def _run_at_import(path: Path) -> ast.Module:
    """The module without code that does not run at import: bodies of functions and `if TYPE_CHECKING`."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        skipped = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        if skipped or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = []
    return tree


def path_to(module: str, forbidden: set[str]) -> list[str]:
    """The shortest chain of imports from a module to something forbidden; empty if there is none."""
    chains, seen = [[module]], {module}
    while chains:
        chain = chains.pop(0)
        for imported in sorted(direct_imports(chain[-1])):
            if imported in forbidden:
                return [*chain, imported]
            if imported in sources() and imported not in seen:
                seen.add(imported)
                chains.append([*chain, imported])
    return []


def folder_of(module: str, depth: int) -> str:
    """The folder that holds a module, at most `depth` below its package; a top-level module is its own."""
    is_package = sources()[module].name == "__init__.py"
    steps = module.split(".")
    holders = steps if is_package else steps[:-1]
    return ".".join(holders[: 1 + depth]) if len(holders) > 1 else module


def folder_cycles(package: str, depth: int) -> set[str]:
    edges: dict[str, set[str]] = {}
    for module in sources():
        if module.split(".")[0] == package and module != package:
            here = folder_of(module, depth)
            there = {
                folder_of(each, depth)
                for each in direct_imports(module)
                if each.split(".")[0] == package and each != package and not here.startswith(f"{each}.")
            }
            edges.setdefault(here, set()).update(there - {here})
    return {folder for folder in edges if folder in reachable(folder, edges)}


def reachable(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(edges.get(start, ()))
    while waiting:
        each = waiting.pop()
        if each not in seen:
            seen.add(each)
            waiting += edges.get(each, ())
    return seen


def test_every_package_is_checked() -> None:
    assert {module.partition(".")[0] for module in sources()} >= PACKAGES


def test_every_module_keeps_to_its_layer_and_package() -> None:
    found = [
        f"{module}: {fault}"
        for module, path in sources().items()
        for fault in faults(module.partition(".")[0], _below_package(path), path.read_text())
    ]
    assert not found, "\n".join(sorted(found))


def _below_package(path: Path) -> Path:
    return Path(*path.relative_to(PROJECT).parts[3:])


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_folders_import_each_other_in_one_direction(package: str, depth: int) -> None:
    assert folder_cycles(package, depth) == set()


def test_rules_reach_no_framework_database_or_clock_through_any_module() -> None:
    rules = [module for module in sources() if layer_of(module.rpartition(".")[2]) == "rules"]
    assert len(rules) >= 5
    # Rules of learning import tables, which read files; the wing has a test of its own below.
    forbidden = {m: IMPURE - {"os", "pathlib"} if m.startswith(WORKER_WING) else IMPURE for m in rules}
    found = [" -> ".join(chain) for module in rules if (chain := path_to(module, forbidden[module]))]
    assert not found, "\n".join(found)


def test_code_of_workers_reaches_no_framework_or_database_through_any_module() -> None:
    wing = [module for module in sources() if module.startswith(WORKER_WING)]
    assert len(wing) >= 30
    found = [" -> ".join(chain) for module in wing if (chain := path_to(module, WEB_AND_DATABASE))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("package", "path", "source"),
    [
        ("billing_service", "wallets/service.py", "from billing_service.wallets import endpoints"),
        ("billing_service", "wallets/repository.py", "from billing_service.wallets.service import Wallets"),
        ("billing_service", "wallets/models.py", "import billing_service.wallets.schemas"),
        ("billing_service", "wallets/wallet_rules.py", "from billing_service.wallets.models import Wallet"),
        ("billing_service", "wallets/rules.py", "async def decide() -> None: ..."),
        ("billing_service", "wallets/service.py", "from fastapi import Request"),
        ("billing_service", "wallets/service.py", "from sqlalchemy import select"),
        ("billing_service", "wallets/service.py", "from sqlalchemy.dialects.postgresql import insert"),
        ("billing_service", "wallets/service.py", "import os\nos.environ['X']"),
        ("billing_service", "main.py", "from os import getenv"),
        ("billing_service", "main.py", "from auth_service.settings import AuthSettings"),
        ("kit", "app.py", "import billing_service"),
        ("kit", "app.py", "wallets = {}"),
        ("kit", "utils.py", ""),
        ("gateway", "core/main.py", ""),
    ],
)
def test_fault_is_found(package: str, path: str, source: str) -> None:
    assert list(faults(package, PurePath(path), source))


def test_forbidden_import_is_found_through_other_modules() -> None:
    chain = path_to("kit.authentication", {"sqlalchemy", "jwt"})
    assert chain[0] == "kit.authentication"
    assert chain[-1] == "jwt"
    assert path_to("kit.outbox", {"sqlalchemy"})[-1] == "sqlalchemy"
    assert path_to("kit.app", {"asyncpg"})[-1] == "asyncpg"
    assert len(path_to("kit.app", {"asyncpg"})) > 2


def test_cycle_between_folders_is_found() -> None:
    edges = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}
    assert {each for each in edges if each in reachable(each, edges)} == {"a", "b", "c"}
