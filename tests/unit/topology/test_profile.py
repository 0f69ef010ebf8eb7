import pytest

from topology import Profile, ProfileRefused, check_profile, shortcomings


@pytest.mark.parametrize(
    "version", ["3.10.8", "3.13.7", "4.0.5", "4.3.6", "4.3.0-rc.1", "3.10.8+deb12u1", "5.0.0", "4.10"]
)
def test_both_profiles_run_on_brokers_from_3_10(profile: Profile, version: str):
    check_profile(profile, version)


@pytest.mark.parametrize(
    ("profile", "version", "reason"),
    [
        ("classic", "3.8.9", "has no streams"),
        ("quorum", "3.8.9", "has no streams"),
        ("quorum", "3.9.27", "neither at-least-once dead-lettering nor a message TTL"),
        ("quorum", "3.9.27", "or the profile classic"),
        ("classic", "", "cannot tell from the version ''"),
        ("classic", "LavinMQ", "is this RabbitMQ?"),
        ("quorum", "v4.3.6", "cannot tell"),
        ("quorum", "4", "cannot tell"),
    ],
)
def test_a_profile_that_the_broker_cannot_honour_is_refused_with_the_reason(
    profile: Profile, version: str, reason: str
):
    with pytest.raises(ProfileRefused, match=reason.replace("?", r"\?")):
        check_profile(profile, version)


def test_the_classic_profile_needs_no_quorum_features():
    check_profile("classic", "3.9.27")


@pytest.mark.parametrize(
    ("profile", "version", "words"),
    [
        ("quorum", "3.10.8", ["ignores priorities", "30 minutes"]),
        ("quorum", "3.13.7", ["ignores priorities"]),
        ("quorum", "4.0.5", ["two levels of priority"]),
        ("quorum", "4.3.6", []),
        ("classic", "3.10.8", ["raise it in the broker's configuration if"]),
        ("classic", "4.2.0", ["by a policy with consumer-timeout"]),
        ("classic", "4.3.6", []),
    ],
)
def test_what_a_broker_does_less_well_is_said(profile: Profile, version: str, words: list[str]):
    found = shortcomings(profile, version)
    assert len(found) == len(words)
    for sentence, word in zip(found, words, strict=True):
        assert word in sentence
