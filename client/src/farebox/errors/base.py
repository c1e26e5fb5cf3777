"""The root of everything that can go wrong."""

from collections.abc import Mapping


class FareboxError(Exception):
    """The root of the tree: catch this to catch whatever Farebox has to say.

    `code` is the machine's word for it, `status` the HTTP status (None when no answer came), `request_id`
    what to quote when asking for help, and `members` whatever else the answer told.
    """

    code: str = "error"
    status: int | None = None

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.status = status or type(self).status
        self.request_id = request_id
        self.members = dict(members or {})
