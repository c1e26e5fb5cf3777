"""Account names, passwords and clients' networks: their rules, and the field types of requests."""

import unicodedata
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from auth_service.errors import TimeWithoutOffset
from kit.fields import storable_text

LONGEST_NAME = 254
# Twice the limit: normalisation may shorten a name, but should not run on unbounded text.
LONGEST_RAW_NAME = 2 * LONGEST_NAME
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 256
SHORTEST_COURSE_PASSWORD, LONGEST_COURSE_PASSWORD = 4, 72
IPV4_PREFIX_BITS = 24
IPV6_PREFIX_BITS = 64  # the network of one subscriber, who chooses the remaining bits freely
UNKNOWN_NETWORK = "unknown"


def account_name(text: str) -> str:
    """Normalise a name for storage; raises ValueError with a sentence for invalid text."""
    name = unicodedata.normalize("NFKC", text.strip())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise ValueError(f"must have 1 to {LONGEST_NAME} characters")
    if any(not _allowed_in_names(character) for character in name):
        raise ValueError("must not contain spaces, slashes, control or invisible characters")
    return name


def email_name(text: str) -> str:
    """Normalise an e-mail address that serves as an account name; raises ValueError.

    No mail is ever sent, so addresses of private networks such as `admin@farebox.local` are valid.
    """
    name = account_name(text)
    local, at, domain = name.rpartition("@")
    if not (local and at and domain) or "@" in local or domain.startswith(".") or domain.endswith("."):
        raise ValueError("must be an e-mail address, such as ada@example.org")
    return name


def _allowed_in_names(character: str) -> bool:
    # C* are control, format, surrogate and unassigned characters; Z* are spaces and line breaks.
    return unicodedata.category(character)[0] not in "CZ" and character != "/"


def network_of(address: str) -> str:
    """The /24 or /64 of an address; one network for whatever is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return UNKNOWN_NETWORK
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    if isinstance(parsed, IPv4Address):
        return str(IPv4Network((int(parsed), IPV4_PREFIX_BITS), strict=False))
    return str(IPv6Network((int(parsed), IPV6_PREFIX_BITS), strict=False))


Storable = AfterValidator(storable_text)
RawName = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_RAW_NAME), Storable]
NewName = Annotated[RawName, AfterValidator(account_name)]
NewEmail = Annotated[RawName, AfterValidator(email_name)]
NewPassword = Annotated[
    str, StringConstraints(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD), Storable
]
CoursePassword = Annotated[
    str, StringConstraints(min_length=SHORTEST_COURSE_PASSWORD, max_length=LONGEST_COURSE_PASSWORD), Storable
]
# For login: a longer password was never accepted, so it is refused without hashing.
AnyPassword = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_PASSWORD), Storable]


def with_offset(moment: datetime) -> datetime:
    """The moment in UTC; raises TimeWithoutOffset, as nobody can know which zone is meant."""
    if moment.tzinfo is None:
        raise TimeWithoutOffset
    return moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(with_offset)]


class StrictBody(BaseModel):
    """A request body that refuses unknown fields."""

    model_config = ConfigDict(extra="forbid")
