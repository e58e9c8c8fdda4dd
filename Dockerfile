# Build with the toolchain of Cargo.toml's rust-version; run on the same Debian without it.
FROM rust:1.95-bookworm AS build
WORKDIR /attain
ENV SQLX_OFFLINE=true
COPY Cargo.toml Cargo.lock build.rs ./
COPY .sqlx .sqlx
COPY proto proto
COPY migrations migrations
COPY benches benches
COPY examples examples
COPY src src
RUN cargo build --release --locked && strip target/release/attain

# PostgreSQL's server is here so that `attain demo` and `attain serve` run without a database of their own;
# with DATABASE_URL it stays unused.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates postgresql \
    && rm -rf /var/lib/apt/lists/* /var/lib/postgresql/15/main \
    && useradd --system --create-home --home-dir /var/lib/attain --shell /usr/sbin/nologin attain
COPY --from=build /attain/target/release/attain /usr/local/bin/attain
USER attain
ENV ATTAIN_DATA_DIR=/var/lib/attain/data
VOLUME /var/lib/attain
EXPOSE 50051
# TLS ends at the proxy in front of the container, or is given by --tls-cert and --tls-key.
ENTRYPOINT ["attain"]
CMD ["serve", "--listen", "0.0.0.0:50051", "--plaintext-behind-proxy"]
