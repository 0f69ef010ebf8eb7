"""k8s/make-secrets, with a kubectl that only writes down what it is told."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

KUBECTL = """#!/bin/sh
echo "$@" >>"$CALLS/calls"
case "$*" in
    *"get secret"*) exit 1 ;;
    *"create secret generic"*)
        for word in "$@"; do
            pair=${word#--from-file=}
            case $word in --from-file=*=*) cp "${pair#*=}" "$CALLS/$6.${pair%%=*}" ;; esac
        done ;;
esac
"""


@pytest.fixture
def made(root, tmp_path):
    """Runs the script for an overlay; gives the calls of kubectl and the content of each Secret's keys."""

    def make(*arguments):
        kubectl = tmp_path / "kubectl"
        kubectl.write_text(KUBECTL)
        kubectl.chmod(kubectl.stat().st_mode | stat.S_IEXEC)
        path = f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {"PATH": path, "CALLS": str(tmp_path), "HOME": str(tmp_path)}
        done = subprocess.run(
            [str(root / "k8s/make-secrets"), *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        secrets = {file.name: file.read_text() for file in tmp_path.glob("*.*")}
        return (tmp_path / "calls").read_text(), secrets, done.stdout

    return make


def test_every_secret_that_the_manifests_of_dev_name_is_made(made, root):
    calls, content, said = made("dev")
    names = {name.rpartition(".")[0] for name in content}
    rendered = {line.split()[0] for line in said.splitlines() if line.endswith("is made")}
    assert names == rendered
    assert {
        "warren-director-broker",
        "client-broker",
        "warren-ledger",
        "warren-ledger-owner",
        "warren-broker-admin",
    } <= names
    for name in names:
        password = content[f"{name}.password"]
        assert len(password) >= 32
        assert password not in calls
        assert password not in said
    assert (
        content["warren-ledger.url"]
        == f"postgresql://warren:{content['warren-ledger.password']}@warren-postgres:5432/warren"
    )
    assert content["warren-lead-scouts-broker.username"] == "warren-lead-scouts"
    assert calls.count("topology-operator=true") == len(names)


def test_for_prod_only_the_users_of_the_broker_are_made(made):
    _, content, _ = made("prod", "acme")
    names = {name.rpartition(".")[0] for name in content}
    assert "acme-broker" in names
    assert not {"warren-ledger", "warren-broker-admin"} & names
