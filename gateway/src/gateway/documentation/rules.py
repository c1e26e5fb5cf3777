"""OpenAPI documents cut down to what is published, and joined into one. Pure functions over parsed JSON."""

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

Document = dict[str, Any]  # Any: parsed JSON
Node = Any  # any node of parsed JSON
Published = Callable[[str, str], bool]

COMPONENT = re.compile(r"#/components/([A-Za-z]+)/(.+)")
METHODS = frozenset(("get", "put", "post", "delete", "options", "head", "patch", "trace"))
VERSION = "3.1.0"


def cut_down(document: Document, is_published: Published) -> Document:
    """Only the operations that are published, and only the components that they use."""
    paths: Document = {}
    for path, item in document.get("paths", {}).items():
        kept = {
            key: deepcopy(value)
            for key, value in item.items()
            if key not in METHODS or is_published(key.upper(), path)
        }
        if METHODS & kept.keys():
            paths[path] = kept
    components = _components_used(paths, document.get("components", {}))
    return {**document, "paths": paths, "components": components}


def join(title: str, description: str, parts: dict[str, Document]) -> Document:
    """One document; each part's components keep apart from another's of the same name by a prefix."""
    joined: Document = {
        "openapi": VERSION,
        "info": {"title": title, "version": "1", "description": description},
        "paths": {},
        "components": {},
    }
    for part, document in parts.items():
        prefixed = _prefixed(document, part)
        for path, item in prefixed["paths"].items():
            joined["paths"].setdefault(path, {}).update(item)
        for kind, named in prefixed["components"].items():
            joined["components"].setdefault(kind, {}).update(named)
    joined["paths"] = dict(sorted(joined["paths"].items()))
    return joined


def _components_used(paths: Document, components: Document) -> Document:
    used: Document = {}
    waiting = [*_references(paths)]
    # Security schemes are named, not referred to, by the operations that need them.
    used["securitySchemes"] = deepcopy(components.get("securitySchemes", {}))
    while waiting:
        kind, name = waiting.pop()
        if name not in used.setdefault(kind, {}):
            used[kind][name] = deepcopy(components[kind][name])
            waiting += _references(used[kind][name])
    return {kind: dict(sorted(named.items())) for kind, named in used.items() if named}


def _references(node: Node) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    _visit(node, lambda kind, name: found.append((kind, name)))
    return found


def _visit(node: Node, see: Callable[[str, str], object]) -> None:
    if isinstance(node, list):
        for each in node:
            _visit(each, see)
    elif isinstance(node, dict):
        for value in node.values():
            match = COMPONENT.fullmatch(value) if isinstance(value, str) else None
            if match:
                see(match[1], match[2])
            else:
                _visit(value, see)


def _prefixed(document: Document, part: str) -> Document:
    components = {
        kind: named if kind == "securitySchemes" else {f"{part}.{name}": each for name, each in named.items()}
        for kind, named in document["components"].items()
    }
    renamed: Document = _renamed({"paths": document["paths"], "components": components}, part)
    for item in renamed["paths"].values():
        for method in METHODS & item.keys():
            _keep_apart(item[method], part)
    return renamed


def _keep_apart(operation: Document, part: str) -> None:
    if "operationId" in operation:
        operation["operationId"] = f"{part}_{operation['operationId']}"
    operation["tags"] = [f"{part}: {tag}" for tag in operation.get("tags", [])] or [part]


def _renamed(node: Node, part: str) -> Node:
    if isinstance(node, list):
        return [_renamed(each, part) for each in node]
    if isinstance(node, dict):
        return {key: _renamed(value, part) for key, value in node.items()}
    match = COMPONENT.fullmatch(node) if isinstance(node, str) else None
    return f"#/components/{match[1]}/{part}.{match[2]}" if match else node
