"""Finds the route for a request's path, comparing segments and nothing cleverer."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from gateway.routing import Route
from kit.errors import MethodNotAllowed, RouteNotFound

SEGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+")
# What an upstream that decodes the path could take for a separator, a step upwards or the end.
FORBIDDEN_ONCE_DECODED = re.compile(r"[/\\\x00-\x1f\x7f]")


@dataclass(slots=True)
class Branch:
    literal: dict[str, "Branch"] = field(default_factory=dict[str, "Branch"])
    parameter: "Branch | None" = None
    methods: dict[str, Route] = field(default_factory=dict[str, Route])


class RouteTable:
    """A tree of path segments, so that a look-up costs the same however many routes there are."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        self._root = Branch()
        for route in routes:
            self._add(route)

    def find(self, method: str, raw_path: str) -> Route:
        """The route of this undecoded path; raises RouteNotFound or MethodNotAllowed."""
        branch = self._branch_at(raw_path)
        if branch is None or not branch.methods:
            raise RouteNotFound("There is nothing at this address; the routes are listed at /docs.")
        route = branch.methods.get(method)
        if route is None:
            allowed = ", ".join(sorted(branch.methods))
            raise MethodNotAllowed(
                "This address does not take that method; see /docs.", headers={"Allow": allowed}
            )
        return route

    def _add(self, route: Route) -> None:
        branch = self._root
        for segment in route.path.split("/")[1:]:
            if segment.startswith("{"):
                branch.parameter = branch = branch.parameter or Branch()
            else:
                branch = branch.literal.setdefault(segment, Branch())
        for method in route.methods:
            branch.methods[method] = route

    def _branch_at(self, raw_path: str) -> Branch | None:
        branch: Branch | None = self._root
        first, *segments = raw_path.split("/")
        if first:
            return None
        for segment in segments:
            following = branch.literal.get(segment)
            if following is None and is_plain(segment):
                following = branch.parameter
            if following is None:
                return None
            branch = following
        return branch


def is_plain(segment: str) -> bool:
    """True for a path segment that no server, however it decodes, can read as anything but one segment."""
    if not SEGMENT.fullmatch(segment):
        return False
    text = unquote(segment) if "%" in segment else segment
    return text not in (".", "..") and not FORBIDDEN_ONCE_DECODED.search(text)
