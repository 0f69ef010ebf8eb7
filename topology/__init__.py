"""What exists in the broker, as pure values: exchanges, queues, bindings and the cluster file they come from."""

from topology.build import build
from topology.cluster import Cluster, cluster_schema, load_cluster, parse_cluster
from topology.command_line import CommandLine, ExitCodes
from topology.declaration import Binding, Exchange, Queue, Topology
from topology.definitions import definitions, definitions_json
from topology.drawing import draw
from topology.drift import compare, differences
from topology.errors import ClusterFileError, Problem, ProfileRefused
from topology.limits import Limits
from topology.live import LiveTopology, live_topology
from topology.mermaid import mermaid
from topology.playbook_files import playbook_files
from topology.profile import Profile, check_profile, shortcomings
from topology.retry_ladder import backoff_ms, units_for
from topology.skill_settings import SkillSettings
from topology.team import Team

__all__ = [
    "Binding",
    "Cluster",
    "ClusterFileError",
    "CommandLine",
    "Exchange",
    "ExitCodes",
    "Limits",
    "LiveTopology",
    "Problem",
    "Profile",
    "ProfileRefused",
    "Queue",
    "SkillSettings",
    "Team",
    "Topology",
    "backoff_ms",
    "build",
    "check_profile",
    "cluster_schema",
    "compare",
    "definitions",
    "definitions_json",
    "differences",
    "draw",
    "live_topology",
    "load_cluster",
    "mermaid",
    "parse_cluster",
    "playbook_files",
    "shortcomings",
    "units_for",
]
