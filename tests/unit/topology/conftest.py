import re
from pathlib import Path

import pytest

from topology import Binding, Cluster, Profile, Topology, build, load_cluster

GOLDEN = Path(__file__).parents[2] / "golden" / "topology"


@pytest.fixture
def golden() -> Path:
    return GOLDEN


@pytest.fixture
def cluster() -> Cluster:
    return load_cluster(GOLDEN / "cluster.yaml")


@pytest.fixture(params=["classic", "quorum"])
def profile(request: pytest.FixtureRequest) -> Profile:
    return request.param


@pytest.fixture
def profiled(cluster: Cluster, profile: Profile) -> Cluster:
    return cluster.model_copy(update={"profile": profile})


def matches(pattern: str, key: str) -> bool:
    """A plain reading of AMQP's topic rules; enough for patterns whose `#` stands last or alone."""
    words = [r"[^.]*" if word == "*" else re.escape(word) for word in pattern.split(".") if word != "#"]
    expression = r"\.".join(words)
    if pattern.endswith("#"):
        expression += r"(\..*)?" if words else ".*"
    return re.fullmatch(expression, key) is not None


class Router:
    """Where a message goes by a topology alone."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.exchanges = {exchange.name: exchange for exchange in topology.exchanges}
        self.queues = {queue.name: queue for queue in topology.queues}

    def route(self, exchange: str, key: str) -> set[str]:
        """The queues that receive it, through other exchanges and alternate exchanges too."""
        hits = [binding for binding in self.topology.bindings if binding.source == exchange and self._hit(binding, key)]
        alternate = self.exchanges[exchange].arguments.get("alternate-exchange")
        if not hits and alternate:
            return self.route(str(alternate), key)
        queues = {hit.destination for hit in hits if hit.destination_kind == "queue"}
        further = [self.route(hit.destination, key) for hit in hits if hit.destination_kind == "exchange"]
        return queues.union(*further)

    def _hit(self, binding: Binding, key: str) -> bool:
        return self.exchanges[binding.source].kind == "fanout" or matches(binding.routing_key, key)


@pytest.fixture
def router(profiled: Cluster) -> Router:
    return Router(build(profiled))
