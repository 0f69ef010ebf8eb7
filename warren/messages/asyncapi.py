"""The contract for other systems as an AsyncAPI 3.0 document: `python -m warren.messages.asyncapi FILE` writes it.

It follows from the wire models and the topology, so it says what the code does. It is written from Warren's side:
what a publisher sends, Warren receives.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic.json_schema import models_json_schema

from topology import names
from topology.build import EXCHANGES
from warren.messages.command import Command
from warren.messages.event import Event
from warren.messages.message import JsonObject, Message
from warren.messages.project import Project
from warren.messages.query import Query
from warren.messages.reply import Reply

HEAD: Final = "# Made from the code: python -m warren.messages.asyncapi docs/asyncapi.yaml\n"
JSON: Final = "application/json"
CLOUD_EVENT: Final = "application/cloudevents+json"
BINDING: Final = "0.3.0"
ENDED: Final = ("succeeded", "failed", "cancelled", "expired")
PROJECT_STATUSES: Final = ("accepted", *ENDED, "reopened")
AGENT_STATUSES: Final = ("started", "draining", "stopped")
ROLES: Final = ("director", "teamlead", "worker")
REPLY_TO: Final = "$message.payload#/reply_to"
CORRELATION: Final = "$message.header#/correlation_id"
EXAMPLE_ID: Final = "0192f0c4-7d1e-7a33-9b51-3f0f5a9f8c11"

CONTRACT: Final[tuple[type[Message], ...]] = (Project, Command, Query, Reply, Event)
"""What crosses the border between Warren and other systems."""

_SUBMISSION: Final = {"playbook": "welcome", "input": {"guests": ["Ada", "Grace"]}}
EXAMPLES: Final[Mapping[str, tuple[JsonObject, ...]]] = {
    "project": (_SUBMISSION, {"id": EXAMPLE_ID, **_SUBMISSION, "priority": 6, "timeout_s": 600}),
    "command": ({"verb": "cancel", "project": EXAMPLE_ID, "reason": "no longer wanted"},),
    "query": ({"noun": "result", "project": EXAMPLE_ID}, {"noun": "projects", "limit": 20}),
    "reply": (
        {"project": EXAMPLE_ID, "answer": {"kind": "accepted"}},
        {
            "project": EXAMPLE_ID,
            "answer": {
                "kind": "finished",
                "outcome": {"status": "succeeded", "output": {"greetings": 2}},
                "accepted_s": 1790000000.0,
                "ended_s": 1790000001.5,
            },
        },
        {"answer": {"kind": "rejected", "error": {"code": "unknown_playbook", "message": "there is no playbook 'x'"}}},
    ),
    "event": (
        {
            "specversion": "1.0",
            "id": f"{EXAMPLE_ID}:succeeded",
            "source": "/warren/director",
            "type": "warren.project.succeeded",
            "subject": EXAMPLE_ID,
            "data": {"project": EXAMPLE_ID, "playbook": "welcome", "status": "succeeded"},
        },
    ),
}


def document() -> JsonObject:
    """The whole document as plain data."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Warren",
            "version": version("warren"),
            "description": "How other systems hand in projects and hear what became of them, over AMQP 0-9-1. "
            "docs/publishing.md says the same in prose.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": JSON,
        "servers": {"broker": _server()},
        "channels": _channels(),
        "operations": _operations(),
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def render() -> str:
    """The document as YAML, stable enough for version control."""
    return HEAD + yaml.dump(document(), Dumper=_Plain, sort_keys=False, width=110, allow_unicode=True)


