from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from pamqp import encode

from warren.broker.headers import MAX_CHARS, forwarded

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.datetimes(timezones=st.just(UTC))
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
    | st.binary().map(bytearray),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def test_plain_values_are_sent_on_as_they_are():
    plain = {"a": 1, "b": True, "c": None, "d": "text", "e": 2**63 - 1}
    assert forwarded(plain) == plain


def test_what_amqp_cannot_hold_goes_out_as_text():
    odd = {"a": 2**63, "b": 1e300, "c": Decimal("1.5"), "d": datetime(2100, 1, 1, tzinfo=UTC), "e": {"f": [b"\xff"]}}
    assert forwarded(odd) == {
        "a": "9223372036854775808",
        "b": "1e+300",
        "c": "1.5",
        "d": "2100-01-01 00:00:00+00:00",
        "e": "{'f': [b'\\xff']}",
    }


def test_deaths_and_wishes_for_copies_are_not_sent_on():
    assert forwarded({"x-death": [{}], "x-first-death-queue": "q", "CC": ["a"], "BCC": ["b"], "cc": "kept"}) == {
        "cc": "kept"
    }


def test_too_much_is_left_out_and_counted():
    sent = forwarded({f"h{number}": "x" * 1_500 for number in range(20)} | {"long": "y" * 100_000})
    assert sent["h0"] == "x" * 1_500
    assert sent["x-warren-headers-left-out"] == 21 - (len(sent) - 1)
    assert sum(len(name) + len(str(value)) for name, value in sent.items()) < MAX_CHARS + 100


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_whatever_came_can_be_written_again(headers):
    assert len(encode.field_table(forwarded(headers))) < 4 * MAX_CHARS
