"""The data folder of a private node: what is kept there, and the configuration that is written into it."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

from warren.errors import BrokerUnavailable

NODE_NAME: Final = "warren@localhost"
USER: Final = "warren"
CONSUMER_TIMEOUT_S: Final = 86_400.0
"""How long a worker may hold a task of a private node; the default of half an hour is too short for an agent."""
PORTS: Final = range(21_000, 31_000)
"""Below the range from which the system serves outgoing connections, so that nobody takes a port by chance."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What stays the same when a node is started again on its folder."""

    password: str
    cookie: str
    amqp_port: int
    management_port: int
    distribution_port: int
    epmd_port: int


class NodeFolder:
    """One node's files: identity, configuration, database and logs, all for the owner's eyes only."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.log = self.path / "log" / "rabbit.log"
        self.output = self.path / "log" / "output.log"
        self._spoken_bytes = 0
        self._lock: IO[str] | None = None

    def acquire(self) -> None:
        """Make the folder this process's own until `release`. Raises BrokerUnavailable."""
        try:
            for part in ("mnesia", "log", "home", "generated"):
                (self.path / part).mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = (self.path / "lock").open("a+")
        except OSError as error:
            raise BrokerUnavailable(
                f"the data folder {self.path} cannot be used: {error.strerror}; "
                "choose one that this user may write to, on a disk with room"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise BrokerUnavailable(
                f"the data folder {self.path} is in use by another private node; stop that one or choose another folder"
            ) from error
        self._lock = lock

    def release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def identity(self, port: int | None) -> Identity:
        """The identity of before, with other ports where its own are taken now. Raises BrokerUnavailable."""
        if port is not None and not _is_free(port):
            raise BrokerUnavailable(f"port {port} of 127.0.0.1 is taken; stop what listens there or choose another")
        identity = self._with_free_ports(self._recall() or _new_identity())
        if port is not None:
            identity = replace(identity, amqp_port=port)
        self._write("node.json", json.dumps(asdict(identity)))
        return identity

    def _recall(self) -> Identity | None:
        try:
            return Identity(**json.loads((self.path / "node.json").read_text()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise BrokerUnavailable(
                f"{self.path / 'node.json'} cannot be read ({error}); without it the node's password is lost: "
                "restore it, or remove the folder to start afresh"
            ) from error

    @staticmethod
    def _with_free_ports(identity: Identity) -> Identity:
        kept = {name: value for name, value in asdict(identity).items() if name.endswith("_port")}
        taken = [name for name, port in kept.items() if not _is_free(port)]
        fresh = _free_ports(len(taken), avoid=set(kept.values()))
        moved: dict[str, Any] = dict(zip(taken, fresh, strict=True))
        return replace(identity, **moved)

    def write_configuration(self, identity: Identity) -> None:
        """Write what the node reads when it starts."""
        self._write("home/.erlang.cookie", identity.cookie, mode=0o400)
        self._write("enabled_plugins", "[rabbitmq_management].")
        settings = {
            "listeners.tcp.1": f"127.0.0.1:{identity.amqp_port}",
            "management.tcp.ip": "127.0.0.1",
            "management.tcp.port": identity.management_port,
            "default_user": USER,
            "default_pass": identity.password,
            "consumer_timeout": int(CONSUMER_TIMEOUT_S * 1000),
            "log.console": "false",
            "log.file.level": "info",
        }
        self._write("rabbitmq.conf", "".join(f"{name} = {value}\n" for name, value in settings.items()))

    def environment(self, identity: Identity, outer: Mapping[str, str]) -> dict[str, str]:
        """The environment of the node and of its tools; other nodes' settings in `outer` are left out."""
        inherited = {name: value for name, value in outer.items() if not name.startswith(("RABBITMQ_", "ERL_"))}
        return inherited | {
            "HOME": str(self.path / "home"),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(identity.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": NODE_NAME,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(identity.amqp_port),
            "RABBITMQ_DIST_PORT": str(identity.distribution_port),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": str(self.path / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.path / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.path / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self.path / "generated"),
            "RABBITMQ_MNESIA_BASE": str(self.path / "mnesia"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(self.path / "feature_flags"),
            "RABBITMQ_LOG_BASE": str(self.log.parent),
            "RABBITMQ_LOGS": str(self.log),
            "RABBITMQ_PID_FILE": str(self.path / "rabbit.pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                f"+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {{127,0,0,1}} "
                f"-warren {identity.epmd_port}"
            ),
            # Makes the started script become the node instead of its parent, so that its pid is the node's.
            "RUNNING_UNDER_SYSTEMD": "1",
        }

    def record(self, pids: Mapping[str, int]) -> None:
        """Keep the pids, each under a word that its command line holds."""
        self._write("pids.json", json.dumps(dict(pids)))

    def recorded(self) -> dict[str, int]:
        try:
            return {str(word): int(pid) for word, pid in json.loads((self.path / "pids.json").read_text()).items()}
        except (OSError, ValueError, AttributeError):
            return {}

    def listen(self) -> None:
        """Forget what earlier runs said: the node goes on with its log, and begins its output anew."""
        self._spoken_bytes = self.log.stat().st_size if self.log.exists() else 0

    def last_words(self, lines: int = 12) -> str:
        """The ends of the node's output and log since `listen`, for an error message."""
        return "\n".join([*_tail(self.output, 0, lines), *_tail(self.log, self._spoken_bytes, lines)])

    def _write(self, name: str, text: str, *, mode: int = 0o600) -> None:
        file = self.path / name
        file.unlink(missing_ok=True)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as stream:  # noqa: PTH123
            stream.write(text)


def _new_identity() -> Identity:
    return Identity(secrets.token_hex(16), secrets.token_hex(16), *_free_ports(4, avoid=set()))


def _free_ports(count: int, *, avoid: set[int]) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        port = secrets.choice(PORTS)
        if port not in avoid and port not in found and _is_free(port):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _tail(file: Path, since_bytes: int, lines: int) -> list[str]:
    try:
        return file.read_bytes()[since_bytes:].decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return []