class _Plain(yaml.SafeDumper):
    """Writes what is used twice twice: anchors are not for readers."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _server() -> JsonObject:
    return {
        "host": "{host}:{port}",
        "pathname": "/{vhost}",
        "protocol": "amqp",
        "protocolVersion": "0.9.1",
        "description": "RabbitMQ; with TLS the protocol is amqps and the port 5671",
        "variables": {
            "host": {"default": "localhost"},
            "port": {"default": "5672"},
            "vhost": {"default": "%2F", "description": "one for each tenant, percent-encoded"},
        },
    }


def _channels() -> JsonObject:
    playbook = {"playbook": _parameter("the playbook's name")}
    client = {"client": _parameter("the client's own name: that of its broker user, or that with --<anything>")}
    verb, noun = _choices("what is wanted", Command, "verb"), _choices("what is asked for", Query, "noun")
    return {
        "projects": _channel(names.INGRESS, names.project_key("{playbook}"), playbook, "project", "projectAsEvent"),
        "commands": _channel(names.INGRESS, names.command_key("{verb}"), {"verb": verb}, "command"),
        "queries": _channel(names.INGRESS, names.query_key("{noun}"), {"noun": noun}, "query"),
        "replies": _channel(names.REPLIES, names.reply_key("{client}"), client, "reply"),
        "events": _events(names.project_key("{status}"), PROJECT_STATUSES),
        **_more_events(),
    }


def _more_events() -> JsonObject:
    """Of what is below projects, and of the processes that carry them out."""
    team, skill = {"team": _parameter("the team's name")}, {"skill": _parameter("the skill's name")}
    role = {"role": {"description": "what it is", "enum": list(ROLES)}}
    return {
        "assignmentEvents": _events("assignment.{status}.{team}", ("started", *ENDED), team),
        "taskEvents": _events("task.{status}.{team}.{skill}", ENDED, team | skill),
        "agentEvents": _events("agent.{status}.{role}", AGENT_STATUSES, role),
    }


def _events(key: str, statuses: Iterable[str], more: JsonObject | None = None) -> JsonObject:
    status = {"status": {"description": "how it stands", "enum": list(statuses)}}
    return _channel(names.EVENTS, key, {**status, **(more or {})}, "event")


def _channel(exchange: str, key: str, parameters: JsonObject, *messages: str) -> JsonObject:
    declared = next(each for each in EXCHANGES if each.name == exchange)
    return {
        "address": key,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "parameters": parameters,
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": declared.name, "type": declared.kind, "durable": True, "autoDelete": False},
                "bindingVersion": BINDING,
            }
        },
    }


def _parameter(description: str) -> JsonObject:
    return {"description": f"{description}; {names.TOKEN.pattern}"}


def _choices(description: str, model: type[Message], name: str) -> JsonObject:
    found = model.model_json_schema()["properties"][name]
    return {"description": description, "enum": found.get("enum") or [found["const"]]}


def _operations() -> JsonObject:
    asked = {
        "submitProject": ("projects", "Hand in a project. The same id is the same project, however often it is sent."),
        "command": ("commands", "Have something done about a project. A command repeated changes nothing."),
        "query": ("queries", "Ask where a project stands, how it ended, or which projects there are."),
    }
    told = {
        "publishEvent": ("events", "Tells everybody who listens that a project was accepted or has ended."),
        "publishAssignmentEvent": ("assignmentEvents", "Tells that a team began an assignment, or how it ended."),
        "publishTaskEvent": ("taskEvents", "Tells how a task ended, where cluster.yaml asks for it (events.tasks)."),
        "publishAgentEvent": ("agentEvents", "Tells that a process has started, is draining or has stopped."),
    }
    return {
        **{name: _receive(channel, summary) for name, (channel, summary) in asked.items()},
        **{name: _operation("send", channel, summary) for name, (channel, summary) in told.items()},
    }


def _receive(channel: str, summary: str) -> JsonObject:
    reply = {
        "address": {
            "location": REPLY_TO,
            "description": "the body's reply_to, else the AMQP property reply_to; without either nobody is answered",
        },
        "channel": {"$ref": "#/channels/replies"},
    }
    return {**_operation("receive", channel, summary), "reply": reply}


def _operation(action: str, channel: str, summary: str) -> JsonObject:
    delivered = {"deliveryMode": 2, "mandatory": action == "receive", "bindingVersion": BINDING}
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "bindings": {"amqp": delivered},
    }


def _messages() -> JsonObject:
    messages = {model.__name__.lower(): _message(model) for model in CONTRACT}
    messages["projectAsEvent"] = {
        "name": Project.TYPE,
        "title": "A project as a CloudEvent in structured mode",
        "contentType": CLOUD_EVENT,
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/Event"},
                {
                    "required": ["specversion", "data"],
                    "properties": {
                        "type": {"const": "warren.project.submit"},
                        "data": {"$ref": "#/components/schemas/Project"},
                    },
                },
            ]
        },
    }
    return messages


def _message(model: type[Message]) -> JsonObject:
    kind = model.__name__.lower()
    return {
        "name": model.TYPE,
        "title": model.__name__,
        "summary": (model.__doc__ or "").strip().splitlines()[0],
        "contentType": JSON,
        "correlationId": {"location": CORRELATION, "description": "the AMQP property; an answer carries the asker's"},
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
        "bindings": {"amqp": {"messageType": model.TYPE, "bindingVersion": BINDING}},
        "examples": [{"payload": example} for example in EXAMPLES[kind]],
    }


def _schemas() -> JsonObject:
    _, found = models_json_schema(
        [(model, "validation") for model in CONTRACT], ref_template="#/components/schemas/{model}"
    )
    schemas: JsonObject = _in_asyncapi(found["$defs"])
    return schemas


def _in_asyncapi(schema: Any) -> Any:
    """Without OpenAPI's `discriminator`, which AsyncAPI writes otherwise; each branch has its own constant anyway."""
    match schema:
        case dict():
            return {name: _in_asyncapi(part) for name, part in schema.items() if name != "discriminator"}
        case list():
            return [_in_asyncapi(part) for part in schema]
        case _:
            return schema


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
