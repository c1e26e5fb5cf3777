"""Server-Sent Events, read line by line."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ServerEvent:
    id: str
    kind: str
    data: str


@dataclass(slots=True)
class EventReader:
    """Puts lines together to events, and remembers where to resume."""

    last_event_id: str | None = None
    _id: str | None = None
    _kind: str = ""
    _data: list[str] = field(default_factory=list[str])

    @property
    def resume_headers(self) -> Mapping[str, str]:
        accept = {"Accept": "text/event-stream"}
        return accept | ({"Last-Event-ID": self.last_event_id} if self.last_event_id else {})

    def feed(self, line: str) -> ServerEvent | None:
        """The event that this line completes, or None."""
        line = line.rstrip("\r\n")
        if line:
            self._note(line)
            return None
        # Only now is the event whole; one whose end never came is sent again when the stream is resumed.
        self.last_event_id = self._id or self.last_event_id
        event = ServerEvent(self.last_event_id or "", self._kind or "message", "\n".join(self._data))
        was_whole = bool(self._data)
        self.forget_unfinished()
        return event if was_whole else None

    def forget_unfinished(self) -> None:
        self._id, self._kind, self._data = None, "", []

    def _note(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "id":
                self._id = value
            case "event":
                self._kind = value
            case "data":
                self._data.append(value)
            case _:
                pass  # comments keep the connection alive; other fields are not used
