"""`warren users`: who may do what on the broker."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Literal, assert_never
from urllib.parse import unquote, urlsplit

import typer

from topology.build import build
from topology.cluster import Cluster, load_cluster
from topology.definitions import exchange_definitions
from topology.operator_resources import Place, operator_yaml, secret_of
from topology.permissions import users as users_of
from topology.user import User
from topology.user_definitions import user_definitions, user_definitions_json
from warren.cli.loop import complete
from warren.cli.options import CLUSTER_FILE, AsJson, ClusterFile
from warren.cli.passwords import make_passwords, read_passwords
from warren.cli.printing import console, print_json

app = typer.Typer(
    help="Users of the broker: one per role and team, with the rights that they need.", no_args_is_help=True
)

Format = Literal["definitions", "operator"]
Publishers = Annotated[
    list[str] | None, typer.Option("--publisher", "-p", help="A system that submits projects. May be repeated.")
]
Passwords = Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder with one file for each user.")]


@app.command("list")
def list_(
    *,
    cluster: ClusterFile = CLUSTER_FILE,
    publisher: Publishers = None,
    secrets: Annotated[bool, typer.Option("--secrets", help="With the Kubernetes Secret of each.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the names of all users, one a line."""
    found = {user.name: secret_of(user.name) for user in _users(load_cluster(cluster), publisher)}
    if as_json:
        print_json(found if secrets else list(found))
        return
    for name, secret in found.items():
        console().print(f"{name} {secret}" if secrets else name, markup=False)


@app.command()
def passwords(
    *, folder: Passwords, cluster: ClusterFile = CLUSTER_FILE, publisher: Publishers = None, as_json: AsJson = False
) -> None:
    """Make random passwords for users that have none in the folder."""
    made = make_passwords(folder, [user.name for user in _users(load_cluster(cluster), publisher)])
    if as_json:
        print_json({"folder": str(folder), "made": list(made)})
    else:
        console().print(f"made {len(made)} passwords in {folder}", markup=False)


@app.command()
def apply(
    *,
    passwords: Annotated[Path, typer.Option(help="A folder with a file for each user, which holds its password.")],
    amqp_url: Annotated[
        str,
        typer.Option(envvar="WARREN_AMQP_URL", metavar="URL", help="The broker and the vhost, as an administrator."),
    ],
    management_url: Annotated[
        str, typer.Option(envvar="WARREN_MANAGEMENT_URL", metavar="URL", help="The broker's management API.")
    ],
    cluster: ClusterFile = CLUSTER_FILE,
    publisher: Publishers = None,
    as_json: AsJson = False,
) -> None:
    """Make the users in the broker, with their passwords and rights; those that exist get the new ones.

    The virtual host and the exchanges that rights are about are made, too, where they are missing.
    """
    from warren.broker.rabbit.users import import_definitions

    known = load_cluster(cluster)
    users = _users(known, publisher)
    vhost = unquote(urlsplit(amqp_url).path.removeprefix("/")) or "/"
    secrets = read_passwords(passwords, [user.name for user in users])
    # first the exchanges: RabbitMQ 4.3 refuses topic rights on one that is not there
    for document in (exchange_definitions(build(known), vhost), user_definitions(users, vhost, secrets, os.urandom)):
        complete(import_definitions(management_url, amqp_url, document))
    if as_json:
        print_json({"vhost": vhost, "users": [user.name for user in users]})
    else:
        console().print(f"{len(users)} users have their rights in vhost {vhost}", markup=False)


@app.command()
def export(
    *,
    cluster: ClusterFile = CLUSTER_FILE,
    form: Annotated[
        Format, typer.Option("--format", "-f", help="operator: the Messaging Topology Operator's.")
    ] = "definitions",
    publisher: Publishers = None,
    vhost: Annotated[str, typer.Option(help="The virtual host.")] = "/",
    rabbitmq: Annotated[str, typer.Option(help="The RabbitmqCluster, for the operator.")] = "warren-rabbitmq",
    as_json: AsJson = False,
) -> None:
    """Print users and rights, without passwords; for the operator with the topology. Needs no broker.

    Definitions are imported after those of `warren topology export`: rights are about exchanges that must be there.
    """
    known = load_cluster(cluster)
    content = _exported(known, _users(known, publisher), form, Place(rabbitmq, vhost))
    if as_json:
        print_json({"format": form, "content": json.loads(content) if form == "definitions" else content})
    else:
        sys.stdout.write(content)


def _exported(cluster: Cluster, users: tuple[User, ...], form: Format, place: Place) -> str:
    match form:
        case "definitions":
            return user_definitions_json(users, place.vhost)
        case "operator":
            return operator_yaml(build(cluster), users, place)
        case _:
            assert_never(form)


def _users(cluster: Cluster, publishers: list[str] | None) -> tuple[User, ...]:
    return users_of(cluster, publishers or ())
