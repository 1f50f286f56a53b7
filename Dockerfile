# A small image of Rowkeep: docs/deploy.md describes how to build and run it.
# Both stages have the same Python. To pin the bases by digest too:
#   docker build --build-arg BUILD_IMAGE=python:...@sha256:... --build-arg BASE_IMAGE=python:...@sha256:... .
ARG BUILD_IMAGE=python:3.11.14-bookworm
ARG BASE_IMAGE=python:3.11.14-slim-bookworm

# The wheel with the web console in it, and an environment with it and its dependencies.
FROM ${BUILD_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY . .
RUN make wheel
RUN python -m venv --without-pip /opt/rowkeep \
  && python -m pip --python /opt/rowkeep/bin/python install --constraint constraints.txt "$(ls dist/*.whl)[otel,redis]"

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="Rowkeep" \
  org.opencontainers.image.description="Self-hosted data-table API for chatbots, assistants and AI agents" \
  org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 rowkeep \
  && useradd --uid 10001 --gid 10001 --home-dir /var/lib/rowkeep --no-create-home --shell /usr/sbin/nologin rowkeep \
  && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/rowkeep
COPY --from=build /opt/rowkeep /opt/rowkeep
# Only the volume is written to: temporary files are there too, and not in the memory of a tmpfs.
ENV PATH=/opt/rowkeep/bin:$PATH \
  PYTHONDONTWRITEBYTECODE=1 \
  TMPDIR=/var/lib/rowkeep \
  ROWKEEP_HOST=0.0.0.0 \
  ROWKEEP_PORT=8080 \
  ROWKEEP_DATABASE_URL=sqlite:////var/lib/rowkeep/data
USER 10001:10001
WORKDIR /var/lib/rowkeep
VOLUME ["/var/lib/rowkeep"]
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
  CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['ROWKEEP_PORT']), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["rowkeep"]
CMD ["serve"]
