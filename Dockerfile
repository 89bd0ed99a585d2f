# One image for every role and one project; the role is the argument: `serve /project --roles data`.
#
#   docker build -t budget-app:1.0 .
#   docker build -t shop:1.0 --build-arg PROJECT=systems/shop .
#
# Any folder below this one that holds a mainstay.toml can be PROJECT. A project of its own repository needs no
# compiler: `mainstay image` makes an image from the binary and the folder without a container engine.
#
# The bases are named by tag for people and by digest for machines. The digests are those of the multi-platform
# indexes, so linux/amd64 and linux/arm64 both build. To move on, read the new one with
# `docker buildx imagetools inspect rust:1.95-bookworm`.

# --- what the front end takes from npm: vendor.list names it, the same list that `cargo xtask vendor` reads
FROM docker.io/library/node:24-bookworm-slim@sha256:6f7b03f7c2c8e2e784dcf9295400527b9b1270fd37b7e9a7285cf83b6951452d AS project
ARG PROJECT=systems/budget-app
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /fetch
COPY ${PROJECT} /project
# The folder may carry what was fetched on the builder's machine: it is fetched again, so that the list decides.
RUN test -f /project/mainstay.toml || { echo "PROJECT is no project: it has no mainstay.toml" >&2; exit 1; }; \
    if [[ -f /project/vendor.list ]]; then \
      rm -rf /project/web/vendor; \
      while read -r target package file rest; do \
        [[ -z "$target" || "$target" == \#* ]] && continue; \
        [[ -n "$file" && -z "$rest" ]] || { echo "vendor.list: three words expected: $target" >&2; exit 1; }; \
        rm -rf /fetch/*; \
        npm pack --silent "$package" > /dev/null; \
        tar -xzf ./*.tgz; \
        mkdir -p "$(dirname "/project/web/vendor/$target")"; \
        cp "package/$file" "/project/web/vendor/$target"; \
      done < /project/vendor.list; \
    fi; \
    rm -rf /project/k8s /project/.[!.]*; \
    chmod -R u=rwX,go=rX /project

# --- the binary
FROM docker.io/library/rust:1.95-bookworm@sha256:6258907abe69656e41cd992e0b705cdcfabcbbe3db374f92ed2d47121282d4a1 AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --profile dist --locked -p mainstay && cp target/dist/mainstay /mainstay

# --- glibc, CA certificates and nothing else: no shell, no package manager
FROM gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f
LABEL org.opencontainers.image.title="mainstay" \
      org.opencontainers.image.description="Mainstay: sign-in, a REST API over PostgreSQL and a web front end" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /mainstay /usr/local/bin/mainstay
COPY --from=project /project /project
# Any user will do: nothing in the image is written to, and everything may be read.
USER 65532:65532
WORKDIR /project
EXPOSE 8889 8890
ENV MAINSTAY_GATEWAY_BIND=0.0.0.0 MAINSTAY_ADMIN_HOST=0.0.0.0 MAINSTAY_LOG_FORMAT=json
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/mainstay"]
CMD ["serve", "/project", "--roles", "gateway,auth,data,portal"]
