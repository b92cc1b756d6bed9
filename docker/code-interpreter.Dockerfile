# Six languages, on the daemon's image: docker build -f docker/code-interpreter.Dockerfile -t execd-code-interpreter:dev .
#
# What `execd kernels install` makes, each language in a stage of its own, without what only building it needs; and
# libraries for Python. Each version may be several: the first is what PATH has, the others are there to be chosen when
# a container starts (NODE_VERSION=20 and the like). The secret `site` is that of execd.Dockerfile.
ARG EXECD_IMAGE=execd:dev

FROM ${EXECD_IMAGE} AS sandbox
USER 0
WORKDIR /build
SHELL ["/bin/bash", "-c"]

FROM sandbox AS node
ARG NODE_VERSION=20
COPY docker/languages/toolchains.bash ./
RUN --mount=type=secret,id=site \
    --mount=type=cache,target=/root/.cache/pip \
    if [ -s /run/secrets/site ]; then . /run/secrets/site; fi; set -eu; \
    bash toolchains.bash node "${NODE_VERSION}" javascript typescript

FROM sandbox AS go
ARG GO_VERSION=1.22
COPY docker/languages/toolchains.bash ./
RUN --mount=type=secret,id=site \
    --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    --mount=type=cache,target=/root/.cache/pip \
    if [ -s /run/secrets/site ]; then . /run/secrets/site; fi; set -eu; \
    apt-get update -qq; apt-get install -y -qq --no-install-recommends gcc libc6-dev >/dev/null; \
    bash toolchains.bash go "${GO_VERSION}" go

# For the base's Python, unless another is to take its place in /opt/venv.
FROM sandbox AS libraries
ARG PYTHON_VERSION=3.11
COPY tools/constraints/data.txt docker/languages/trim.bash ./
RUN --mount=type=secret,id=site \
    --mount=type=cache,target=/root/.cache/pip \
    if [ -s /run/secrets/site ]; then . /run/secrets/site; fi; set -eu; umask 022; mkdir /opt/libraries; \
    case "$(/opt/venv/bin/python3 -V)." in "Python ${PYTHON_VERSION%%[, ]*}."*) ;; *) exit 0 ;; esac; \
    /opt/venv/bin/pip install --quiet --require-hashes --no-deps --prefix=/opt/libraries --requirement data.txt; \
    bash trim.bash /opt/libraries

FROM sandbox AS packages
ARG JAVA_VERSION=17
ARG PYTHON_VERSION=3.11
ARG NEWER_DEBIAN=trixie
COPY docker/languages/packages.bash docker/languages/pythons.bash docker/languages/toolchains.bash docker/languages/trim.bash ./
COPY tools/constraints/kernel.txt tools/constraints/data.txt ./
RUN --mount=type=secret,id=site \
    --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    --mount=type=cache,target=/root/.cache/pip \
    if [ -s /run/secrets/site ]; then . /run/secrets/site; fi; set -eu; \
    bash packages.bash "${JAVA_VERSION}" "${PYTHON_VERSION}"; \
    bash pythons.bash "${PYTHON_VERSION}"; \
    bash toolchains.bash java "${JAVA_VERSION}" java; \
    rm -rf /build/*

FROM packages
COPY --from=libraries --chown=1000:1000 /opt/libraries /opt/venv
COPY --from=node /usr/local/share/execd/kernels /usr/local/share/execd/kernels
COPY --from=go /usr/local/share/execd/kernels /usr/local/share/execd/kernels
# Links, of which COPY would make trees.
RUN --mount=type=bind,from=node,source=/opt,target=/build/node \
    --mount=type=bind,from=go,source=/opt,target=/build/go \
    cp --no-dereference node/node go/go /opt/
# What `npm install --global` brings goes where that of pip does.
ENV PATH=/opt/venv/bin:/opt/node/bin:/opt/go/bin:/opt/java/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    JAVA_HOME=/opt/java \
    MPLCONFIGDIR=/tmp/matplotlib \
    NPM_CONFIG_PREFIX=/opt/venv
USER 1000:1000
WORKDIR /workspace
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="execd-code-interpreter" \
      org.opencontainers.image.description="Execution daemon for sandboxes, with Python, Java, JavaScript, TypeScript, Go and Bash" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
