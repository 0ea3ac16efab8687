# TorchServe with the model of the committed weights, and with the target `loop` the same with all that trains. Built from
# the project's folder:
#   docker build -f deploy/torchserve.Dockerfile -t sketchserve/torchserve .
#   docker build -f deploy/torchserve.Dockerfile -t sketchserve/loop --target loop .
#   REVISION=   the commit, for the target `loop`: there is no git in an image.
#   TORCH=cpu   which build of torch, as uv's --torch-backend names them (cpu, cu130, auto). Serving needs torch only
#               because TorchServe's workers import it; the network runs in ONNX Runtime on the CPU.
ARG PYTHON=3.11.14-slim-bookworm

FROM python:${PYTHON} AS installed
ARG TORCH=cpu
WORKDIR /app
COPY requirements.lock ./
COPY requirements/ requirements/
COPY deploy/wheels/ /wheels/
RUN python -m venv /tools && /tools/bin/pip install --no-cache-dir --quiet "$(grep '^uv==' requirements.lock)" \
    && python -m venv --without-pip /venv
# Without the lock's CUDA packages: whatever the chosen build of torch needs of them, it names itself.
RUN set -eu; \
    uv="/tools/bin/uv pip install --no-cache --quiet --compile-bytecode --python /venv/bin/python"; \
    wheel=$(find /wheels -name 'torch-*.whl'); \
    if [ -n "$wheel" ]; then $uv "$wheel"; else \
        $uv --torch-backend "$TORCH" "$(grep -oE '^torch==[^ ;]+' requirements/serve.lock)"; fi; \
    grep -vE '^(torch|triton|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+)(\[.*\])?==' requirements/serve.lock >/tmp/serve.lock; \
    $uv -r /tmp/serve.lock

FROM installed AS archive
RUN set -eu; \
    grep -vE '^(torch|triton|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+)(\[.*\])?==' requirements/archive.lock >/tmp/archive.lock; \
    /tools/bin/uv pip install --no-cache --quiet --compile-bytecode --python /venv/bin/python -r /tmp/archive.lock
COPY handler/ handler/
COPY system/ system/
COPY training/ training/
COPY model_store/ model_store/
# ONNX Runtime reports to its makers otherwise.
RUN PATH="/venv/bin:$PATH" ORT_DISABLE_TELEMETRY=1 python -m training.archive

# What trains, and is not in /venv: for the loop's image, which has TorchServe's layers below it.
FROM installed AS trains
ARG TORCH=cpu
RUN set -eu; \
    uv="/tools/bin/uv pip install --no-cache --quiet --compile-bytecode --python /venv/bin/python --no-deps --target /trains"; \
    wheel=$(find /wheels -name 'torchvision-*.whl'); \
    if [ -n "$wheel" ]; then $uv "$wheel"; else \
        $uv --torch-backend "$TORCH" "$(grep -oE '^torchvision==[^ ;]+' requirements/loop.lock)"; fi; \
    grep -vxFf requirements/serve.lock requirements/loop.lock | grep -v '^torchvision==' >/tmp/loop.lock; \
    $uv -r /tmp/loop.lock

FROM python:${PYTHON} AS serves
# No shell, no home: a user that owns nothing but what it writes while running. A volume that is mounted over a folder for
# the first time becomes its owner's.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin sketchserve \
    && install -d -m 0700 -o 10001 -g 10001 /models
COPY --from=installed /venv /venv
WORKDIR /app
COPY config.properties ./
COPY client/ client/
COPY guard/ guard/
COPY handler/ handler/
COPY launch/ launch/
COPY system/ system/
COPY training/__init__.py training/names.py training/
COPY training/archive/__init__.py training/archive/contents.py training/archive/
COPY training/models/__init__.py training/models/reference.py training/models/
COPY --from=archive /app/model_store/digits.mar model_store/
# Compiled here, since the root file system is read-only where it runs.
RUN /venv/bin/python -m compileall -q client guard handler launch system training
ENV PATH="/venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 VAR_DIR=/tmp/var

FROM serves AS loop
COPY --from=trains /trains /trains
COPY db/ db/
COPY loop/ loop/
COPY model_store/ model_store/
COPY reading/ reading/
COPY rollout/ rollout/
COPY training/ training/
# A path file, since TorchServe's processes get no PYTHONPATH.
RUN echo /trains >"$(/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/trains.pth" \
    && /venv/bin/python -m compileall -q db loop reading rollout training \
    && install -d -m 0700 -o 10001 -g 10001 /app/var /app/runs /data
# Numba's machine code lies beside the sources otherwise, and would be made anew for each run elsewhere.
ENV VAR_DIR=/app/var NUMBA_CACHE_DIR=/app/var/numba MPLCONFIGDIR=/tmp/matplotlib ORT_DISABLE_TELEMETRY=1
# The commit that it was built from, which the record of each candidate names (docs/loop.md).
ARG REVISION=
ENV REVISION=$REVISION
USER 10001:10001
EXPOSE 9189
CMD ["python", "-m", "loop.schedule"]

FROM serves
USER 10001:10001
EXPOSE 8080 8081 8082 8083
HEALTHCHECK --interval=10s --timeout=8s --start-period=180s --retries=3 CMD ["python", "-m", "launch.readiness"]
CMD ["python", "-m", "launch.torchserve"]
