# One image for every process of Kept: kept worker, intake, board and the jobs. PYTHON_IMAGE is named in
# docker-compose.yml, where all images are: build with `docker compose build worker`.
ARG PYTHON_IMAGE

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build

# Without dependencies of dependencies, without anything that would have to be built: the lock names all, by hash.
COPY deployment/requirements-runtime.lock deployment/requirements-build.lock ./
RUN python -m venv --without-pip /opt/kept \
 && python -m pip --python /opt/kept/bin/python install --no-compile --only-binary :all: --no-deps --require-hashes \
    --requirement requirements-runtime.lock \
 && python -m venv /opt/builder \
 && /opt/builder/bin/pip install --only-binary :all: --no-deps --require-hashes --requirement requirements-build.lock

COPY pyproject.toml README.md LICENSE ./
COPY alert_rules alert_rules
COPY catalogue catalogue
COPY command_line command_line
COPY grafana grafana
COPY history history
COPY kept kept
COPY local_stack local_stack
COPY producers producers
COPY stream_processors stream_processors
COPY summaries summaries
COPY web_server web_server
# Compiled beforehand, and never compared with the sources: the file system of the container is read only.
RUN /opt/builder/bin/pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /wheel . \
 && python -m pip --python /opt/kept/bin/python install --no-compile --no-deps --no-index /wheel/*.whl \
 && /opt/kept/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/kept/lib

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Kept" \
      org.opencontainers.image.description="Is the service keeping its promises, honestly counted?" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# Nothing in here installs or builds. The folders are there so that volumes mounted on them belong to the user.
RUN python -m pip uninstall --yes --root-user-action=ignore pip setuptools wheel \
 && groupadd --gid 10001 kept \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin kept \
 && install -d -m 0755 -o 10001 -g 10001 /var/lib/kept /run/kept/write /run/kept/read /run/kept/rules \
    /run/kept/alertmanager /run/kept/grafana \
 && install -d -m 0700 -o 10001 -g 10001 /var/lib/kept/spool
COPY --from=build /opt/kept /opt/kept

ENV PATH=/opt/kept/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PROMETHEUS_DISABLE_CREATED_SERIES=true \
    KEPT_METRICS_HOST=0.0.0.0 \
    KEPT_METRICS_PORT=8000
USER 10001:10001
WORKDIR /var/lib/kept
EXPOSE 8000 8090 8400
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s --start-interval=2s --retries=3 \
    CMD ["python", "-m", "command_line.healthz", "8000"]
ENTRYPOINT ["kept"]
CMD ["worker"]
