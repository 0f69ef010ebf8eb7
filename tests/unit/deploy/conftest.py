"""What the deployment files are compared with: the code's own settings, endpoints and limits."""

import os
import re
import shutil
import subprocess
from functools import cached_property
from pathlib import Path

import pytest
import yaml

from director.settings import DirectorSettings
from teamlead.settings import TeamLeadSettings
from warren.cli import options
from warren.runtime.process import TEARDOWN_S
from warren.runtime.service import DRAIN_MARGIN_S
from warren.runtime.settings import variable
from worker.settings import WorkerSettings

ROOT = Path(__file__).parents[3]
ROLES = {"director": DirectorSettings, "teamlead": TeamLeadSettings, "worker": WorkerSettings}
PINNED = re.compile(r"^[a-z0-9./-]+:\d+\.\d+(\.\d+)?[a-z0-9.-]*$")


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def role_variables():
    """The WARREN_ variables of each role."""
    return {role: {variable(field) for field in model.model_fields} for role, model in ROLES.items()}


@pytest.fixture(scope="session")
def command_variables():
    """The WARREN_ variables that the `warren` command reads."""
    text = "".join(file.read_text() for file in Path(options.__file__).parent.glob("*.py"))
    return set(re.findall(r'"(WARREN_[A-Z_]+)"', text))


@pytest.fixture(scope="session")
def is_pinned():
    return lambda image: PINNED.match(image) is not None


@pytest.fixture(scope="session")
def drain_s():
    """How many seconds a process may take from SIGTERM to its end, with a grace of so many."""
    return lambda grace_s: grace_s + DRAIN_MARGIN_S + TEARDOWN_S


WORKLOADS = ("Deployment", "StatefulSet", "Job")
REFERENCE = re.compile(r"\$\((\w+)\)")


def kustomizer():
    """The command that renders a folder, if the machine has one."""
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    return ["kubectl", "kustomize"] if shutil.which("kubectl") else None


def rendered(folder):
    if (command := kustomizer()) is None:
        reason = "neither kustomize nor kubectl is on this machine, and the manifests cannot be rendered"
        pytest.fail(reason, pytrace=False) if os.environ.get("CI") == "true" else pytest.skip(reason)
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", f"kustomize warns: {done.stderr}"
    return Manifests([document for document in yaml.safe_load_all(done.stdout) if document])


class Manifests:
    """Everything that one overlay would apply."""

    def __init__(self, documents):
        self.documents = documents

    def of(self, *kinds):
        return [document for document in self.documents if document["kind"] in kinds]

    @cached_property
    def config(self):
        return {document["metadata"]["name"]: document["data"] for document in self.of("ConfigMap")}

    @cached_property
    def workloads(self):
        return {document["metadata"]["name"]: document for document in self.of(*WORKLOADS)}

    @cached_property
    def roles(self):
        """The Deployments of director, team leads and workers, by name."""
        ours = {"director", "teamlead", "worker"}
        return {name: each for name, each in self.workloads.items() if self.component(each) in ours}

    def environment(self, container):
        """(name, value or where it comes from) in the order in which Kubernetes sets them."""
        found = []
        for source in container.get("envFrom", []):
            found += self.config[source["configMapRef"]["name"]].items()
        return found + [
            (entry["name"], entry.get("value", entry.get("valueFrom"))) for entry in container.get("env", [])
        ]

    def references(self, container):
        """What a container's commands and variables refer to as $(NAME)."""
        texts = [*container.get("command", []), *container.get("args", [])]
        texts += [value for _, value in self.environment(container) if isinstance(value, str)]
        return [name for text in texts for name in REFERENCE.findall(text)]

    @property
    def secrets(self):
        """The names of all Secrets that anything refers to."""
        return self.secrets_of(self.documents)

    @staticmethod
    def labels(workload):
        return workload["spec"]["template"]["metadata"]["labels"]

    @classmethod
    def component(cls, workload):
        return cls.labels(workload)["app.kubernetes.io/component"]

    @staticmethod
    def containers(workload):
        """The init containers first, the role last."""
        pod = workload["spec"]["template"]["spec"]
        return [*pod.get("initContainers", []), *pod["containers"]]

    @classmethod
    def secrets_of(cls, node):
        if isinstance(node, list):
            return set().union(*map(cls.secrets_of, node))
        if not isinstance(node, dict):
            return set()
        found = set().union(*map(cls.secrets_of, node.values()))
        for key in ("secretKeyRef", "secret", "importCredentialsSecret", "tls"):
            reference = node.get(key)
            if isinstance(reference, dict):
                found.add(reference.get("name") or reference["secretName"])
        return found | {reference["name"] for reference in node.get("secretTargetRef", [])}


@pytest.fixture(scope="session", params=["dev", "prod"])
def overlay(request):
    """The name of an overlay."""
    return request.param


@pytest.fixture(scope="session")
def manifests(overlay):
    return rendered(ROOT / "k8s/overlays" / overlay)
