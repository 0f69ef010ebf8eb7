"""cluster.yaml: the one file from which a cluster's queues and processes follow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError

from topology.complaints import problems_of
from topology.errors import ClusterFileError, Problem
from topology.events import Events
from topology.limits import MEBIBYTE, Limits
from topology.profile import Profile
from topology.section import Section
from topology.team import Team
from topology.token import TeamToken
from topology.yaml_document import read_yaml

MAX_FILE_BYTES = MEBIBYTE
PathPattern = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\x00]+$")]


class Cluster(Section):
    """Teams, their skills and the limits that all of them share."""

    version: Literal[1] = Field(description="the version of this file's format")
    profile: Profile = Field(
        default="classic", description="classic: one broker node, priorities; quorum: a broker cluster, replication"
    )
    teams: Mapping[TeamToken, Team] = Field(
        min_length=1, description="the teams by name", json_schema_extra={"additionalProperties": False}
    )
    playbooks: tuple[PathPattern, ...] = Field(
        default=(), strict=False, description="files with playbooks, or patterns of them, relative to this file"
    )
    limits: Limits = Limits()
    events: Events = Field(default=Events(), description="what is told on the exchange warren.events")


def load_cluster(path: Path) -> Cluster:
    """Read a cluster file. Raises ClusterFileError, which says where to correct what."""
    source = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        text = f"cannot be read: {error.strerror}; name the cluster file that you mean"
        raise ClusterFileError(source, Problem(text)) from error
    return parse_cluster(_decoded(content, source), source)


def parse_cluster(text: str, source: str) -> Cluster:
    """Understand a cluster file's text; `source` is what errors call it. Raises ClusterFileError.

    >>> parse_cluster("{version: 1, teams: {scouts: {skills: {measure: {}}}}}", "cluster.yaml").profile
    'classic'
    """
    document = read_yaml(text, source)
    try:
        return Cluster.model_validate(document.value)
    except ValidationError as error:
        raise ClusterFileError(source, *problems_of(error, document)) from error


def cluster_schema() -> dict[str, Any]:
    """The JSON Schema of the cluster file, for editors that complete and check it."""
    schema = Cluster.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Warren's cluster.yaml"}


def _decoded(content: bytes, source: str) -> str:
    if len(content) > MAX_FILE_BYTES:
        raise ClusterFileError(source, Problem(f"is larger than {MAX_FILE_BYTES:,} bytes; this is no cluster file"))
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ClusterFileError(source, Problem("is not UTF-8; save it in that encoding", line=line)) from error
