import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.digests import fingerprint

VALUES = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(st.characters(codec="utf-8"))


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), VALUES))
def test_fingerprint_ignores_the_order_of_fields(fields: dict[str, object]) -> None:
    turned = dict(reversed(fields.items()))
    assert fingerprint("buy", fields) == fingerprint("buy", turned)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "bc"), ("ab", "c")),
        ((1,), ("1",)),
        ((1,), (True,)),
        ((None,), ("",)),
        ((["a"], "b"), (["a", "b"],)),
        (({"amount": 1},), ({"amount": 2},)),
        (("buy", {}), ("sell", {})),
    ],
)
def test_fingerprint_differs_for_other_input(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    assert fingerprint(*one) != fingerprint(*other)
