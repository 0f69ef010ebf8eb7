"""Who a span or a metric is about, in OpenTelemetry's words."""

from __future__ import annotations

from importlib import metadata
from typing import Final

from opentelemetry.sdk.resources import Resource

from warren.telemetry.span import Service

NAMESPACE: Final = "warren"


def resource_of(service: Service) -> Resource:
    """The role is the service, the process its instance; `OTEL_RESOURCE_ATTRIBUTES` may add more, such as where."""
    described = {
        "service.name": f"{NAMESPACE}-{service.role}",
        "service.namespace": NAMESPACE,
        "service.version": metadata.version("warren"),
    }
    if service.instance:
        described["service.instance.id"] = service.instance
    return Resource.create().merge(Resource(described))
