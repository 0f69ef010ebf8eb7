"""Who can reach whom, by the rules of NetworkPolicies: what is selected by none is open, policies add up."""

from dataclasses import dataclass, field
from itertools import product

import pytest


@dataclass(frozen=True)
class Pod:
    """A pod, or a place outside of the namespace."""

    name: str
    labels: dict = field(hash=False)
    namespace: str = "warren"
    namespace_labels: dict = field(default_factory=dict, hash=False)
    address: str = "172.16.0.1"


class Network:
    """The policies of one namespace."""

    def __init__(self, policies, namespace="warren"):
        self._policies = [policy["spec"] for policy in policies]
        self._namespace = namespace

    def allows(self, source, target, port, protocol="TCP"):
        leaves = self._passes(source, target, port, protocol, "Egress", "egress", "to")
        return leaves and self._passes(target, source, port, protocol, "Ingress", "ingress", "from")

    def _passes(self, own, other, port, protocol, kind, rules, side):
        if own.namespace != self._namespace:
            return True
        chosen = [
            spec for spec in self._policies if kind in spec["policyTypes"] and selects(spec["podSelector"], own.labels)
        ]
        if not chosen:
            return True
        return any(
            self._meets(rule.get(side), other) and on_port(rule.get("ports"), port, protocol)
            for spec in chosen
            for rule in spec.get(rules, [])
        )

    def _meets(self, peers, other):
        return peers is None or any(self._is(peer, other) for peer in peers)

    def _is(self, peer, other):
        if "ipBlock" in peer:
            return other.address.startswith("10.") and peer["ipBlock"]["cidr"] == "10.0.0.0/8"
        if "namespaceSelector" in peer:
            names = {"kubernetes.io/metadata.name": other.namespace, **other.namespace_labels}
            if not selects(peer["namespaceSelector"], names):
                return False
        elif other.namespace != self._namespace:
            return False
        return selects(peer.get("podSelector", {}), other.labels)


def selects(selector, labels):
    unknown = selector.keys() - {"matchLabels", "matchExpressions"}
    assert not unknown, unknown
    same = all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items())
    return same and all(_holds(expression, labels) for expression in selector.get("matchExpressions", []))


def _holds(expression, labels):
    assert expression["operator"] == "In"
    return labels.get(expression["key"]) in expression["values"]


def on_port(ports, port, protocol):
    return ports is None or any(each["port"] == port and each.get("protocol", "TCP") == protocol for each in ports)


ROLES = ("director", "teamlead", "worker", "setup")
COORDINATORS = ("director", "teamlead", "setup")
DNS = Pod("dns", {"k8s-app": "kube-dns"}, "kube-system")
KEDA = Pod("keda", {"app.kubernetes.io/name": "keda-operator"}, "keda")
OPERATOR = Pod("operator", {"app.kubernetes.io/name": "messaging-topology-operator"}, "rabbitmq-system")
PUBLISHER = Pod("publisher", {}, "shop", {"warren/publisher": "true"})
STRANGER = Pod("stranger", {"app.kubernetes.io/component": "director"}, "shop")
INTERNET = Pod("internet", {}, "outside", address="93.184.216.34")
DATABASE = Pod("database", {}, "outside", address="10.1.2.3")
COLLECTOR = Pod("collector", {}, "observability")
PORTS = (53, 4318, 4369, 5432, 5671, 5672, 8080, 15671, 15672, 16686, 25672, 443)


@pytest.fixture(scope="module")
def network(manifests):
    return Network(manifests.of("NetworkPolicy"))


@pytest.fixture(scope="module")
def ours(manifests, overlay):
    """One pod of each kind in the namespace, by component."""
    found = {}
    for name, workload in manifests.workloads.items():
        labels = workload["spec"]["template"]["metadata"]["labels"]
        found[labels["app.kubernetes.io/component"]] = Pod(name, labels)
    if overlay == "prod":  # made by the operator, with these labels
        names = {"app.kubernetes.io/name": "warren-rabbitmq", "app.kubernetes.io/component": "rabbitmq"}
        found["rabbitmq"] = Pod("warren-rabbitmq", names)
    return found


@pytest.fixture(scope="module")
def edges(overlay):
    """(from, to, port) that must exist; all others must not."""
    if overlay == "dev":
        amqp, management, ledger, traces = 5672, 15672, "postgres", "jaeger"
        special = {("setup", "rabbitmq", 15672)}
    else:
        amqp, management, ledger, traces = 5671, 15671, "database", "collector"
        special = {("rabbitmq", "rabbitmq", 4369), ("rabbitmq", "rabbitmq", 25672)}
        special |= {("operator", "rabbitmq", 15672), ("operator", "rabbitmq", 15671)}
    return (
        special
        | {(role, "rabbitmq", amqp) for role in ROLES}
        | {(role, ledger, 5432) for role in COORDINATORS}
        | {(role, traces, 4318) for role in ("director", "teamlead", "worker")}
        | {("publisher", "rabbitmq", amqp), ("keda", "rabbitmq", management)}
    )


def test_the_edges_that_the_policies_allow_are_those_that_exist(network, ours, edges):
    outside = [KEDA, OPERATOR, PUBLISHER, STRANGER, INTERNET, DATABASE, COLLECTOR]
    pods = [*ours.items(), *((pod.name, pod) for pod in outside)]
    allowed = {
        (source, target, port)
        for (source, one), (target, other) in product(pods, pods)
        for port in PORTS
        if (one.namespace == "warren" or other.namespace == "warren") and network.allows(one, other, port)
    }
    if "database" not in {target for _, target, _ in edges}:
        assert not any(target in {"database", "internet"} for _, target, _ in allowed)
    assert allowed == edges


def test_everybody_can_ask_for_names_and_nobody_can_be_asked(network, ours):
    for pod in ours.values():
        assert network.allows(pod, DNS, 53, "UDP")
        assert network.allows(pod, DNS, 53, "TCP")
        assert not network.allows(pod, DNS, 443)
        assert not network.allows(DNS, pod, 8080)


def test_a_pod_that_nobody_thought_of_reaches_nothing(network, ours):
    new = Pod("new", {"app.kubernetes.io/component": "new"})
    assert not any(
        network.allows(new, pod, port) or network.allows(pod, new, port) for pod in ours.values() for port in PORTS
    )


def test_an_open_network_would_be_noticed():
    """That the rules here are read as Kubernetes reads them: without a policy, everything passes."""
    one, other = Pod("one", {"a": "1"}), Pod("other", {"a": "2"})
    assert Network([]).allows(one, other, 1)
    closed = {"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}
    assert not Network([closed]).allows(one, other, 1)
    rule = {"from": [{"podSelector": {"matchLabels": {"a": "1"}}}], "ports": [{"port": 1}]}
    opened = {"spec": {"podSelector": {"matchLabels": {"a": "2"}}, "policyTypes": ["Ingress"], "ingress": [rule]}}
    assert Network([closed, opened]).allows(one, other, 1)
    assert not Network([closed, opened]).allows(one, other, 2)
    assert not Network([closed, opened]).allows(other, one, 1)
