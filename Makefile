# Every verb of the project. `make` alone lists them.

PY := .venv/bin/python
# For what trains, and for archives of what was trained, MODEL is an architecture. For what serves it is the name of
# a served model, as in `make run MODEL=fashion`, and is found in the environment, where make puts it.
TRAINED := $(if $(DATASET),--dataset "$(DATASET)") $(if $(MODEL),--model "$(MODEL)") $(if $(DATA),--data "$(DATA)")

# scikit-learn's, which have no epochs and a command of their own.
CLASSICAL := extra_trees random_forest svm svm_pca

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run test test-unit lint format train seeds gate candidates compare archive evaluate bench soak tune doctor lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv as requirements.lock says (PYTHON=..., TORCH_INDEX=... for a CPU build of torch)
	@PYTHON="$(PYTHON)" TORCH_INDEX="$(TORCH_INDEX)" sh launch/setup.sh

# exec: a SIGTERM to make goes on to the launcher itself, not to a shell in between.
run: setup ## start PostgreSQL, TorchServe and the page (MODEL=digits, fashion, ...); Ctrl-C stops them
	@$(PY) -m launch.build
	@exec $(PY) -m launch.run

test: setup archive ## all tests (ARGS=... for pytest)
	@exec $(PY) -m pytest $(ARGS)

test-unit: setup ## the tests that start no service (ARGS=... for pytest)
	@exec $(PY) -m pytest -m "not integration and not browser and not training" $(ARGS)

lint: setup ## ruff and mypy, as CI runs them
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy

format: setup ## rewrite the code as ruff formats it
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

train: setup ## train a model (DATASET=..., MODEL=..., DATA=folder with or for it, ARGS=... for its command)
	@exec $(PY) -m training.$(if $(filter $(MODEL),$(CLASSICAL)),classical,train) $(TRAINED) $(ARGS)

seeds: setup ## train once a seed and print mean and deviation (DATA=..., ARGS="--seeds 0 1 2 ...")
	@exec $(PY) -m training.seeds $(if $(DATA),--data "$(DATA)") $(ARGS)

gate: setup ## train the network that says "this is no digit" (DATA=..., ARGS=... for training.gate)
	@exec $(PY) -m training.gate $(if $(DATA),--data "$(DATA)") $(ARGS)

candidates: setup ## train every architecture alike, print accuracy against time (DATA=..., ARGS=...)
	@exec $(PY) -m training.candidates $(if $(DATA),--data "$(DATA)") $(ARGS)

compare: setup ## one table of all models of digits, each asked through TorchServe (DATA=..., ARGS=...)
	@exec $(PY) -m training.compare $(if $(DATA),--data "$(DATA)") $(ARGS)

archive: setup ## build the served model's archive if it is outdated; with DATASET=..., that of what was trained
ifdef DATASET
	@exec $(PY) -m training.archive $(TRAINED) $(ARGS)
else
	@exec $(PY) -m launch.build $(if $(findstring B,$(firstword -$(MAKEFLAGS))),--anew)
endif

evaluate: setup archive ## measure an archive through TorchServe (MODEL=..., DATA=folder with MNIST, ARGS=...)
	@exec $(PY) -m launch.temporary -- $(PY) -m training.evaluate $(if $(DATA),--data "$(DATA)") $(ARGS)

bench: setup archive ## throughput and latency under load (PEERS=1: beside other servers; ARGS=... for bench.throughput)
	@exec $(PY) -m bench.throughput --baseline --overload $(if $(PEERS),--peers) $(ARGS)

soak: setup archive ## memory while 200,000 requests are answered (ARGS=... for bench.soak)
	@exec $(PY) -m bench.soak $(ARGS)

tune: setup archive ## try workers x batch x delay on this machine, print table and advice (ARGS=... for bench.tune)
	@exec $(PY) -m bench.tune $(ARGS)

doctor: ## say what is here, what is missing and what to do about it
	@if [ -x $(PY) ]; then exec $(PY) -m launch.doctor; fi; \
	python=$$(PYTHON="$(PYTHON)" sh launch/find_python.sh) || python=$(or $(PYTHON),python3); \
	if command -v "$$python" >/dev/null; then exec "$$python" -m launch.doctor; else exit 1; fi

.PHONY: backup restore
backup: setup ## back up the database while it runs, proved by a restore (BACKUP_DIR=var/backups, KEEP_BACKUPS=7)
	@exec $(PY) -m db.backup --once

restore: setup ## put a backup in the database's place, which is kept (FILE=..., YES=1 where it has rows)
	@exec $(PY) -m db.restore $(if $(FILE),"$(FILE)") $(if $(YES),--yes)

lock: setup ## renew requirements.lock from pyproject.toml
	$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --extra dev --upgrade \
		--custom-compile-command "make lock" pyproject.toml -o requirements.lock

clean: ## remove what was built or written while running: .venv, archives, caches (not var/: it has your data)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis model_store/*.mar
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
