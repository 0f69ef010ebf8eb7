# One image for all roles: director, teamlead, worker and warren are its commands.
#   docker build -t warren .                        the roles; skills and cluster.yaml come from an image FROM this one
#   docker build -t warren-survey --target survey . the same with the example that docker-compose.yml runs
ARG PYTHON=3.14.6-slim-trixie

FROM python:${PYTHON} AS build
# strip takes the debug symbols out of the wheels' machine code: 35 MB
RUN apt-get update && apt-get install -y --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# this pip takes the hashes of a lock file that holds more than what is installed
RUN python -m venv /opt/build && /opt/build/bin/pip install pip==26.3 && python -m venv --without-pip /opt/warren
WORKDIR /src

COPY pyproject.toml requirements.lock ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
        > runtime.txt \
    && /opt/build/bin/pip --python /opt/warren/bin/python install --no-compile --only-binary :all: \
        --constraint requirements.lock --requirement runtime.txt \
    && /opt/build/bin/pip install --constraint requirements.lock hatchling \
    && find /opt/warren -name '*.so' -exec strip --strip-unneeded {} + \
    && find /opt/warren/lib \( -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' \) -delete \
    && find /opt/warren/lib -type d -name tests -prune -exec rm -rf {} +

COPY README.md LICENSE ./
COPY topology topology
COPY warren warren
COPY director director
COPY teamlead teamlead
COPY worker worker
# Bytecode of what the roles import, and only of that: the root file system is read-only when they start.
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /opt/build/bin/pip --python /opt/warren/bin/python install --no-deps --no-compile /wheel/*.whl \
    && for role in director teamlead worker; do /opt/warren/bin/python -m $role --help >/dev/null || exit 1; done \
    && for command in up submit status "topology declare" "ledger migrate" "users apply"; do \
        /opt/warren/bin/warren $command --help >/dev/null || exit 1; done \
    && /opt/warren/bin/python -c "import alembic.command, alembic.config, asyncpg, sqlalchemy.dialects.postgresql.asyncpg, \
        sqlalchemy.dialects.sqlite, uvicorn.loops.asyncio, uvicorn.protocols.http.h11_impl, uvloop, warren.cli.wait" \
    && /opt/warren/bin/python -m compileall -q /opt/warren/lib/python*/site-packages/warren

FROM python:${PYTHON} AS runtime
RUN groupadd --gid 10001 warren \
    && useradd --uid 10001 --gid warren --no-create-home --home-dir /var/lib/warren --shell /usr/sbin/nologin warren \
    && install --directory --owner warren --group warren /var/lib/warren \
    && install --directory /etc/warren /etc/warren/playbooks
COPY --from=build /opt/warren /opt/warren
ENV PATH=/opt/warren/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    WARREN_CLUSTER=/etc/warren/cluster.yaml \
    WARREN_HEALTH_HOST=0.0.0.0 \
    WARREN_HEALTH_PORT=8080 \
    WARREN_LOG=json
LABEL org.opencontainers.image.title="Warren" \
    org.opencontainers.image.description="Hierarchical agent clusters on RabbitMQ" \
    org.opencontainers.image.licenses="Apache-2.0"
# by number, so that Kubernetes can see that it is not root
USER 10001:10001
WORKDIR /var/lib/warren
EXPOSE 8080
STOPSIGNAL SIGTERM
CMD ["warren", "--help"]

FROM runtime AS survey
COPY --chown=root:root examples/survey /opt/survey
ENV PYTHONPATH=/opt/survey WARREN_CLUSTER=/opt/survey/cluster.yaml

FROM runtime
