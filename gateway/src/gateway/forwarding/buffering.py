"""Buffer space: memory for bodies that are received completely before a connection to an upstream is taken.

A body that trickles in would hold the connection meanwhile.
"""

from gateway.admission.body import SMALL_BODY, IncomingBody
from gateway.routing import Body

MEBIBYTE = 1024 * 1024
ALL_BODIES = 64 * MEBIBYTE
# The longest body of each class that is buffered; longer ones stream once their first bytes are there.
LONGEST = {Body.JSON: 16 * MEBIBYTE, Body.ROWS: MEBIBYTE, Body.UPLOAD: SMALL_BODY}


class BufferSpace:
    """Bounds all buffers together: when they are full, a further body streams as an upload does."""

    def __init__(self, size: int = ALL_BODIES) -> None:
        self._left = size

    def reserve(self, body: IncomingBody, kind: Body) -> int:
        """The bytes of this body to buffer, to be freed when its request ends. Small ones always fit."""
        if body.is_small:
            return 0
        wanted = LONGEST[kind] if body.declared_length is None else body.declared_length
        wanted = min(wanted, body.limit)
        if not SMALL_BODY < wanted <= min(LONGEST[kind], self._left):
            return 0
        self._left -= wanted
        return wanted

    def free(self, reserved: int) -> None:
        self._left += reserved
