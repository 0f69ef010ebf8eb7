"""Long tasks, and how long a broker lets a worker hold them."""

import pytest

from topology.errors import ProfileRefused
from topology.holding import longest_hold_s
from topology.skill_settings import SkillSettings
from warren import skill
from warren.errors import InvalidInput
from warren.skills.skill import skill_of
from worker.patience import within_hold
from worker.station import station


@pytest.mark.parametrize(
    ("profile", "version", "configured_s", "hold_s"),
    [
        ("classic", "3.10.8", None, 1800),
        ("classic", "3.13.7", None, 1800),
        ("classic", "4.2.9", 7200, 7200),
        ("classic", "4.3.0", None, None),
        ("classic", "4.3.6", 7200, None),
        ("quorum", "3.10.8", None, 1800),
        ("quorum", "3.11.28", 600, 600),
        ("quorum", "3.12.0", None, 86_400),
        ("quorum", "4.3.6", 600, 86_400),
    ],
)
def test_the_limit_follows_from_profile_version_and_configuration(profile, version, configured_s, hold_s):
    assert longest_hold_s(profile, version, configured_s=configured_s) == hold_s


def test_a_version_that_cannot_be_read_is_refused():
    with pytest.raises(ProfileRefused):
        longest_hold_s("classic", "unknown")


def stationed(timeout_s=None, **settings):
    @skill("think", timeout_s=timeout_s)
    def think() -> dict:
        return {}

    return station("t", skill_of(think), SkillSettings(**settings))


def test_a_skill_that_may_run_longer_than_it_can_be_held_is_refused_with_what_to_do():
    with pytest.raises(InvalidInput) as error:
        within_hold([stationed(timeout_s=1800)], 1800, "3.10.8")

    assert error.value.code == "timeout_too_long"
    for words in ("'think' of team t may run for 1800 s", "RabbitMQ 3.10.8", "at most 1740", "--consumer-timeout-s"):
        assert words in str(error.value)


def test_the_tasks_of_a_fixed_bundle_are_held_together():
    with pytest.raises(InvalidInput, match="may run for 3200 s"):
        within_hold([stationed(timeout_s=100, bundle=32)], 1800, "3.10.8")


def test_the_time_of_a_command_counts():
    settings = SkillSettings.model_validate({"command": {"argv": ["sleep", "1"], "timeout_s": 3600}})

    with pytest.raises(InvalidInput, match="may run for 3600 s"):
        within_hold([station("t", stationed().skill, settings)], 1800, "3.10.8")


def test_a_skill_without_a_limit_gets_what_the_broker_allows():
    (bounded,) = within_hold([stationed()], 1800, "3.10.8")

    assert bounded.timeout_s == 1740


def test_what_fits_and_what_nothing_limits_is_left_as_it_is():
    short, endless = stationed(timeout_s=60), stationed()

    assert within_hold([short], 1800, "3.10.8") == [short]
    assert within_hold([endless], None, "4.3.6") == [endless]
