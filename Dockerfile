# The container and the action: one binary, CA certificates, and a slim Debian; nothing else of ours.
# Releases pin both images by digest through these arguments.
ARG RUST_IMAGE=rust:1-slim-bookworm
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${RUST_IMAGE} AS build
# `quick` builds in a fraction of the time, for tests of the image.
ARG PROFILE=release
WORKDIR /build
# Dependencies first: only another lock file builds this layer again.
COPY Cargo.toml Cargo.lock ./
# The manifest names them; none is built.
COPY benches benches
RUN mkdir src && echo 'fn main() {}' >src/main.rs && touch src/lib.rs && cargo build --locked --profile "${PROFILE}"
COPY . .
# Cargo goes by the time of a file, and these may be older than the layer above.
RUN touch src/main.rs src/lib.rs && cargo build --locked --profile "${PROFILE}" && mv "target/${PROFILE}/reglaze" /reglaze

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="reglaze" \
      org.opencontainers.image.description="Keeps the image catalogue of an OpenStack cloud fresh" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /reglaze /usr/local/bin/reglaze
# As root and in the folder that the caller gives: GitHub's runner mounts the workspace and names it.
ENTRYPOINT ["/usr/local/bin/reglaze"]
