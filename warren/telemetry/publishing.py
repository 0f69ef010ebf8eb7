"""The publisher's side: a client's span is the parent of the project that it hands in."""

from __future__ import annotations

import sys

from warren.telemetry import contract


def submitted(playbook: str, project: str, exchange: str, routing_key: str) -> dict[str, str]:
    """The headers of a submission: below the caller's span, if the program traces, with a span of its own that ends
    at once, for the project is the one to last.
    """
    if "opentelemetry" not in sys.modules:
        return {}
    from opentelemetry import trace
    from opentelemetry.baggage.propagation import W3CBaggagePropagator
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    attributes = {
        contract.PROJECT_ID.name: project,
        contract.SYSTEM.name: "rabbitmq",
        contract.MESSAGING_OPERATION.name: "send",
        contract.OPERATION_TYPE.name: "send",
        contract.DESTINATION.name: f"{exchange}:{routing_key}",
        contract.ROUTING_KEY.name: routing_key,
        contract.MESSAGE_CONVERSATION.name: project,
    }
    tracer = trace.get_tracer(contract.SCOPE)
    name = contract.SUBMIT.name.format(playbook=playbook)
    with tracer.start_as_current_span(name, kind=trace.SpanKind.PRODUCER, attributes=attributes):
        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier)
        W3CBaggagePropagator().inject(carrier)
        return carrier
