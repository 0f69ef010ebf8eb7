"""The Kubernetes manifests as they would be applied: valid, complete, hardened, and true to the code."""

import inspect
import json
import re
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from topology import build, load_cluster
from topology.names import lead_queue, work_queue
from topology.operator_resources import Place, operator_yaml, secret_of
from topology.permissions import users
from warren.runtime import health
from warren.testing.services.rabbit_cluster import ADVANCED

SCHEMAS = Path(__file__).parent / "schemas"
KUBERNETES = ("1.33", kubernetes_validate.latest_version())
PUBLISHERS = ["client"]
ROLE_OF = {"director": "director", "teamlead": "teamlead", "worker": "worker"}
MADE_BEFOREHAND = {
    "dev": {"warren-broker-admin", "warren-ledger", "warren-ledger-owner"},
    "prod": {"warren-ca", "warren-ledger", "warren-ledger-owner", "warren-rabbitmq-tls"},
}


@pytest.fixture(scope="module")
def cluster(root, overlay):
    path = {"dev": "k8s/base/config", "prod": "k8s/overlays/prod/config"}[overlay]
    return load_cluster(root / path / "cluster.yaml")


def name_of(document):
    return f"{document['kind']} {document['metadata']['name']}"


def seconds(workload):
    return workload["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_resource_of_kubernetes_itself_is_valid(manifests, version):
    checked = 0
    for document in manifests.documents:
        if (SCHEMAS / f"{document['kind']}.json").exists():
            continue
        kubernetes_validate.validate(document, version, strict=True)  # raises also for a kind without a schema
        checked += 1
    assert checked > 20


def test_every_other_resource_is_valid_by_a_schema_of_ours(manifests):
    checked = set()
    for document in manifests.documents:
        schema = SCHEMAS / f"{document['kind']}.json"
        if schema.exists():
            jsonschema.Draft202012Validator(json.loads(schema.read_text())).validate(document)
            checked.add(document["kind"])
    assert checked >= {"ScaledObject", "TriggerAuthentication"}


@pytest.mark.parametrize("schema", sorted(SCHEMAS.glob("*.json")), ids=lambda file: file.stem)
def test_a_schema_of_ours_refuses_a_field_that_does_not_exist(schema):
    known = json.loads(schema.read_text())
    jsonschema.Draft202012Validator.check_schema(known)
    assert "Source: https://" in known["$comment"]
    assert known["properties"]["spec"]["additionalProperties"] is False


def test_nothing_is_applied_twice(manifests):
    names = [name_of(document) for document in manifests.documents]
    assert len(names) == len(set(names))


def test_no_secret_is_written_down(manifests):
    assert manifests.of("Secret") == []
    for workload in manifests.workloads.values():
        for container in manifests.containers(workload):
            for name, value in manifests.environment(container):
                if re.search("PASS|SECRET|KEY", name):
                    assert isinstance(value, dict), name
                if isinstance(value, str) and "://" in value:
                    assert re.fullmatch(r"\S+://\$\(BROKER_USER\):\$\(BROKER_PASSWORD\)@\S+", value) or "@" not in value
    for data in manifests.config.values():
        assert not any(re.search("PASS|SECRET", key) for key in data)


def test_secrets_are_named_for_exactly_the_users_that_the_cluster_file_makes(manifests, overlay, cluster):
    wanted = {secret_of(user.name) for user in users(cluster, PUBLISHERS)} | MADE_BEFOREHAND[overlay]
    assert manifests.secrets == wanted


def test_each_role_is_its_own_user_of_the_broker(manifests):
    for name, workload in manifests.roles.items():
        role, team = manifests.component(workload), manifests.labels(workload).get("warren/team")
        user = {"director": "warren-director", "teamlead": f"warren-lead-{team}", "worker": f"warren-worker-{team}"}[
            role
        ]
        for container in manifests.containers(workload):
            given = dict(manifests.environment(container))
            assert given["BROKER_USER"]["secretKeyRef"]["name"] == secret_of(user), name
            assert given["BROKER_PASSWORD"]["secretKeyRef"]["name"] == secret_of(user)


def test_every_setting_is_one_that_its_role_reads(manifests, role_variables, command_variables):
    for name, workload in manifests.workloads.items():
        for container in manifests.containers(workload):
            if not container["image"].partition(":")[0].endswith("warren-survey"):
                continue
            given = manifests.environment(container)
            role = ROLE_OF.get(container["command"][0])
            known = role_variables[role] if role else command_variables.union(*role_variables.values())
            assert {variable for variable, _ in given if variable.startswith("WARREN_")} <= known, (
                name,
                container["name"],
            )
            used = set(manifests.references(container))
            others = {v for v, _ in given if not v.startswith(("WARREN_", "OTEL_EXPORTER_OTLP_", "PGSSL"))}
            assert used <= {variable for variable, _ in given}
            assert {variable for variable in others if not variable.startswith("BROKER_")} <= used, (name, others)


def test_a_variable_is_set_before_another_refers_to_it(manifests):
    for workload in manifests.workloads.values():
        for container in manifests.containers(workload):
            known = set()
            for name, value in manifests.environment(container):
                for used in re.findall(r"\$\((\w+)\)", value) if isinstance(value, str) else ():
                    assert used in known, (container["name"], name)
                known.add(name)


def test_there_is_a_role_for_everybody_in_the_cluster_file(manifests, cluster):
    found = {
        (
            manifests.component(each),
            manifests.labels(each).get("warren/team"),
            manifests.labels(each).get("warren/skill"),
        )
        for each in manifests.roles.values()
    }
    leads = {("teamlead", team, None) for team in cluster.teams}
    workers = {("worker", team, skill) for team, section in cluster.teams.items() for skill in section.skills}
    assert found == {("director", None, None), *leads, *workers}


def test_a_worker_is_told_its_team_and_its_one_skill(manifests):
    for workload in manifests.roles.values():
        given = dict(manifests.environment(manifests.containers(workload)[-1]))
        paths = {
            name: value["fieldRef"]["fieldPath"]
            for name, value in given.items()
            if isinstance(value, dict) and "fieldRef" in value
        }
        wanted = {"teamlead": {"WARREN_TEAM": "team"}, "worker": {"WARREN_TEAM": "team", "WARREN_ONLY": "skill"}}
        labels = wanted.get(manifests.component(workload), {})
        assert paths == {name: f"metadata.labels['warren/{label}']" for name, label in labels.items()}


def test_every_queue_of_work_has_its_scaler_and_no_other_has(manifests, cluster):
    wanted = {work_queue(team, skill) for team, section in cluster.teams.items() for skill in section.skills}
    scaled = {}
    for scaler in manifests.of("ScaledObject"):
        (trigger,) = scaler["spec"]["triggers"]
        target = manifests.workloads[scaler["spec"]["scaleTargetRef"]["name"]]
        labels = manifests.labels(target)
        assert trigger["metadata"]["queueName"] == work_queue(labels["warren/team"], labels["warren/skill"])
        scaled[trigger["metadata"]["queueName"]] = target["metadata"]["name"]
    assert scaled.keys() == wanted
    assert len(set(scaled.values())) == len(wanted), "two scalers for one Deployment work against each other"


def test_workers_scale_to_zero_and_back_without_losing_the_busy_ones(manifests):
    for scaler in manifests.of("ScaledObject"):
        spec, metadata = scaler["spec"], scaler["spec"]["triggers"][0]["metadata"]
        assert spec["minReplicaCount"] == 0
        assert spec["maxReplicaCount"] > 1
        assert metadata["protocol"] == "http", "AMQP does not tell what is unacked"
        assert metadata["excludeUnacknowledged"] == "false"
        assert "activationValue" not in metadata, "one message must be enough to wake a worker"
        down = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
        assert down["stabilizationWindowSeconds"] >= 60
        assert "replicas" not in manifests.workloads[spec["scaleTargetRef"]["name"]]["spec"], "an apply would reset it"


def test_every_scaler_asks_as_the_user_that_may_only_look(manifests):
    (known,) = manifests.of("TriggerAuthentication")
    from_secrets = {entry["parameter"]: entry["name"] for entry in known["spec"]["secretTargetRef"]}
    assert {from_secrets["username"], from_secrets["password"]} == {secret_of("warren-scaler")}
    for scaler in manifests.of("ScaledObject"):
        (trigger,) = scaler["spec"]["triggers"]
        assert trigger["authenticationRef"]["name"] == known["metadata"]["name"]
        assert "@" not in trigger["metadata"]["host"]
        assert trigger["metadata"]["vhostName"] == "warren"


def test_the_scalers_of_prod_send_their_password_within_tls(manifests, overlay):
    (known,) = manifests.of("TriggerAuthentication")
    (policy,) = [each for each in manifests.of("NetworkPolicy") if each["metadata"]["name"] == "into-the-broker"]
    (asked,) = [rule["ports"] for rule in policy["spec"]["ingress"] if "keda" in str(rule["from"])]
    hosts = {scaler["spec"]["triggers"][0]["metadata"]["host"] for scaler in manifests.of("ScaledObject")}
    if overlay == "dev":
        assert hosts == {"http://warren-rabbitmq.warren.svc:15672/"}
        assert asked == [{"port": 15672}]
        return
    assert hosts == {"https://warren-rabbitmq.warren.svc:15671/"}
    assert asked == [{"port": 15671}]
    assert {"parameter": "ca", "name": "warren-ca", "key": "ca.crt"} in known["spec"]["secretTargetRef"]
    (switch,) = known["spec"]["configMapTargetRef"]
    assert manifests.config[switch["name"]] == {switch["key"]: "enable"}
    assert switch["parameter"] == "tls"


def test_each_role_waits_for_its_own_queue(manifests):
    queues = {"director": lambda _: "warren.projects", "teamlead": lambda it: lead_queue(it["warren/team"])}
    for workload in manifests.roles.values():
        labels, component = manifests.labels(workload), manifests.component(workload)
        wanted = queues.get(component, lambda it: work_queue(it["warren/team"], it["warren/skill"]))(labels)
        assert workload["spec"]["template"]["metadata"]["annotations"]["warren/queue"] == wanted
        (wait,) = workload["spec"]["template"]["spec"]["initContainers"]
        assert wait["command"][:5] == ["python", "-m", "warren.cli.wait", "--queue", "$(QUEUE)"]
        assert ("--ledger" in wait["command"]) == (component != "worker")


def test_a_lost_leader_holds_no_retry_up_for_long(manifests, overlay):
    brokers = manifests.of("RabbitmqCluster")
    assert [each["spec"]["rabbitmq"]["advancedConfig"] for each in brokers] == [ADVANCED] * (overlay == "prod")


def test_a_job_makes_tables_and_topology(manifests, overlay):
    (job,) = manifests.of("Job")
    steps = [container["command"][1:3] for container in manifests.containers(job)]
    assert steps == [
        *([["users", "apply"]] if overlay == "dev" else []),
        ["ledger", "migrate"],
        ["topology", "declare"],
    ]
    assert job["spec"]["backoffLimit"] >= 6, "broker and ledger may take minutes to come"


def test_workers_do_not_know_the_ledger(manifests):
    for workload in manifests.roles.values():
        knows = any(
            name.startswith("WARREN_LEDGER")
            for c in manifests.containers(workload)
            for name, _ in manifests.environment(c)
        )
        assert knows == (manifests.component(workload) != "worker")


def test_the_roles_are_not_the_owner_of_the_ledgers_tables(manifests):
    for workload in manifests.roles.values():
        assert "warren-ledger-owner" not in manifests.secrets_of(workload)


def test_every_probe_asks_for_what_a_role_answers(manifests):
    answered = set(re.findall(r'"(\w+z)"', inspect.getsource(health)))
    for workload in manifests.roles.values():
        (role,) = workload["spec"]["template"]["spec"]["containers"]
        probes = {kind: role[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")}
        assert {kind: probe["path"] for kind, probe in probes.items()} == {
            "startup": "/startupz",
            "readiness": "/readyz",
            "liveness": "/livez",
        }
        assert {probe["path"].strip("/") for probe in probes.values()} <= answered
        assert {probe["port"] for probe in probes.values()} == {"health"}
        given = dict(manifests.environment(role))
        assert given["WARREN_HEALTH_PORT"] == str(role["ports"][0]["containerPort"])
        assert given["WARREN_HEALTH_HOST"] == "0.0.0.0"


def test_a_stuck_loop_is_noticed_before_its_probe_gives_up(manifests):
    for workload in manifests.roles.values():
        probe = workload["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]
        assert probe["periodSeconds"] * probe["failureThreshold"] >= 30, "a busy machine is no reason to kill"


def test_the_grace_is_longer_than_the_drain(manifests, drain_s):
    for name, workload in manifests.roles.items():
        (role,) = workload["spec"]["template"]["spec"]["containers"]
        pause_s = role["lifecycle"]["preStop"]["sleep"]["seconds"]
        grace_s = float(dict(manifests.environment(role))["WARREN_GRACE_S"])
        assert seconds(workload) > pause_s + drain_s(grace_s), name


def test_a_worker_has_the_time_that_its_skill_may_take(manifests, cluster):
    for workload in manifests.roles.values():
        if manifests.component(workload) != "worker":
            continue
        labels = manifests.labels(workload)
        timeout_s = cluster.teams[labels["warren/team"]].skills[labels["warren/skill"]].timeout_s or 60
        grace_s = float(dict(manifests.environment(manifests.containers(workload)[-1]))["WARREN_GRACE_S"])
        assert grace_s >= timeout_s


def test_every_container_is_restricted(manifests):
    for name, workload in manifests.workloads.items():
        pod = workload["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}
        for container in manifests.containers(workload):
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            writes = container["name"] == "rabbitmq"  # its image writes beside its data
            assert security.get("readOnlyRootFilesystem", False) is not writes, (name, container["name"])


def test_every_container_says_what_it_needs(manifests):
    for name, workload in manifests.workloads.items():
        for container in manifests.containers(workload):
            resources = container["resources"]
            assert {"cpu", "memory"} <= resources["requests"].keys(), name
            assert "memory" in resources["limits"]
            assert "cpu" not in resources["limits"], "a throttled role misses its heartbeats"


def test_images_are_pinned(manifests, is_pinned):
    images = [c["image"] for each in manifests.workloads.values() for c in manifests.containers(each)]
    images += [document["spec"]["image"] for document in manifests.of("RabbitmqCluster")]
    for image in images:
        assert is_pinned(image), image


def test_replicas_are_spread_and_never_all_taken_at_once(manifests, overlay):
    budgets = [document["spec"] for document in manifests.of("PodDisruptionBudget")]
    for name, workload in manifests.roles.items():
        spread = workload["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert [each["topologyKey"] for each in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
        labels = manifests.labels(workload)
        for constraint in spread:
            assert constraint["labelSelector"]["matchLabels"].items() <= labels.items()
            assert "app.kubernetes.io/name" in constraint["matchLabelKeys"]
        theirs = [budget for budget in budgets if budget["selector"]["matchLabels"].items() <= labels.items()]
        assert len(theirs) == 1, name
        if overlay == "prod" and manifests.component(workload) != "worker":
            assert workload["spec"]["replicas"] > theirs[0]["minAvailable"], "no node could ever be drained"


def test_selectors_find_their_pods_and_no_others(manifests):
    chosen = {}
    for name, workload in manifests.workloads.items():
        if workload["kind"] == "Job":
            continue
        selector = workload["spec"]["selector"]["matchLabels"]
        chosen[name] = [
            other for other, each in manifests.workloads.items() if selector.items() <= manifests.labels(each).items()
        ]
    assert chosen == {name: [name] for name in chosen}


def test_a_change_of_the_cluster_file_rolls_all_that_read_it(manifests):
    hashed = re.compile(r"warren-(cluster|playbooks|settings|ledger-roles)-[a-z0-9]{10}")
    assert all(hashed.fullmatch(name) for name in manifests.config if name != "warren-scaler")
    for workload in manifests.roles.values():
        volumes = {
            volume["name"]: volume.get("configMap", {}).get("name")
            for volume in workload["spec"]["template"]["spec"]["volumes"]
        }
        assert volumes["cluster"] in manifests.config
        assert volumes["playbooks"] in manifests.config


def test_the_mounted_files_are_where_the_settings_and_the_cluster_file_look_for_them(manifests, cluster):
    for workload in manifests.roles.values():
        mounts = {mount["name"]: mount["mountPath"] for mount in manifests.containers(workload)[-1]["volumeMounts"]}
        assert dict(manifests.environment(manifests.containers(workload)[-1]))["WARREN_CLUSTER"] == mounts["cluster"]
        folder = Path(mounts["cluster"]).parent
        (playbooks,) = [data for name, data in manifests.config.items() if name.startswith("warren-playbooks")]
        assert {str(folder / path) for path in cluster.playbooks} == {
            f"{mounts['playbooks']}/{name}" for name in playbooks
        }


def test_what_is_deployed_is_the_example(root, manifests, overlay):
    example = yaml.safe_load((root / "examples/survey/cluster.yaml").read_text())
    (deployed,) = [
        yaml.safe_load(data["cluster.yaml"]) for name, data in manifests.config.items() if "warren-cluster" in name
    ]
    assert deployed == {**example, "profile": {"dev": "classic", "prod": "quorum"}[overlay]}
    (playbooks,) = [data for name, data in manifests.config.items() if name.startswith("warren-playbooks")]
    for name, text in playbooks.items():
        assert text == (root / "examples/survey/playbooks" / name).read_text()


@pytest.mark.golden
def test_the_operators_topology_is_current(root):
    folder = root / "k8s/overlays/prod"
    cluster = load_cluster(folder / "config/cluster.yaml")
    place = Place("warren-rabbitmq", "warren")
    wanted = operator_yaml(build(cluster), users(cluster, PUBLISHERS), place)
    command = (
        "warren users export --format operator --cluster k8s/overlays/prod/config/cluster.yaml --publisher client "
        "--vhost warren --rabbitmq warren-rabbitmq > k8s/overlays/prod/topology.yaml"
    )
    assert (folder / "topology.yaml").read_text() == wanted, f"it is stale; run: {command}"


def test_the_broker_of_prod_survives_a_node_and_speaks_tls(manifests, overlay):
    if overlay != "prod":
        assert manifests.of("RabbitmqCluster") == []
        return
    (broker,) = manifests.of("RabbitmqCluster")
    assert broker["spec"]["replicas"] == 3
    assert broker["spec"]["tls"]["secretName"]
    rules = broker["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert rules[0]["topologyKey"] == "kubernetes.io/hostname"
    references = {
        document["spec"]["rabbitmqClusterReference"]["name"] for document in manifests.of("Queue", "User", "Vhost")
    }
    assert references == {broker["metadata"]["name"]}
    for workload in manifests.roles.values():
        for container in manifests.containers(workload):
            given = dict(manifests.environment(container))
            assert given["BROKER_SCHEME"] == "amqps"
            assert given["PGSSLMODE"] == "verify-full"
            (ca,) = [mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == "ca"]
            assert given["BROKER_OPTIONS"] == f"?cafile={ca}/ca.crt"
            assert given["PGSSLROOTCERT"] == f"{ca}/ca.crt"
