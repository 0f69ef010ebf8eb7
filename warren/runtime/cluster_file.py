"""The cluster file and its playbooks, as every process reads them at its start."""

from __future__ import annotations

from pathlib import Path

from topology.cluster import Cluster, load_cluster
from topology.errors import ClusterFileError
from topology.playbook_files import playbook_files
from warren.errors import InvalidInput
from warren.patterns.playbook import Playbooks, load_playbook


def read_cluster(path: Path) -> Cluster:
    """The cluster file. Raises InvalidInput with code `cluster_file_invalid`."""
    try:
        return load_cluster(path)
    except ClusterFileError as error:
        raise InvalidInput("cluster_file_invalid", str(error)) from None


def read_playbooks(cluster: Cluster, path: Path) -> Playbooks:
    """The playbooks that the cluster file at `path` names, checked against its teams. Raises InvalidInput."""
    try:
        files = playbook_files(cluster, path)
    except ClusterFileError as error:
        raise InvalidInput("cluster_file_invalid", str(error)) from None
    teams = {name: frozenset(team.skills) for name, team in cluster.teams.items()}
    return Playbooks((load_playbook(file) for file in files), teams, cluster.limits)


def team_of(cluster: Cluster, team: str) -> str:
    """The team, if the cluster file has it. Raises InvalidInput with code `unknown_team`."""
    if team in cluster.teams:
        return team
    known = ", ".join(sorted(cluster.teams))
    raise InvalidInput("unknown_team", f"there is no team {team!r} in the cluster file; there are: {known}")
