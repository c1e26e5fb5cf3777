"""Hostile bodies: malformed, of the wrong type or out of range, each with words of the expected error."""

import json
from dataclasses import dataclass, field

from tests.support.hostile.files import MARKER, MEBIBYTE

PREDICT = "/v1/models/{model}/predict"
JSON = "application/json"
FORM = "multipart/form-data"
CARD = "1234567899990000"
LONG_ENOUGH = "long enough"
DEEP = b"[" * 100_000 + b"]" * 100_000


@dataclass(frozen=True)
class HostileBody:
    """A body, sent by a user or by the administrator; the path's `{model}` and `{user}` are filled in."""

    name: str
    path: str
    content: bytes
    statuses: tuple[int, ...] = (422,)
    says: tuple[str, ...] = ()
    content_type: str | None = JSON
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)
    by_admin: bool = False


def _json(name: str, path: str, body: object, *says: str, **more: object) -> HostileBody:
    return HostileBody(name, path, json.dumps(body).encode(), says=says, **more)  # type: ignore[arg-type] - fields


def _features(name: str, x: object, *says: str) -> HostileBody:
    return _json(f"feature_of_{name}", PREDICT, {"features": {"x": x, "noise": 1}}, *says)


def _purchase(name: str, **changed: object) -> HostileBody:
    body = {"amount": 5, "credit_card": CARD, **changed}
    return _json(f"purchase_of_{name}", "/v1/purchases", body, next(iter(changed)))


def _account(
    name: str, account: object, password: object = LONG_ENOUGH, says: str = "name", **more: object
) -> HostileBody:
    return _json(f"account_{name}", "/v1/users", {"name": account, "password": password}, says, **more)


PREDICTIONS = [
    _features("text", MARKER, "x"),
    _features("true", True, "x"),
    _features("a_list", [1], "x"),
    _features("an_object", {MARKER: 1}, "x"),
    HostileBody("feature_of_nan", PREDICT, b'{"features": {"x": NaN, "noise": 1}}', (400,), ("JSON",)),
    HostileBody(
        "feature_of_infinity", PREDICT, b'{"features": {"x": -Infinity, "noise": 1}}', (400,), ("JSON",)
    ),
    HostileBody("feature_beyond_a_float", PREDICT, b'{"features": {"x": 1e999, "noise": 1}}', (400, 422)),
    HostileBody(
        "feature_of_400_digits", PREDICT, b'{"features": {"x": %s, "noise": 1}}' % (b"9" * 400), (400, 422)
    ),
    _json("unknown_feature", PREDICT, {"features": {"x": 1, "noise": 1, "wieght": 2}}, "wieght"),
    _json("features_as_a_list", PREDICT, {"features": [1, 2]}, "features"),
    _json("features_as_text", PREDICT, {"features": MARKER}, "features"),
    _json("no_rows", PREDICT, {"rows": []}, "rows"),
    _json("rows_that_are_not_objects", PREDICT, {"rows": [1, 2]}, "rows"),
    _json("features_and_rows", PREDICT, {"features": {"x": 1, "noise": 1}, "rows": [{"x": 1, "noise": 1}]}),
    _json(
        "one_bad_row_of_three",
        PREDICT,
        {"rows": [{"x": 1, "noise": 1}] * 2 + [{"x": MARKER, "noise": 1}]},
        "x",
    ),
    _json("body_that_is_a_list", PREDICT, [1]),
    _json("body_that_is_a_number", PREDICT, 5),
    _json("body_that_is_null", PREDICT, None),
    HostileBody("body_that_ends_early", PREDICT, b'{"features": {"x": 1', (400,), ("JSON",)),
    HostileBody("body_that_is_empty", PREDICT, b"", (400, 422)),
    HostileBody("body_nested_deeply", PREDICT, b'{"features": {"x": ' + DEEP + b"}}", (400, 422)),
    HostileBody("body_of_broken_utf_8", PREDICT, b'{"features": {"x": "\xff\xfe"}}', (400,)),
    HostileBody("body_with_a_lone_surrogate", PREDICT, rb'{"features": {"\ud800": 1}}', (400, 422)),
    HostileBody("body_of_xml", PREDICT, b"<features/>", (415, 422), content_type="application/xml"),
    HostileBody("body_of_plain_text", PREDICT, b'{"features": {}}', (415, 422), content_type="text/plain"),
]

