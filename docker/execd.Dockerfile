# The daemon in a sandbox of Debian and Python: docker build -f docker/execd.Dockerfile -t execd:dev .
#
# Two environments: /opt/execd is the daemon's, root's and not on PATH, out of reach of what a sandbox installs;
# /opt/venv is the sandbox's, its user's and first on PATH, where `pip install` puts things and cells find them.
#
# BASE_IMAGE is another Debian, or another name of this one. The secret `site` is optional: a file of shell lines
# (`export PIP_INDEX_URL=…`) that each step which needs the network reads first (--secret id=site,src=FILE).
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BASE_IMAGE} AS python
RUN --mount=type=secret,id=site \
    --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    if [ -s /run/secrets/site ]; then . /run/secrets/site; fi; set -eu; \
    export DEBIAN_FRONTEND=noninteractive; \
    apt-get update -qq; \
    apt-get install -y -qq --no-install-recommends ca-certificates python3 python3-venv >/dev/null; \
    rm -rf /var/log/apt /var/log/*.log

FROM python AS environments
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
COPY tools/constraints/daemon.txt tools/constraints/kernel.txt tools/constraints/wheel.txt ./
RUN --mount=type=secret,id=site \
    --mount=type=cache,target=/root/.cache/pip \
    if [ -s /run/secrets/site ]; then . /run/secrets/site; fi; set -eu; \
    make() { python3 -m venv "$1"; "$1/bin/pip" install --quiet --require-hashes --no-deps --requirement "$2"; }; \
    make /opt/venv kernel.txt; make /opt/execd daemon.txt; make /build/wheel wheel.txt; \
    /opt/venv/bin/pip config --quiet --site set global.disable-pip-version-check true
COPY packages/execd packages/execd
COPY docker/ready.bash ./
# Whatever modes the tree has here (a clone under umask 077), what is installed is anyone's to read.
RUN set -eu; umask 022; \
    wheel/bin/pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir dist packages/execd; \
    /opt/execd/bin/pip install --quiet --no-index --no-deps dist/*.whl; \
    /opt/execd/bin/pip check; \
    /opt/execd/bin/pip uninstall --quiet --yes setuptools pip; \
    install -D -m 0711 /bin/bash /opt/execd/libexec/bash; \
    install -m 0755 ready.bash /opt/execd/libexec/ready

FROM python
# The two folders are anyone's, as /tmp is: the container may run as whatever user it is told.
RUN set -eu; \
    groupadd --gid 1000 sandbox; \
    useradd --uid 1000 --gid 1000 --create-home --shell /bin/bash --no-log-init sandbox; \
    install -d -o 1000 -g 1000 -m 1777 /workspace /var/lib/execd; \
    ln -s /opt/execd/bin/execd /usr/local/bin/execd
COPY --from=environments --chown=1000:1000 /opt/venv /opt/venv
COPY --from=environments /opt/execd /opt/execd
# One Python kernel stands ready for the first context.
# All addresses of the container; without a token the daemon then refuses to start, unless EXECD_INSECURE=1.
ENV PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    EXECD_HOST=* \
    EXECD_STATE_DIR=/var/lib/execd \
    EXECD_POOL=python=1
USER 1000:1000
WORKDIR /workspace
EXPOSE 44772
# In the exec form: a shell in between would hold the token where the workload can read it.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 CMD ["/opt/execd/libexec/ready"]
# PID 1 is the daemon's own guard, which forwards signals and reaps (docs/decisions/0006-image.md). Until it can, they
# wait: the kernel drops what a PID 1 has no answer to.
ENTRYPOINT ["env", "--block-signal=TERM,INT,HUP,QUIT", "execd"]
CMD ["serve"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="execd" \
      org.opencontainers.image.description="Execution daemon for sandboxes: commands and code over HTTP, every run numbered and replayable" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
