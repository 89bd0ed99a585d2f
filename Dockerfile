# One image for every role; the role is the argument: `serve --roles data`.
# Pin both bases by digest in your registry's policy; tags here are the oldest that work.
FROM docker.io/library/rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --profile dist --locked -p mainstay && cp target/dist/mainstay /mainstay

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /mainstay /usr/local/bin/mainstay
USER 65532:65532
WORKDIR /project
EXPOSE 8889 8890
ENV MAINSTAY_GATEWAY_HOST=0.0.0.0 MAINSTAY_ADMIN_HOST=0.0.0.0 MAINSTAY_LOG_FORMAT=json
ENTRYPOINT ["/usr/local/bin/mainstay"]
CMD ["serve", "--roles", "gateway,auth,data,portal"]
