# The daemon in a sandbox of Debian and Python: docker build -f docker/execd.Dockerfile -t execd:dev .
#
# Two environments: /opt/execd is the daemon's, root's and off PATH, so that nothing a sandbox installs reaches it;
# /opt/venv is the sandbox's, its user's and first on PATH, where `pip install` puts things and cells find them.
#
# BASE_IMAGE: another Debian, or a mirror's name for this one. Secret `site`: a file of shell lines (`export PIP_INDEX_URL=…`)
# that each step which needs the network reads first: docker build --secret id=site,src=FILE …
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BASE_IMAGE} AS python
RUN --mount=type=secret,id=site \
    --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    if [ -s /run/secrets/site ]; then . /run/secrets/site; fi; set -eu; \
    export DEBIAN_FRONTEND=noninteractive; \
    apt-get update -qq; \
    apt-get install -y -qq --no-install-recommends ca-certificates python3 python3-venv >/dev/null; \
    rm -rf /var/log/apt /var/log/dpkg.log /var/log/alternatives.log /var/cache/ldconfig/aux-cache

FROM python AS environments
WORKDIR /build
COPY tools/constraints/daemon.txt tools/constraints/kernel.txt tools/constraints/wheel.txt ./
RUN --mount=type=secret,id=site \
    --mount=type=cache,target=/root/.cache/pip \
    if [ -s /run/secrets/site ]; then . /run/secrets/site; fi; set -eu; \
    export PIP_DISABLE_PIP_VERSION_CHECK=1; \
    install() { "$1" -m pip install --quiet --require-hashes --no-deps --requirement "$2"; }; \
    python3 -m venv /opt/venv; install /opt/venv/bin/python kernel.txt; \
    python3 -m venv /opt/execd; install /opt/execd/bin/python daemon.txt; \
    python3 -m venv /build/wheel; install /build/wheel/bin/python wheel.txt
COPY packages/execd packages/execd
RUN set -eu; \
    export PIP_DISABLE_PIP_VERSION_CHECK=1; \
    /build/wheel/bin/python -m pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir dist packages/execd; \
    /opt/execd/bin/python -m pip install --quiet --no-index --no-deps dist/*.whl; \
    /opt/execd/bin/python -m pip check; \
    /opt/execd/bin/python -m pip uninstall --quiet --yes setuptools pip

FROM python
RUN set -eu; \
    groupadd --gid 1000 sandbox; \
    useradd --uid 1000 --gid 1000 --create-home --shell /bin/bash --no-log-init sandbox; \
    install -d -o 1000 -g 1000 /workspace /var/lib/execd; \
    ln -s /opt/execd/bin/execd /usr/local/bin/execd
COPY --from=environments /opt/execd /opt/execd
COPY --from=environments --chown=1000:1000 /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    EXECD_HOST=*
USER 1000:1000
WORKDIR /workspace
EXPOSE 44772
ENTRYPOINT ["execd"]
CMD ["serve"]
