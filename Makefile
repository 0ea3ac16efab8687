# Every verb of the project. `make` alone lists them.

PY := .venv/bin/python
# ONNX Runtime reports to its makers otherwise.
export ORT_DISABLE_TELEMETRY := 1
# For what trains, and for archives of what was trained, MODEL is an architecture. For what serves it is the name of
# a served model, as in `make run MODEL=fashion`, and is found in the environment, where make puts it.
TRAINED := $(if $(DATASET),--dataset "$(DATASET)") $(if $(MODEL),--model "$(MODEL)") $(if $(DATA),--data "$(DATA)")

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Each verb is one step after another, also under `make -j`.
.NOTPARALLEL:
.PHONY: help setup setup-train setup-dev run test test-unit lint format train seeds gate compare archive \
	evaluate bench soak tune doctor lock clean backup restore up down ps logs db-shell status

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

SETUP := PYTHON="$(PYTHON)" TORCH_INDEX="$(TORCH_INDEX)" sh launch/setup.sh

setup: ## make .venv for `make run`, or for GROUP=train or dev (PYTHON=..., TORCH_INDEX=... for torch)
	@$(SETUP) $(or $(GROUP),run)

setup-train setup-dev: setup-%:
	@$(SETUP) $*

# exec: a SIGTERM to make goes on to the launcher itself, not to a shell in between.
run: setup ## start PostgreSQL, TorchServe and the page (MODEL=digits, fashion, ...); Ctrl-C stops them
	@$(PY) -m launch.build
	@exec $(PY) -m launch.run

# First, two at a time, what waits for nothing; it is measured how much of the code that runs. Then, one by one, services
# and other programs, whose times would not be their own beside others.
WAITING := integration or browser or processes
test: setup-dev archive ## all tests (ARGS=... for pytest, which then runs once and measures nothing)
ifdef ARGS
	@exec $(PY) -m pytest $(ARGS)
else
	@$(PY) -m coverage erase; first=0; \
	$(PY) -m coverage run -m pytest -n 2 --dist loadfile -m "not ($(WAITING))" || first=1; \
	$(PY) -m coverage combine --quiet; \
	printf "percent of the code that these run: "; $(PY) -m coverage report --format=total || first=1; \
	$(PY) -m pytest -m "$(WAITING)"; second=$$?; \
	[ $$first = 0 ] || echo "make test: the first run of pytest failed, or ran too little of the code: see there" >&2; \
	exit $$((first + second))
endif

test-unit: setup-dev ## the tests that start nothing and train nothing (ARGS=... for pytest)
	@exec $(PY) -m pytest -n 2 --dist loadfile -m "not ($(WAITING) or training)" $(ARGS)

lint: setup-dev ## ruff and mypy, as CI runs them
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy

format: setup-dev ## rewrite the code as ruff formats it
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

train: setup-train ## train a model (DATASET=..., MODEL=..., DATA=folder with or for it, ARGS=... for its command)
	@exec $(PY) -m training.fitting.train $(TRAINED) $(ARGS)

seeds: setup-train ## train once a seed and print mean and deviation (DATA=..., ARGS="--seeds 0 1 2 ...")
	@exec $(PY) -m training.fitting.train --seeds 0 1 2 $(if $(DATA),--data "$(DATA)") $(ARGS)

gate: setup-train ## train the network that says "this is no digit" (DATA=..., ARGS=... for training.gate)
	@exec $(PY) -m training.gate $(if $(DATA),--data "$(DATA)") $(ARGS)

compare: setup-train ## one table of all models of digits, each asked through TorchServe (DATA=..., ARGS=...)
	@exec $(PY) -m bench.compare $(if $(DATA),--data "$(DATA)") $(ARGS)

archive: $(if $(DATASET),setup-train,setup) ## build the served model's archive if it is outdated; with DATASET=..., that of what was trained
ifdef DATASET
	@exec $(PY) -m training.archive $(TRAINED) $(ARGS)
else
	@exec $(PY) -m launch.build $(if $(findstring B,$(firstword -$(MAKEFLAGS))),--anew)
endif

evaluate: setup-train archive ## measure an archive through TorchServe (MODEL=..., DATA=folder with MNIST, ARGS=...)
	@exec $(PY) -m launch.temporary -- $(PY) -m training.evaluation $(if $(DATA),--data "$(DATA)") $(ARGS)

bench: setup-train archive ## throughput and latency under load, by wrk (PEERS=1: beside other servers; ARGS=... for bench.throughput)
	@exec $(PY) -m bench.throughput $(if $(PEERS),--peers) $(ARGS)

soak: setup-train archive ## memory while 200,000 requests are answered (ARGS=... for bench.soak)
	@exec $(PY) -m bench.soak $(ARGS)

tune: setup-train archive ## try workers x batch x delay on this machine, print the table and the best (ARGS=... for bench.tune)
	@exec $(PY) -m bench.tune $(ARGS)

doctor: ## say what is here, what is missing and what to do about it
	@if [ -x $(PY) ]; then exec $(PY) -m launch.doctor; fi; \
	python=$$(PYTHON="$(PYTHON)" sh launch/find_python.sh) || python=$(or $(PYTHON),python3); \
	if command -v "$$python" >/dev/null; then exec "$$python" -m launch.doctor; else exit 1; fi

backup: setup ## back up the database while it runs, proved by a restore (BACKUP_DIR=var/backups, KEEP_BACKUPS=7)
	@exec env BACKUP_EVERY_HOURS= $(PY) -m db.backup

restore: setup ## put a backup in the database's place, which is kept (FILE=..., YES=1 where it has rows)
	@exec $(PY) -m db.restore $(if $(FILE),"$(FILE)") $(if $(YES),--yes)

COMPILE := -m uv pip compile --quiet --universal --python-version 3.11 --custom-compile-command "make lock"
lock: setup-dev ## renew requirements.lock and the groups' locks from pyproject.toml
	$(PY) $(COMPILE) --upgrade --group dev -o requirements.lock
	for group in serve archive page run train; do \
		$(PY) $(COMPILE) --no-annotate --group $$group -c requirements.lock -o requirements/$$group.lock || exit 1; done

clean: ## remove what was built or written while running: .venv, archives, caches (not var/: it has your data)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* model_store/*.mar
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

up: ## the whole platform in containers: page, TorchServe, PostgreSQL, proxy, backups, Prometheus, Grafana
	@docker compose up --build --detach --wait
	@echo "the page: http://$$(docker compose port proxy 8080)"

down: ## stop the containers; what they keep stays in their volumes
	@docker compose down

ps: ## the containers
	@docker compose ps --all

logs: ## what the containers say (ARGS="--follow torchserve", ...)
	@docker compose logs $(ARGS)

db-shell: ## psql on the containers' database (ARGS="-c ...")
	@docker compose exec $(if $(ARGS),-T) postgres \
		psql --host=/var/run/postgresql --username=sketchserve --dbname=sketchserve $(ARGS)

status: ## one screen: what runs where, since when, which version, and what is wrong
	@exec python3 deploy/status.py