ACCOUNTS = [
    _account("with_nul", "zq\x00name"),
    _account("with_a_lone_surrogate", "zq\ud800", says="JSON", statuses=(400,)),
    _account("that_writes_backwards", "zq\u202eeman"),
    _account("of_blanks", "   "),
    _account("of_a_novel", "n" * 20_000),
    _account("with_a_slash", "../../etc/passwd"),
    _account("that_is_a_number", 5),
    _account("that_is_null", None),
    _account("with_a_short_password", "zq-short@example.org", "short", "password"),
    _account("with_a_long_password", "zq-long@example.org", "p" * 10_000, "password"),
    _account("with_nul_in_the_password", "zq-nul@example.org", f"{MARKER}\x00", "password"),
    _account("with_a_list_as_password", "zq-list@example.org", [MARKER], "password"),
    _json(
        "account_that_makes_itself_admin",
        "/v1/users",
        {"name": "zq", "password": MARKER, "role": "admin"},
        "role",
    ),
    HostileBody("account_of_10_megabytes", "/v1/users", b'{"name": "' + b"n" * 10 * MEBIBYTE + b'"}', (413,)),
    HostileBody(
        "login_as_a_form",
        "/v1/sessions",
        b"name=a&password=b",
        (415, 422),
        content_type="application/x-www-form-urlencoded",
    ),
]

MONEY = [
    _purchase("nothing", amount=0),
    _purchase("less_than_nothing", amount=-5),
    _purchase("half_a_token", amount=1.5),
    _purchase("true", amount=True),
    _purchase("text", amount="5"),
    _purchase("10_to_the_30", amount=10**30),
    _purchase("a_short_card", credit_card="12345678901"),
    _purchase("a_card_of_letters", credit_card=f"{MARKER}1234"),
    _purchase("a_card_that_is_a_number", credit_card=1234567899990000),
    _purchase("a_card_with_nul", credit_card="1234\x005678 9999 0000"),
    _purchase("an_unknown_field", cvv=MARKER),
    _json("quote_for_an_unknown_action", "/v1/quotes", {"action": MARKER, "units": 1}, "action"),
    _json("quote_for_less_than_nothing", "/v1/quotes", {"action": "train", "units": -1}, "units"),
    _json("quote_for_10_to_the_30", "/v1/quotes", {"action": "train", "units": 10**30}, "units"),
    _json(
        "grant_of_less_than_nothing",
        "/v1/users/{user}/grants",
        {"amount": -1, "reason": "zq"},
        "amount",
        by_admin=True,
    ),
    _json(
        "grant_of_text",
        "/v1/users/{user}/grants",
        {"amount": MARKER, "reason": "zq"},
        "amount",
        by_admin=True,
    ),
    _json("price_below_zero", "/v1/prices/predict", {"tokens": -1}, "tokens", by_admin=True, method="PUT"),
    _json(
        "price_of_nothing_known",
        f"/v1/prices/{MARKER}",
        {"tokens": 1},
        by_admin=True,
        method="PUT",
        statuses=(404, 422),
    ),
]

MULTIPART = [
    HostileBody("form_without_a_boundary", "/create", b"--x\r\n", (400, 422), content_type=FORM),
    HostileBody(
        "form_with_another_boundary",
        "/create",
        b"--x\r\n\r\n--x--\r\n",
        (400, 422),
        content_type=f"{FORM}; boundary=y",
    ),
    HostileBody("form_that_is_empty", "/create", b"", (400, 422), content_type=f"{FORM}; boundary=x"),
    HostileBody(
        "form_that_only_ends", "/create", b"--x--\r\n", (400, 422), content_type=f"{FORM}; boundary=x"
    ),
    HostileBody(
        "form_that_ends_early",
        "/create",
        b'--x\r\nContent-Disposition: form-data; name="csv_file"; filename="a.csv"\r\n\r\nx,noise,y\n1,2,3\n',
        (400, 422),
        content_type=f"{FORM}; boundary=x",
    ),
    HostileBody(
        "form_with_a_nameless_part",
        "/create",
        b"--x\r\nContent-Disposition: form-data\r\n\r\n" + MARKER.encode() + b"\r\n--x--\r\n",
        (400, 422),
        content_type=f"{FORM}; boundary=x",
    ),
    HostileBody(
        "form_with_a_boundary_of_a_novel",
        "/create",
        b"",
        (400, 422),
        content_type=f"{FORM}; boundary={'b' * 5000}",
    ),
    HostileBody("training_as_json", "/create", b"{}", (400, 415, 422)),
    HostileBody("training_without_a_type", "/create", b"x", (400, 415, 422), content_type=None),
]

BODIES = [*PREDICTIONS, *ACCOUNTS, *MONEY, *MULTIPART]
