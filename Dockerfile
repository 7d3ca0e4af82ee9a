# Two images: `redress`, which runs every service and the command, and `gateway`, which stands in front of them.

FROM python:3.12-slim AS packages
WORKDIR /app
COPY requirements/run.lock requirements/run.lock
RUN --mount=type=cache,target=/root/.cache \
    python -m venv --without-pip .venv \
    && python -m pip --python .venv/bin/python install --quiet --disable-pip-version-check \
       --require-hashes --no-deps --only-binary :all: -r requirements/run.lock
COPY redress redress
COPY services services
COPY shared shared
COPY packs packs
COPY LICENSE README.md ./
# Nothing is compiled at run time: the file system is read-only there.
RUN .venv/bin/python -m compileall -q -j 2 --invalidation-mode unchecked-hash redress services shared \
    && printf '#!/app/.venv/bin/python\nfrom redress.cli import main\n\nmain()\n' >.venv/bin/redress \
    && chmod 0755 .venv/bin/redress

FROM python:3.12-slim AS redress
RUN groupadd --gid 10001 redress \
    && useradd --uid 10001 --gid redress --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin redress \
    && install -d -o redress -g redress -m 0700 /data /data/intake /data/notify /backup
COPY --from=packages /app /app
ENV PATH=/app/.venv/bin:$PATH PYTHONPATH=/app PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    REDRESS_DATA=/data REDRESS_HOST=0.0.0.0 REDRESS_PORT=8000
WORKDIR /app
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["python", "-m", "redress.health"]
ENTRYPOINT ["redress"]
CMD ["up"]

FROM debian:trixie-slim AS gateway
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends nginx \
    && rm -rf /var/lib/apt/lists/* /etc/nginx /var/www \
    && groupadd --gid 10001 gateway \
    && useradd --uid 10001 --gid gateway --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin gateway
COPY deploy/gateway /etc/nginx
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --start-interval=1s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["nginx", "-g", "daemon off;"]
