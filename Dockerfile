# syntax=docker/dockerfile:1
# The binary `signup` and what it needs to run, nothing else. No shell, no package manager, no root.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# What was built before is kept between builds; the binary is copied out of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --locked --profile dist --package cli && cp target/dist/signup /signup

# Debian's C library and root certificates, and the user `nonroot`.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /signup /usr/local/bin/signup
USER nonroot
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/signup"]
CMD ["serve"]
