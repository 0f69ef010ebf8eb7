"""A certificate authority, certificates for a server and for clients, and servers that speak TLS with them."""

import asyncio
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from warren.broker.rabbit.node import PrivateNode, find_server
from warren.broker.rabbit.node_folder import _free_ports
from warren.errors import BrokerUnavailable, LedgerUnavailable
from warren.testing.services.postgres import PrivatePostgres


@dataclass(frozen=True)
class Papers:
    """Where the certificates are; each has its key beside it."""

    folder: Path

    def cert(self, name):
        return str(self.folder / f"{name}.crt")

    def key(self, name):
        return str(self.folder / f"{name}.key")


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def issue(folder, name, subject, authority="ca", extension=""):
    """A certificate of the authority for a subject; without an authority, one that signs itself."""
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{folder}/{name}.key"]
    if authority is None:
        constraints = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        openssl("req", "-x509", *new_key, "-out", f"{folder}/{name}.crt", "-days", "2", "-subj", subject, *constraints)
        return
    openssl("req", *new_key, "-out", f"{folder}/{name}.csr", "-subj", subject)
    (folder / f"{name}.ext").write_text(f"basicConstraints=CA:FALSE\n{extension}\n")
    signer = ["-CA", f"{folder}/{authority}.crt", "-CAkey", f"{folder}/{authority}.key", "-CAcreateserial"]
    out = ["-out", f"{folder}/{name}.crt", "-days", "2", "-extfile", f"{folder}/{name}.ext"]
    openssl("x509", "-req", "-in", f"{folder}/{name}.csr", *signer, *out)


@pytest.fixture(scope="package")
def papers(tmp_path_factory):
    if shutil.which("openssl") is None:
        unavailable("openssl is not installed, and certificates cannot be made")
    folder = tmp_path_factory.mktemp("papers")
    issue(folder, "ca", "/CN=Warren Test CA", authority=None)
    issue(folder, "stranger-ca", "/CN=Somebody Else", authority=None)
    names = "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth"
    issue(folder, "server", "/CN=localhost", extension=names)
    for client in ("warren-director", "warren", "unknown"):
        issue(folder, client, f"/CN={client}", extension="extendedKeyUsage=clientAuth")
    issue(folder, "forged", "/CN=warren-director", authority="stranger-ca", extension="extendedKeyUsage=clientAuth")
    return Papers(folder)


def unavailable(reason):
    pytest.fail(reason, pytrace=False) if os.environ.get("CI") == "true" else pytest.skip(reason)


@dataclass
class TlsBroker:
    """A node with three listeners: plain AMQP, TLS, and TLS that wants the client's certificate."""

    node: PrivateNode
    tls_port: int
    management_url: str

    def url(self, user=None, password=None, host="localhost", **query):
        parts = urlsplit(self.node.amqp_url)
        login = f"{user or parts.username}:{password or parts.password}"
        words = "&".join(f"{name}={value}" for name, value in query.items())
        return f"amqps://{login}@{host}:{self.tls_port}/?{words}"


def advanced_config(port, papers, *, client_certificate):
    demand = "{verify, verify_peer}, {fail_if_no_peer_cert, true}" if client_certificate else "{verify, verify_none}"
    paths = {"cacertfile": papers.cert("ca"), "certfile": papers.cert("server"), "keyfile": papers.key("server")}
    files = ", ".join(f'{{{word}, "{path}"}}' for word, path in paths.items())
    return (
        f'[{{rabbit, [{{ssl_listeners, [{{"127.0.0.1", {port}}}]}}, {{ssl_cert_login_from, common_name}},\n'
        f"  {{auth_mechanisms, ['PLAIN', 'EXTERNAL']}},\n"
        f"  {{ssl_options, [{files}, {demand}, {{versions, ['tlsv1.2', 'tlsv1.3']}}]}}]}}].\n"
    )


async def tls_node(folder, papers, **options):
    (port,) = _free_ports(1, avoid=set())
    folder.mkdir()
    (folder / "advanced.config").write_text(advanced_config(port, papers, **options))
    node = PrivateNode(folder, fast=True)
    try:
        await node.start()
    except BrokerUnavailable as error:
        unavailable(str(error))
    return TlsBroker(node, port, node.management_url)


async def enable(node, plugin):
    tool = find_server().with_name("rabbitmq-plugins")
    environment = node._folder.environment(node._known, os.environ)
    process = await asyncio.create_subprocess_exec(
        str(tool), "enable", plugin, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def tls_broker(papers, tmp_path_factory):
    """Its certificate is for localhost."""
    broker = await tls_node(tmp_path_factory.mktemp("tls") / "node", papers, client_certificate=False)
    yield broker
    await broker.node.stop()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def mtls_broker(papers, tmp_path_factory):
    """It takes nobody without a certificate of the authority, and certificates instead of passwords."""
    broker = await tls_node(tmp_path_factory.mktemp("mtls") / "node", papers, client_certificate=True)
    await enable(broker.node, "rabbitmq_auth_mechanism_ssl")
    yield broker
    await broker.node.stop()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def tls_ledger(papers):
    """A PostgreSQL that takes TLS only; the user `warren` by password, `certified` by the certificate of warren."""
    # not in pytest's folder, which another user cannot reach: where the tests run as root, PostgreSQL does not
    with tempfile.TemporaryDirectory(prefix="warren-tls-") as folder:
        postgres = PrivatePostgres(Path(folder), fast=True)
        try:
            postgres.start()
        except LedgerUnavailable as error:
            unavailable(str(error))
        try:
            yield await secured(postgres, papers)
        finally:
            postgres.stop()


@dataclass
class TlsLedger:
    """Where the ledger is; `url` with user, password and words of TLS."""

    port: int
    password: str

    def url(self, user="warren", password=None, host="localhost", **query):
        words = "&".join(f"{name}={value}" for name, value in query.items())
        return f"postgresql://{user}:{password or self.password}@{host}:{self.port}/postgres?{words}"


async def secured(postgres, papers):
    """Give a running server its certificate, and shut the door for everything else."""
    data = postgres._cluster
    for name, source in (
        ("server.crt", papers.cert("server")),
        ("server.key", papers.key("server")),
        ("ca.crt", papers.cert("ca")),
    ):
        shutil.copy(source, data / name)
        (data / name).chmod(0o600)
        shutil.chown(data / name, data.stat().st_uid, data.stat().st_gid)
    hba = "hostssl all certified 127.0.0.1/32 cert map=certs\nhostssl all all 127.0.0.1/32 scram-sha-256\n"
    (data / "pg_hba.conf").write_text(hba)
    (data / "pg_ident.conf").write_text("certs warren certified\n")
    connection = await asyncpg.connect(postgres.url.replace("+asyncpg", ""))
    settings = {"ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key", "ssl_ca_file": "ca.crt"}
    for name, value in settings.items():
        await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    await connection.execute("CREATE ROLE certified LOGIN SUPERUSER")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()
    parts = urlsplit(postgres.url)
    return TlsLedger(parts.port, parts.password)


def run(command, folder, **settings):
    """A command's exit code and what it said, with no setting but these."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("WARREN_", "PGSSL"))}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**clean, **settings},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def command(tmp_path):
    return lambda *words, **settings: run(words, tmp_path, **settings)


@pytest.fixture
def secret():
    return f"secret{secrets.token_hex(8)}"
