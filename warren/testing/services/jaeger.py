"""A Jaeger on this machine: its container where an engine answers, else its own program, built once and kept.

    python -m warren.testing.services.jaeger          runs one until Ctrl-C, and says where it is
    python -m warren.testing.services.jaeger --build  only makes sure that there is a program to run

The program is built from Jaeger's Go module, of the last release whose module path the Go proxy can serve. That takes
some minutes and leaves about 90 MB. The module does not hold Jaeger's user interface: in its place is a small page of
ours that reads the same query API. JAEGER_UI names a folder with the real one, if there is one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

IMAGE: Final = "jaegertracing/jaeger:2.17.0"
MODULE: Final = "github.com/jaegertracing/jaeger"
MODULE_VERSION: Final = "v1.76.0"
"""The module's name for release 2.13.0."""
READY_WITHIN_S: Final = 60.0
ENGINE_ANSWERS_WITHIN_S: Final = 5.0
LOOPBACK: Final = "127.0.0.1"
CONFIG: Final = """
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [jaeger_storage_exporter]}
  telemetry:
    metrics: {level: none}
    logs: {level: warn}
extensions:
  jaeger_query:
    storage: {traces: memory}
    ui: {assets_path: "%(ui)s"}
    http: {endpoint: "127.0.0.1:%(query)d"}
    grpc: {endpoint: "127.0.0.1:0"}
  jaeger_storage:
    backends:
      memory: {memory: {max_traces: 100000}}
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "127.0.0.1:%(otlp_grpc)d"}
      http: {endpoint: "127.0.0.1:%(otlp_http)d"}
processors:
  batch: {timeout: 200ms}
exporters:
  jaeger_storage_exporter: {trace_storage: memory}
"""


class JaegerUnavailable(Exception):
    """There is no way to a Jaeger here; says what would help."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where it listens on loopback."""

    query: int = 16686
    otlp_http: int = 4318
    otlp_grpc: int = 4317

    @classmethod
    def free(cls) -> Ports:
        """Three that nobody uses at the moment."""
        with closing(socket.socket()) as one, closing(socket.socket()) as two, closing(socket.socket()) as three:
            for each in (one, two, three):
                each.bind((LOOPBACK, 0))
            return cls(one.getsockname()[1], two.getsockname()[1], three.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Jaeger:
    """A running one."""

    ports: Ports
    how: str

    @property
    def url(self) -> str:
        """Its page, and its query API."""
        return f"http://{LOOPBACK}:{self.ports.query}"

    @property
    def endpoint(self) -> str:
        """What to set OTEL_EXPORTER_OTLP_ENDPOINT to."""
        return f"http://{LOOPBACK}:{self.ports.otlp_http}"


@contextmanager
def jaeger(ports: Ports) -> Iterator[Jaeger]:
    """One for the length of the `with`. Raises JaegerUnavailable."""
    with tempfile.TemporaryDirectory(prefix="warren-jaeger-") as folder:
        command, how = _container(ports) if _has_engine() else _program(ports, Path(folder))
        log = Path(folder) / "log"
        with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:  # noqa: S603
            try:
                found = Jaeger(ports, how)
                _wait(found, process, log)
                yield found
            finally:
                process.terminate()


def built(version: str = MODULE_VERSION) -> Path:
    """The program; built if it is not there yet. Raises JaegerUnavailable."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "warren"
    program = cache / f"jaeger-{version}"
    if not program.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _build(version, program)
    return program


def _build(version: str, program: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise JaegerUnavailable("no Docker engine answers and there is no Go to build Jaeger with; install either")
    _say(f"building Jaeger {version} from its Go module into {program}; once, for some minutes")
    found = _run([go, "mod", "download", "-json", f"{MODULE}@{version}"], cwd=program.parent)
    draft = program.with_suffix(".new")
    link = ["-trimpath", "-ldflags", "-s -w", "-o", str(draft)]
    _run([go, "build", *link, "./cmd/jaeger"], cwd=Path(json.loads(found)["Dir"]))
    draft.replace(program)


def _run(command: Sequence[str], cwd: Path) -> str:
    """What a program printed. Its flags for other modules are not ours."""
    environment = {**os.environ, "GOFLAGS": "-mod=mod" if "download" in command else ""}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise JaegerUnavailable(f"{' '.join(command[:3])} failed: {(done.stderr or done.stdout).strip()[-1500:]}")
    return done.stdout


def _program(ports: Ports, folder: Path) -> tuple[list[str], str]:
    program = built()
    config = folder / "config.yaml"
    config.write_text(CONFIG % {**_numbers(ports), "ui": _interface(folder)})
    return [str(program), "--config", f"file:{config}"], f"the program {program}"


def _interface(folder: Path) -> Path:
    """A folder with the pages that it serves."""
    if given := os.environ.get("JAEGER_UI"):
        return Path(given)
    from warren.cli.waterfall import reader

    (folder / "index.html").write_text(reader(), encoding="utf-8")
    return folder


def _container(ports: Ports) -> tuple[list[str], str]:
    inside = {"query": 16686, "otlp_http": 4318, "otlp_grpc": 4317}
    numbers = _numbers(ports)
    publish = [word for name, port in inside.items() for word in ("-p", f"{LOOPBACK}:{numbers[name]}:{port}")]
    return ["docker", "run", "--rm", "--init", *publish, IMAGE], f"the image {IMAGE}"


def _numbers(ports: Ports) -> dict[str, int]:
    return {"query": ports.query, "otlp_http": ports.otlp_http, "otlp_grpc": ports.otlp_grpc}


def _has_engine() -> bool:
    if shutil.which("docker") is None:
        return False
    with suppress(subprocess.TimeoutExpired, OSError):
        command = ["docker", "version"]
        done = subprocess.run(command, capture_output=True, timeout=ENGINE_ANSWERS_WITHIN_S, check=False)  # noqa: S603
        return done.returncode == 0
    return False


def _wait(found: Jaeger, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while not _answers(found.url):
        if process.poll() is not None or time.monotonic() > deadline:
            raise JaegerUnavailable(f"Jaeger ({found.how}) does not start: {log.read_text(errors='replace')[-1500:]}")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/services", timeout=2):  # noqa: S310
            return True
    except (OSError, urllib.error.HTTPError):
        return False


def _say(words: str) -> None:
    sys.stdout.write(f"· {words}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """The command of this module."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is ended, too
    try:
        if "--build" in arguments:
            _say(f"Jaeger is at {built()}" if not _has_engine() else f"Jaeger is the image {IMAGE}")
            return 0
        with jaeger(Ports()) as running:
            _say(f"Jaeger is at {running.url} ({running.how}); Ctrl-C stops it")
            _say(f"let Warren tell it: export OTEL_EXPORTER_OTLP_ENDPOINT={running.endpoint}")
            signal.pause()
    except KeyboardInterrupt:
        return 0
    except JaegerUnavailable as error:
        sys.stderr.write(f"jaeger: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
