"""How much of everything a cluster allows."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from topology.client_limits import ClientLimits
from topology.section import Section

MEBIBYTE = 1024 * 1024


class Limits(Section):
    """Bounds that keep one mistaken or hostile project from taking the cluster down."""

    message_bytes: int = Field(
        default=8 * MEBIBYTE,
        ge=1024,
        le=128 * MEBIBYTE,
        description="the largest body of a message; above 16 MiB a broker from 4.0 needs its max_message_size raised",
    )
    plan_depth: int = Field(default=32, ge=1, le=200, description="how deep the nodes of a plan may be nested")
    plan_nodes: int = Field(default=10_000, ge=1, le=1_000_000, description="how many nodes a plan may have")
    delegate_depth: int = Field(
        default=4, ge=1, le=32, description="how many teams an assignment may pass through, one delegating to the next"
    )
    window: int = Field(
        default=1_000, ge=1, le=50_000, description="how many children of one fan-out may be under way at once"
    )
    deadline_s: float = Field(
        default=86_400.0, gt=0, le=31_536_000, description="the time a project has that does not name a deadline"
    )
    project_tasks: int = Field(
        default=1_000_000,
        ge=1,
        le=100_000_000,
        description="how many tasks and assignments a project may have in all; counted every few seconds",
    )
    open_projects: int = Field(
        default=10_000,
        ge=1,
        le=10_000_000,
        description="how many projects may be under way at once; more wait in the broker, the urgent first",
    )
    client: ClientLimits = Field(default=ClientLimits(), description="what each client may send")
    clients: Mapping[str, ClientLimits] = Field(
        default={}, description="clients that may send more or less than the others, by the name of their broker user"
    )
    verified_clients: bool = Field(
        default=False, description="refuse messages without the AMQP user_id, which the broker vouches for"
    )
