import json

import pytest

from warren.errors import InvalidInput
from warren.runtime.agent import agent_id
from warren.runtime.secret_url import SecretUrl
from warren.runtime.settings import CoordinatorSettings, ServiceSettings, Settings, Words, load, misspelt
from warren.runtime.settings_table import settings_table


class TeamSettings(ServiceSettings):
    """For a team."""

    team: str
    skills: Words = ()


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    import os

    for name in [name for name in os.environ if name.startswith("WARREN_")]:
        monkeypatch.delenv(name)


def test_a_flag_wins_over_a_variable_and_a_variable_over_the_default(monkeypatch):
    assert load(ServiceSettings, []).grace_s == 25
    monkeypatch.setenv("WARREN_GRACE_S", "7")
    assert load(ServiceSettings, []).grace_s == 7
    assert load(ServiceSettings, ["--grace-s", "8"]).grace_s == 8


def test_words_are_separated_by_commas_in_flags_and_variables(monkeypatch):
    assert load(TeamSettings, ["--team", "t", "--skills", "a,b"]).skills == ("a", "b")
    monkeypatch.setenv("WARREN_SKILLS", "c, d")
    assert load(TeamSettings, ["--team", "t"]).skills == ("c", "d")


def test_every_complaint_names_flag_variable_and_meaning():
    with pytest.raises(InvalidInput) as caught:
        load(TeamSettings, ["--grace-s", "-1"])
    assert "--grace-s or WARREN_GRACE_S cannot be used" in str(caught.value)
    assert "--team or WARREN_TEAM is needed" in str(caught.value)


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        load(ServiceSettings).grace_s = 1


def test_an_unknown_key_is_refused():
    with pytest.raises(ValueError, match="nonsense"):
        ServiceSettings(nonsense=1)


@pytest.mark.parametrize(
    "show", [str, repr, lambda settings: settings.model_dump_json(), lambda s: json.dumps(s.model_dump(mode="json"))]
)
def test_a_password_is_never_printed(show):
    settings = load(
        CoordinatorSettings, ["--amqp-url", "amqp://me:hunter2@h/", "--ledger-url", "postgresql://h/d?password=hunter2"]
    )
    assert "hunter2" not in show(settings)
    assert settings.amqp_url.get_secret_value() == "amqp://me:hunter2@h/"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("amqp://me:p%40ss@h:1/v", "amqp://me:***@h:1/v"),
        ("amqp://:pass@h/", "amqp://:***@h/"),
        ("amqp://me@h/", "amqp://me@h/"),
        ("sqlite:///a:b@c.db", "sqlite:///a:b@c.db"),
        (
            "postgresql://h/d?user=me&password=x&sslmode=require",
            "postgresql://h/d?user=me&password=***&sslmode=require",
        ),
    ],
)
def test_only_the_password_is_hidden(url, shown):
    assert str(SecretUrl(url)) == shown


def test_a_variable_that_is_almost_a_setting_is_told_from_others():
    names = {"WARREN_AMPQ_URL": "", "WARREN_TEST_POSTGRES_URL": "", "WARREN_GRACE_S": "", "PATH": ""}
    assert list(misspelt(ServiceSettings, names)) == [
        "WARREN_AMPQ_URL is set but not read; did you mean WARREN_AMQP_URL?"
    ]


def test_an_agent_s_name_is_a_token_whatever_the_host_is_called():
    assert (
        agent_id("Web.Example-1.Räksmörgås.example.org", 4242, b"\x01\x02\x03") == "web-example-1-r-ksm-rg-4242-010203"
    )


def test_the_table_shows_every_setting_and_no_password():
    table = settings_table(CoordinatorSettings)
    assert table.count("\n") == 2 + len(CoordinatorSettings.model_fields)
    assert "`amqp://guest:***@127.0.0.1:5672/`" in table
    assert "WARREN_LEDGER_URL" in settings_table(CoordinatorSettings, without=[ServiceSettings])
    assert "WARREN_AMQP_URL" not in settings_table(CoordinatorSettings, without=[ServiceSettings])


def test_an_empty_variable_is_as_good_as_none(monkeypatch):
    monkeypatch.setenv("WARREN_AGENT", "")
    assert load(ServiceSettings).agent


def test_a_port_can_be_off():
    assert load(ServiceSettings, ["--health-port", "off"]).health_port is None


def test_settings_of_ones_own_follow_the_same_rules():
    class Own(Settings):
        size: int = 3

    assert load(Own, ["--size", "4"]).size == 4


def test_help_tells_each_setting_in_words_and_no_password(capsys):
    with pytest.raises(SystemExit) as caught:
        load(TeamSettings, ["--team", "x", "--help"], "python -m worker")
    said = capsys.readouterr().out
    assert caught.value.code == 0
    assert said.startswith("usage: python -m worker --team TEAM [settings]")
    assert "--amqp-url URL, or WARREN_AMQP_URL" in said
    assert "amqp://guest:***@" in said
    assert "default: made up at the start" in said
    for ugly in ("lambda", "tuple[", "SecretUrl", "factory"):
        assert ugly not in said
