"""What `up` left for the commands that follow it."""

import json
from dataclasses import asdict, dataclass

from local.files import write_private
from local.home import Home
from local.ports import Ports


@dataclass(frozen=True)
class Running:
    """A stack that came up: where it is, and who may administer it."""

    ports: Ports
    admin_email: str

    def save(self, home: Home) -> None:
        write_private(home.state, json.dumps(asdict(self)))

    @classmethod
    def load(cls, home: Home) -> "Running | None":
        if not home.state.exists():
            return None
        known = json.loads(home.state.read_text())
        return cls(Ports(**known["ports"]), known["admin_email"])
