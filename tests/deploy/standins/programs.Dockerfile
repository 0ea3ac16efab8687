# Debian's builds of what the public images hold.
ARG PYTHON=3.11-slim
FROM python:${PYTHON}
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    curl nginx-light prometheus prometheus-blackbox-exporter prometheus-nginx-exporter prometheus-postgres-exporter
RUN install -d -o 65534 -g 65534 /prometheus
