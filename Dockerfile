# Placecard as a container: browser files, the plugin for QGIS, Python packages, and then only what runs.

FROM node:22-bookworm-slim AS browser
WORKDIR /build
COPY sync_service/publicmap/package.json sync_service/publicmap/package-lock.json sync_service/publicmap/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY sync_service/publicmap/ ./
RUN npm run build

FROM python:3.11-slim-bookworm AS plugin
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# qgis-plugin-ci packs what git hands it.
RUN apt-get update && apt-get install --yes --no-install-recommends git && rm -rf /var/lib/apt/lists/*
COPY requirements/plugin.txt requirements/build.txt /build/requirements/
RUN pip install --require-hashes -r /build/requirements/plugin.txt -r /build/requirements/build.txt
WORKDIR /build
COPY pyproject.toml CHANGELOG.md LICENSE ./
COPY tools/__init__.py tools/plugin.py tools/
COPY config/wire/ config/wire/
COPY qgis_plugin/ qgis_plugin/
RUN python -m tools.plugin

FROM python:3.11-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/placecard
COPY requirements/run.txt requirements/build.txt /build/requirements/
RUN /opt/placecard/bin/pip install --require-hashes -r /build/requirements/run.txt -r /build/requirements/build.txt
WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY config/ config/
COPY kanban_adapter/ kanban_adapter/
COPY sync_service/ sync_service/
COPY --from=browser /build/static/vendor/ sync_service/publicmap/static/vendor/
COPY --from=plugin /build/sync_service/plugins/placecard.zip sync_service/plugins/
# Compiled here, because the root file system is read-only where it runs; without pip, which nothing needs there.
RUN /opt/placecard/bin/pip install --no-deps --no-build-isolation --no-index . \
    && /opt/placecard/bin/python -m compileall -q /opt/placecard/lib \
    && /opt/placecard/bin/pip uninstall --yes --quiet setuptools pip

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /tmp placecard \
    && install --directory --owner placecard --group placecard --mode 0750 /data
COPY --from=packages /opt/placecard /opt/placecard
ENV PATH=/opt/placecard/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PLACECARD_HOST=0.0.0.0 PLACECARD_PORT=8080 \
    PLACECARD_STORE_URL=sqlite:////data/placecard.db
USER placecard
WORKDIR /data
VOLUME /data
EXPOSE 8080
# The service finishes what it has in hand and ends. As process 1 it has no one to adopt: run it with --init.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-c", \
    "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8080, timeout=4); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["sh", "-c", "placecard init && exec placecard serve"]
