from dataclasses import replace

import pytest

from director.allowance import MAX_CLIENTS, Allowance, RateLimited, client_of
from topology.client_limits import ClientLimits
from topology.limits import Limits
from warren.broker.port import Delivery, Properties
from warren.clock import VirtualClock
from warren.errors import InvalidInput

SLOW = Limits(client=ClientLimits(messages_per_s=2, burst=3))


def delivery(body=b"{}", *, redelivered=False, **properties):
    carried = Properties(**properties)
    return Delivery(
        "warren.projects", "warren.ingress", "project.x", body, carried, redelivered=redelivered, tag=(1, 1)
    )


def refused(allowance, sent):
    with pytest.raises(InvalidInput) as caught:
        allowance.charge(sent)
    return caught.value


@pytest.fixture
def clock():
    return VirtualClock()


def test_without_a_limit_everything_passes(clock):
    allowance = Allowance(Limits(), clock)
    for _ in range(5_000):
        allowance.charge(delivery())


def test_beyond_the_burst_a_client_is_told_when_to_come_again(clock):
    allowance = Allowance(SLOW, clock)
    for _ in range(3):
        allowance.charge(delivery(user_id="shop"))
    error = refused(allowance, delivery(user_id="shop"))
    assert isinstance(error, RateLimited)
    assert (error.code, error.retry_after_s) == ("rate_limited", 0.5)
    assert "user shop" in error.message
    assert "limits.client" in error.message


def test_who_comes_again_then_passes_and_no_sooner(clock):
    allowance = Allowance(SLOW, clock)
    for _ in range(3):
        allowance.charge(delivery(user_id="shop"))
    clock.advance(0.49)
    assert refused(allowance, delivery(user_id="shop")).code == "rate_limited"
    clock.advance(0.02)
    allowance.charge(delivery(user_id="shop"))


def test_a_silence_fills_the_bucket_to_the_burst_and_not_beyond(clock):
    allowance = Allowance(SLOW, clock)
    allowance.charge(delivery(user_id="shop"))
    clock.advance(3_600)
    for _ in range(3):
        allowance.charge(delivery(user_id="shop"))
    assert refused(allowance, delivery(user_id="shop")).code == "rate_limited"


def test_one_client_does_not_spend_what_is_anothers(clock):
    allowance = Allowance(SLOW, clock)
    for _ in range(4):
        try:
            allowance.charge(delivery(user_id="shop"))
        except RateLimited:
            break
    allowance.charge(delivery(user_id="press"))


def test_a_clock_that_is_set_back_takes_nothing_away(clock):
    allowance = Allowance(SLOW, clock)
    allowance.charge(delivery(user_id="shop"))
    earlier = VirtualClock(clock.now() - 1_000)
    allowance._clock = earlier
    allowance.charge(delivery(user_id="shop"))
    earlier.advance(1)
    for _ in range(3):
        allowance.charge(delivery(user_id="shop"))


def test_a_redelivery_is_not_charged_for_it_may_be_accepted_already(clock):
    allowance = Allowance(SLOW, clock)
    for _ in range(50):
        allowance.charge(delivery(user_id="shop", redelivered=True))


def test_a_client_can_have_limits_of_its_own_by_its_verified_user(clock):
    limits = Limits(client=ClientLimits(messages_per_s=1, burst=1), clients={"shop": ClientLimits()})
    allowance = Allowance(limits, clock)
    for _ in range(10):
        allowance.charge(delivery(user_id="shop"))
    allowance.charge(delivery(app_id="shop"))
    assert refused(allowance, delivery(app_id="shop")).code == "rate_limited"


def test_a_body_over_the_clients_size_is_refused_with_the_setting(clock):
    allowance = Allowance(Limits(client=ClientLimits(message_bytes=256)), clock)
    allowance.charge(delivery(b"x" * 256))
    error = refused(allowance, delivery(b"x" * 257))
    assert error.code == "message_too_large"
    assert "limits.client.message_bytes" in error.message


def test_who_must_be_verified_and_is_not_is_refused(clock):
    allowance = Allowance(Limits(verified_clients=True), clock)
    allowance.charge(delivery(user_id="shop"))
    assert refused(allowance, delivery(app_id="shop", reply_to="reply.shop")).code == "client_unverified"


@pytest.mark.parametrize(
    ("properties", "client"),
    [
        ({"user_id": "shop", "app_id": "other", "reply_to": "reply.other"}, "user shop"),
        ({"reply_to": "reply.shop--4f2a", "app_id": "other"}, "reply.shop on warren.replies"),
        ({"reply_to": "reply.shop"}, "reply.shop on warren.replies"),
        ({"reply_to": "amq.rabbitmq.reply-to.abc", "app_id": "cron"}, "application cron"),
        ({"reply_to": "amq.rabbitmq.reply-to.abc"}, "anonymous"),
        ({}, "anonymous"),
    ],
)
def test_a_client_is_whom_the_broker_vouches_for_else_what_it_says(properties, client):
    assert client_of(delivery(**properties)) == client


def test_ever_new_names_do_not_fill_the_memory(clock):
    allowance = Allowance(SLOW, clock)
    for number in range(MAX_CLIENTS + 500):
        allowance.charge(delivery(app_id=f"name-{number}"))
    assert len(allowance._buckets) == MAX_CLIENTS


def test_a_long_name_is_cut():
    assert len(client_of(replace(delivery(), properties=Properties(app_id="x" * 255)))) < 100
