"""OpenAPI documents: reduction to the published routes, and merge. Pure functions over parsed JSON."""

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

Document = dict[str, Any]  # Any: parsed JSON
Node = Any  # any node of parsed JSON
Published = Callable[[str, str], bool]

COMPONENT = re.compile(r"#/components/([A-Za-z]+)/(.+)")
METHODS = frozenset(("get", "put", "post", "delete", "options", "head", "patch", "trace"))
VERSION = "3.1.0"


def keep_published(document: Document, is_published: Published) -> Document:
    """Reduce the document to the published operations and the components that they use."""
    paths: Document = {}
    for path, item in document.get("paths", {}).items():
        operations = {
            key: deepcopy(value)
            for key, value in item.items()
            if key not in METHODS or is_published(key.upper(), path)
        }
        if METHODS & operations.keys():
            paths[path] = operations
    components = _used_components(paths, document.get("components", {}))
    return {**document, "paths": paths, "components": components}


def merge(title: str, description: str, documents: dict[str, Document]) -> Document:
    """Merge the documents into one; components get the service's name as a prefix."""
    merged: Document = {
        "openapi": VERSION,
        "info": {"title": title, "version": "1", "description": description},
        "paths": {},
        "components": {},
    }
    for service, document in documents.items():
        prefixed = _prefixed(document, service)
        for path, item in prefixed["paths"].items():
            merged["paths"].setdefault(path, {}).update(item)
        for kind, named in prefixed["components"].items():
            merged["components"].setdefault(kind, {}).update(named)
    merged["paths"] = dict(sorted(merged["paths"].items()))
    return merged


def _used_components(paths: Document, components: Document) -> Document:
    used: Document = {}
    unresolved = [*_references(paths)]
    # Operations name their security schemes rather than refer to them by `$ref`.
    used["securitySchemes"] = deepcopy(components.get("securitySchemes", {}))
    while unresolved:
        kind, name = unresolved.pop()
        if name not in used.setdefault(kind, {}):
            used[kind][name] = deepcopy(components[kind][name])
            unresolved += _references(used[kind][name])
    return {kind: dict(sorted(named.items())) for kind, named in used.items() if named}


def _references(node: Node) -> Iterator[tuple[str, str]]:
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, dict):
        for value in node.values():
            match = COMPONENT.fullmatch(value) if isinstance(value, str) else None
            if match:
                yield match[1], match[2]
            else:
                yield from _references(value)


def _prefixed(document: Document, service: str) -> Document:
    components = {
        kind: named if kind == "securitySchemes" else {f"{service}.{name}": named[name] for name in named}
        for kind, named in document["components"].items()
    }
    renamed: Document = _renamed({"paths": document["paths"], "components": components}, service)
    for item in renamed["paths"].values():
        for method in METHODS & item.keys():
            _mark_operation(item[method], service)
    return renamed


def _mark_operation(operation: Document, service: str) -> None:
    if "operationId" in operation:
        operation["operationId"] = f"{service}_{operation['operationId']}"
    operation["tags"] = [f"{service}: {tag}" for tag in operation.get("tags", [])] or [service]


def _renamed(node: Node, service: str) -> Node:
    if isinstance(node, list):
        return [_renamed(item, service) for item in node]
    if isinstance(node, dict):
        return {key: _renamed(value, service) for key, value in node.items()}
    match = COMPONENT.fullmatch(node) if isinstance(node, str) else None
    return f"#/components/{match[1]}/{service}.{match[2]}" if match else node
