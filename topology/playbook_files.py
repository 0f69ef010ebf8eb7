"""Where the playbooks of a cluster are."""

from __future__ import annotations

from collections.abc import Iterator
from glob import glob
from pathlib import Path

from topology.cluster import Cluster
from topology.errors import ClusterFileError, Problem


def playbook_files(cluster: Cluster, cluster_file: Path) -> tuple[Path, ...]:
    """The files that `playbooks` names, each once, in its order. Raises ClusterFileError where nothing is found."""
    found = (file for pattern in cluster.playbooks for file in _matches(pattern, cluster_file))
    return tuple(dict.fromkeys(found))


def _matches(pattern: str, cluster_file: Path) -> Iterator[Path]:
    folder = cluster_file.parent
    files = [folder / name for name in sorted(glob(pattern, root_dir=folder, recursive=True))]  # noqa: PTH207 takes absolute patterns too
    if not any(file.is_file() for file in files):
        text = f"no file matches {pattern!r} in {folder}; correct the path or remove it"
        raise ClusterFileError(str(cluster_file), Problem(text, "playbooks"))
    return (file for file in files if file.is_file())
