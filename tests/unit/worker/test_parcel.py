"""What a message of results says of the tasks that they are of."""

from warren.broker.port import Delivery, Properties
from worker.parcel import Packable, Packer, Ticket

PACKER = Packer("w-1", 10_000, 64)
ONE, OTHER = (f"00-{'a' * 32}-{letter * 16}-01" for letter in "bc")


def packable(**headers):
    delivery = Delivery("q", "warren.tasks", "k", b"", Properties(headers=headers), redelivered=False, tag=(1, 1))
    return Packable(Ticket(None, delivery, 1), "t", 4, "p/0", b"{}")


def headers(*results):
    [parcel] = PACKER.packed(results, 1)
    return dict(parcel.message.properties.headers)


def test_results_carry_the_trace_that_their_tasks_came_with_and_no_other_header():
    carried = {"traceparent": ONE, "tracestate": "a=b", "baggage": "user=alice"}
    assert headers(packable(**carried, **{"x-attempt": 2})) == carried
    assert headers(packable(**carried), packable(**carried)) == carried


def test_results_from_below_different_spans_carry_none_for_a_message_has_room_for_one():
    assert headers(packable(traceparent=ONE), packable(traceparent=OTHER)) == {}
    assert headers(packable(traceparent=ONE), packable()) == {}


def test_results_of_what_nobody_traces_carry_nothing():
    assert headers(packable(**{"x-attempt": 1}), packable(traceparent=ONE)) == {}
