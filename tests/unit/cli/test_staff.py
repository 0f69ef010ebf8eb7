from topology.cluster import parse_cluster
from warren.cli.staff import staff, surroundings

CLUSTER = """
version: 1
teams:
  scouts: {leads: 1, workers: 2, skills: {measure: {}}}
  idle: {leads: 2, workers: 0}
"""


def test_a_cluster_file_s_numbers_become_processes(tmp_path):
    commands = {each.name: each for each in staff(parse_cluster(CLUSTER, "c"), {}, tmp_path)}
    assert sorted(commands) == [
        "director", "lead-idle-1", "lead-idle-2", "lead-scouts", "worker-scouts-1", "worker-scouts-2"
    ]  # fmt: skip
    assert commands["worker-scouts-2"].argv[1:] == ("-m", "worker", "--team", "scouts")
    assert commands["lead-scouts"].argv[1:] == ("-m", "teamlead", "--team", "scouts")
    assert commands["director"].argv[1:] == ("-m", "director")


def test_workers_are_taken_down_first_and_the_director_last(tmp_path):
    commands = {each.name: each.stage for each in staff(parse_cluster(CLUSTER, "c"), {}, tmp_path)}
    assert commands["worker-scouts-1"] < commands["lead-scouts"] < commands["director"]


def test_no_two_processes_get_the_same_health_port_or_name(tmp_path):
    outer = {"WARREN_HEALTH_PORT": "8080", "WARREN_AGENT": "me", "HOME": "/home/me"}
    inner = surroundings(outer, amqp_url="a", ledger_url="l", cluster=tmp_path / "c.yaml", grace_s=3)
    assert (inner["WARREN_HEALTH_PORT"], inner["WARREN_AGENT"], inner["HOME"]) == ("0", "", "/home/me")


def test_health_stays_off_where_it_is_off(tmp_path):
    inner = surroundings({"WARREN_HEALTH_PORT": "off"}, amqp_url="a", ledger_url="l", cluster=tmp_path, grace_s=3)
    assert inner["WARREN_HEALTH_PORT"] == "off"
