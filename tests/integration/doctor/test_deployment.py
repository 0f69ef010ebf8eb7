"""`warren doctor` on a deployment that runs, and on one in which something is wrong."""

import asyncio
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import pytest_asyncio

from topology import load_cluster
from topology.permissions import users
from topology.user_definitions import user_definitions
from warren.broker.port import Outgoing, QueueDepth
from warren.broker.rabbit.broker import RabbitBroker
from warren.broker.rabbit.inspection import Inspection, inspect
from warren.broker.rabbit.users import import_definitions
from warren.cli.deployment import _clock, _remedy, alarms, ledger, permissions, queues, versions
from warren.cli.examination import _drifted
from warren.ledger.look import Look, look
from warren.ledger.migration import HEAD
from warren.testing.cluster import RealCluster
from warren.testing.services.management import in_vhost

HERE = Path(__file__).parent
CLUSTER = load_cluster(HERE / "cluster.yaml")
DOCTOR_S = 90

pytestmark = [pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(amqp_url, management, tmp_path_factory):
    if management is None:
        pytest.skip("the management API of this broker is not known")
    vhost = f"test-{uuid4().hex}"
    management.create_vhost(vhost)
    folder = tmp_path_factory.mktemp("cluster")
    shutil.copytree(HERE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*test*", "__pycache__"))
    async with RealCluster(folder / "cluster.yaml", in_vhost(amqp_url, vhost)) as cluster:
        await cluster.ready()
        yield cluster
    management.delete_vhost(vhost)


@pytest.fixture
def doctor(cluster, management, tmp_path):
    async def doctor(**changes):
        environment = {
            "WARREN_AMQP_URL": cluster.amqp_url,
            "WARREN_MANAGEMENT_URL": management.url,
            "WARREN_LEDGER_URL": cluster.ledger_url,
            "WARREN_CLUSTER": str(Path(cluster.ledger_url.removeprefix("sqlite:///")).with_name("cluster.yaml")),
            **changes,
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "warren.cli", "doctor", "--json"),
            cwd=tmp_path,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        async with asyncio.timeout(DOCTOR_S):
            output, errors = await process.communicate()
        assert process.returncode in {0, 5}, errors.decode()
        found = {}
        for finding in json.loads(output):
            found.setdefault(finding["what"], []).append(finding)
        return process.returncode, found

    return doctor


def only(found, what):
    (finding,) = found[what]
    return finding


async def test_a_deployment_in_which_all_is_well(doctor):
    code, found = await doctor()
    bad = [finding for findings in found.values() for finding in findings if finding["level"] == "bad"]
    assert (code, bad) == (0, [])
    for what in (
        "topology",
        "consumers",
        "director",
        "versions",
        "ledger",
        "clock of the broker",
        "clock of the director",
    ):
        assert only(found, what)["level"] == "ok", found[what]
    assert "RabbitMQ" in only(found, "versions")["found"]
    assert "answers within" in only(found, "director")["found"]
    assert "the roles share one" in only(found, "permissions")["found"]


async def test_work_that_nobody_does_drift_and_dead_letters_are_found(doctor, cluster, management):
    cluster.kill("worker hosts")
    async with RabbitBroker(cluster.amqp_url) as broker:
        stuck = [Outgoing("", "warren.work.hosts.greet", b"{}"), Outgoing("", "warren.dead.hosts", b"{}")]
        await broker.publish([*stuck, Outgoing("warren.ingress", "nowhere", b"{}")])
    vhost = cluster.amqp_url.rpartition("/")[2]
    management._call("DELETE", f"/api/queues/{vhost}/warren.retry.3")
    code, found = await doctor()
    assert code == 5
    waiting = only(found, "consumers")
    assert (waiting["level"], "warren.work.hosts.greet; 1 wait" in waiting["found"]) == ("bad", True)
    assert "start a worker of hosts" in waiting["remedy"]
    assert "warren dead list --team hosts" in only(found, "dead letters")["remedy"]
    assert only(found, "unroutable")["level"] == "note"
    assert "queue warren.retry.3 is missing" in only(found, "topology")["found"]


async def test_a_deployment_without_a_director(doctor, cluster):
    cluster.kill("director")
    code, found = await doctor()
    assert code == 5
    assert only(found, "director")["level"] == "bad"
    assert {"warren.projects", "warren.director"} <= {
        word for finding in found["consumers"] for word in finding["found"].replace(";", " ").split()
    }


async def test_rights_are_compared_with_what_they_should_be(cluster, management):
    known = users(CLUSTER)
    prefixed = {user.name: secrets.token_hex(8) for user in known}
    vhost = cluster.amqp_url.rpartition("/")[2]
    document = user_definitions(known, vhost, prefixed, os.urandom)
    try:
        await import_definitions(management.url, cluster.amqp_url, document)
        rights = (await inspect(management.url, cluster.amqp_url)).rights
        assert [finding.level for finding in permissions(CLUSTER, rights)] == ["ok"]
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        management._call("PUT", f"/api/permissions/{vhost}/warren-worker-hosts", everything)
        management._call("DELETE", f"/api/permissions/{vhost}/warren-lead-hosts")
        rights = (await inspect(management.url, cluster.amqp_url)).rights
        (finding,) = permissions(CLUSTER, rights)
        assert finding.level == "bad"
        assert "warren-worker-hosts has other rights" in finding.found
        assert "warren-lead-hosts is missing" in finding.found
        management._call("PUT", "/api/users/warren-worker-went", {"password": "x", "tags": ""})
        management._call("PUT", f"/api/permissions/{vhost}/warren-worker-went", everything)
        rights = (await inspect(management.url, cluster.amqp_url)).rights
        (stranger, _) = permissions(CLUSTER, rights)
        assert (stranger.level, stranger.found) == ("bad", "warren-worker-went is no user of the cluster file")
        assert "rabbitmqctl delete_user" in stranger.remedy
    finally:
        management._call("DELETE", "/api/users/warren-worker-went")
        for user in prefixed:
            management._call("DELETE", f"/api/users/{user}")


async def test_who_may_not_look_is_told_as_whom_to_look(doctor, cluster, management):
    vhost = cluster.amqp_url.rpartition("/")[2]
    name = f"blind-{uuid4().hex[:8]}"
    management._call("PUT", f"/api/users/{name}", {"password": "x", "tags": ""})
    try:
        management._call("PUT", f"/api/permissions/{vhost}/{name}", {"configure": "^$", "write": "^$", "read": "^$"})
        parts = urlsplit(cluster.amqp_url)
        own = parts._replace(netloc=f"{name}:x@{parts.hostname}:{parts.port}").geturl()
        code, found = await doctor(WARREN_AMQP_URL=own)
    finally:
        management._call("DELETE", f"/api/users/{name}")
    assert code == 5
    # brokers before 4.3 let everybody look at queues, and only then refuse the question to the director
    (finding,) = found["queues"] if "queues" in found else found["director"]
    assert (finding["level"], "warren-operator" in finding["remedy"]) == ("bad", True), finding


async def test_an_alarm_of_the_broker_is_named_before_what_follows_from_it():
    inspection = Inspection("4.3.6", "27", {"rabbit@a": "4.3.6"}, 0.0, None, ("rabbit@a is low on memory",))
    (finding,) = alarms(inspection)
    assert (finding.level, finding.found) == ("bad", "rabbit@a is low on memory")
    assert list(alarms(Inspection("4.3.6", "27", {}, 0.0, None))) == []


@pytest.mark.parametrize(
    ("depth", "words"),
    [
        (None, "`warren topology declare`"),
        (QueueDepth(0, 0), "start one"),
        (QueueDepth(3, 2), "2 directors there, but silent"),
    ],
)
async def test_a_director_that_does_not_answer_is_started_made_or_looked_at(depth, words):
    assert words in _remedy(depth)


async def test_of_many_differences_the_first_are_named_and_the_others_counted():
    missing = [f"queue warren.retry.{level} is missing" for level in range(16)]
    finding = _drifted([*missing, "queue warren.old exists, but the cluster file has no use for it"])
    assert finding.found.endswith("; and 12 more")
    assert "`warren topology declare`" in finding.remedy
    assert "`warren topology prune`" in finding.remedy


async def test_a_look_at_postgres_changes_nothing(postgres_database_url):
    seen = await look(postgres_database_url)
    assert seen.database.startswith("PostgreSQL ")
    assert seen.revision is None
    (schema, clock) = list(ledger(seen))
    assert (schema.level, "warren ledger migrate" in schema.remedy) == ("bad", True)
    assert clock.level == "ok"
    assert (await look(postgres_database_url)).revision is None


async def test_a_look_at_a_ledger_of_another_version(tmp_path):
    file = tmp_path / "ledger.sqlite3"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
    database.close()
    (finding,) = ledger(await look(f"sqlite:///{file}"))
    assert (finding.level, "9999" in finding.found) == ("bad", True)


async def test_a_ledger_that_is_not_there_is_not_made(tmp_path, doctor):
    file = tmp_path / "none.sqlite3"
    _, found = await doctor(WARREN_LEDGER_URL=f"sqlite:///{file}")
    assert "there is no file" in only(found, "ledger")["found"]
    assert not file.exists()


@pytest.mark.parametrize(
    ("ahead_s", "level", "words"),
    [(0.4, "ok", "within"), (-1.9, "ok", "within"), (3.0, "note", "3.0 s ahead"), (-60.0, "bad", "60.0 s behind")],
)
async def test_a_clock_that_goes_wrong_is_named(ahead_s, level, words):
    finding = _clock("ledger", ahead_s)
    assert (finding.level, words in finding.found) == (level, True)


async def test_nodes_of_several_versions_are_named():
    nodes = {"rabbit@a": "4.1.0", "rabbit@b": "4.3.6"}
    finding = versions(Inspection("4.1.0", "27", nodes, 0.0, None))
    assert (finding.level, "rabbit@b 4.3.6" in finding.found) == ("note", True)


async def test_a_skill_that_is_scaled_to_zero_is_no_fault():
    depths = {queue: QueueDepth(0, 1) for queue in ("warren.projects", "warren.director")}
    depths |= {queue: QueueDepth(0, 1) for queue in ("warren.lead.hosts", "warren.lead.hosts.results")}
    findings = list(queues(CLUSTER, {**depths, "warren.work.hosts.greet": QueueDepth(0, 0)}))
    assert [finding.level for finding in findings] == ["note", "ok"]


async def test_a_schema_that_fits_is_well_and_an_older_one_is_not():
    fitting = Look("SQLite 3", HEAD, None)
    assert [finding.level for finding in ledger(fitting)] == ["ok"]
    assert [finding.level for finding in ledger(Look("SQLite 3", "0001", None))] == ["bad"]
