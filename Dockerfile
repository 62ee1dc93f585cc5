# syntax=docker/dockerfile:1
# The gateway as an image. Two variants, chosen with --target:
#   slim      (default) the gateway alone, for upstreams over HTTP
#   runners   with npx, uv and Python, for upstreams that are child processes (type: stdio)
# docs/deployment.md says how they are run, and what of this file has been run.
ARG NODE_IMAGE=node:24-slim

# --- what is built ---------------------------------------------------------------------------------------------------
FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json nest-cli.json ./
COPY apps apps
COPY libs libs
COPY scripts scripts
RUN npm run build

# --- what it needs when it runs: no development dependencies -----------------------------------------------------------
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

# --- programs of other people -----------------------------------------------------------------------------------------
FROM ${NODE_IMAGE} AS tools
ARG UV_VERSION=0.13.9
# tini and pip come from the Debian release of the base image, which has one version of each and its security updates.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3-pip tini \
 && rm -rf /var/lib/apt/lists/* \
 && pip install --no-cache-dir --no-deps --target /opt/uv "uv==${UV_VERSION}"

# --- the gateway ------------------------------------------------------------------------------------------------------
FROM ${NODE_IMAGE} AS base
LABEL org.opencontainers.image.title="MCP Gateway" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.description="One endpoint in front of all of a company's MCP servers" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=tools /usr/bin/tini-static /usr/local/bin/tini
WORKDIR /opt/mcp-gateway
COPY package.json LICENSE ./
COPY bin bin
COPY config/gateway.schema.json config/gateway.schema.json
COPY config/examples config/examples
COPY deploy/image/healthcheck.mjs healthcheck.mjs
COPY --from=dependencies /src/node_modules node_modules
COPY --from=build /src/dist dist
# The published example; mount your own file over it.
COPY config/examples/published-1.yaml /etc/mcp-gateway/config.yaml
# The only folder the gateway's user may write to: where children work, and where an audit file may go.
RUN install --directory --owner=1000 --group=1000 /var/lib/mcp-gateway \
 && ln -s /opt/mcp-gateway/bin/mcp-gateway.js /usr/local/bin/mcp-gateway
# A container's own loopback is nobody's: published ports arrive on its other addresses.
ENV NODE_ENV=production \
    MCP_GATEWAY_HOST=0.0.0.0 \
    MCP_GATEWAY_PORT=8082 \
    HOME=/var/lib/mcp-gateway
WORKDIR /var/lib/mcp-gateway
EXPOSE 8082
# Liveness: an upstream that is away is no reason to restart the gateway. `healthcheck.mjs ready` asks for readiness.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "/opt/mcp-gateway/healthcheck.mjs", "live"]
# tini is process 1: it reaps what children of children leave behind and hands signals on.
ENTRYPOINT ["tini", "--", "node", "/opt/mcp-gateway/bin/mcp-gateway.js"]
CMD ["serve"]

# --- variant: with runners for stdio servers --------------------------------------------------------------------------
FROM base AS runners
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=tools /opt/uv/bin/uv /opt/uv/bin/uvx /usr/local/bin/
USER 1000:1000

# --- variant: slim, without package managers; the last one is what a build without --target makes ----------------------
FROM base AS slim
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
      /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-*
USER 1000:1000
