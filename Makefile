# Every verb of the project. `make` alone lists them.

PY := .venv/bin/python
# ONNX Runtime reports to its makers otherwise.
export ORT_DISABLE_TELEMETRY := 1
# Of what a shell may have set for Pythons, nothing is for this one: it would find other modules than those that were
# tested, or none (PYTHONSAFEPATH), warn, or wait at its end; and machine code belongs where the archive takes it from. A
# notebook tells all that is started from it to draw with a module of its own (MPLBACKEND).
OWN := PYTHON PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED
unexport CDPATH $(filter-out $(OWN),$(filter PYTHON% NUMBA% MPLBACKEND,$(.VARIABLES)))
# A company's proxy does not find what is on this machine. Without one in the environment macOS has its own; and a * means
# that there is none for anybody, as long as it is alone.
PROXIES := $(http_proxy)$(https_proxy)$(all_proxy)$(HTTP_PROXY)$(HTTPS_PROXY)$(ALL_PROXY)
ifneq ($(and $(PROXIES),$(if $(filter *,$(no_proxy) $(NO_PROXY)),,yes)),)
export no_proxy := 127.0.0.1,localhost,::1,$(no_proxy),$(NO_PROXY)
export NO_PROXY := $(no_proxy)
endif
# These are said to make, and never found: WSL sets NAME for everybody, and tcsh GROUP.
SAID := DELETE FILE FORCE GROUP NAME PASSWORD_FILE RATE REVOKE ROLE VERSION YES
$(foreach name,$(SAID),$(if $(filter environment,$(origin $(name))),$(eval $(name) :=)))
# For what trains, and for archives of what was trained, MODEL is an architecture. For what serves it is the name of
# a served model, as in `make run MODEL=fashion`, and is found in the environment, where make puts it.
TRAINED := $(if $(DATASET),--dataset "$(DATASET)") $(if $(MODEL),--model "$(MODEL)") $(if $(DATA),--data "$(DATA)")

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Each verb is one step after another, also under `make -j`.
.NOTPARALLEL:
.PHONY: help setup setup-train setup-dev run test test-unit lint format train seeds samples gate compare archive retrain \
	evaluate bench soak tune chaos doctor lock clean backup restore user key up down ps logs db-shell status \
	versions promote rollback

help:
	@awk -F ':.*## ' '/^##@ / {group = substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "%-11s make %-10s %s\n", group, $$1, $$2; group = ""}' $(MAKEFILE_LIST)
	@echo 'ARGS="..." goes to the command behind a verb; docs/commands.md lists every option.'

SETUP := PYTHON="$(PYTHON)" TORCH_INDEX="$(TORCH_INDEX)" sh launch/setup.sh

setup-train setup-dev: setup-%:
	@$(SETUP) $*

##@ run

# exec: a SIGTERM to make goes on to the launcher itself, not to a shell in between.
run: setup ## start page, TorchServe and PostgreSQL (MODEL=fashion, ...) until Ctrl-C
	@$(PY) -m launch.build
	@exec $(PY) -m launch.run

doctor: ## show what is installed, what is missing, and what to do about it
	@if [ -x $(PY) ]; then exec $(PY) -m launch.doctor; fi; \
	python=$$(PYTHON="$(PYTHON)" sh launch/find_python.sh) || python="$(or $(PYTHON),python3)"; \
	if command -v "$$python" >/dev/null; then exec "$$python" -m launch.doctor; else exit 1; fi

status: ## show what runs where, since when, which version, and what is wrong
	@exec python3 deploy/status.py

backup: setup ## back up the running database (BACKUP_DIR=..., KEEP_BACKUPS=7)
	@exec env BACKUP_EVERY_HOURS= $(PY) -m db.backup

restore: setup ## restore a backup; the replaced database is kept (FILE=..., YES=1)
	@exec $(PY) -m db.restore $(if $(FILE),"$(FILE)") $(if $(YES),--yes)

key: setup ## list API keys; with NAME=... issue one (RATE=10), or REVOKE=1
	@exec $(PY) -m db.keys $(if $(NAME),"$(NAME)") $(if $(RATE),--rate "$(RATE)") $(if $(REVOKE),--revoke)

user: setup ## list users; with NAME=... add or change one (ROLE=operator), or DELETE=1
	@exec $(PY) -m db.users $(if $(NAME),"$(NAME)") $(if $(ROLE),--role "$(ROLE)") \
		$(if $(PASSWORD_FILE),--password-file "$(PASSWORD_FILE)") $(if $(DELETE),--delete)

versions: setup ## list a model's versions: run, verdict, role and accuracy of each
	@exec $(PY) -m rollout

promote: setup ## make VERSION=1.1.0 the default (FORCE=1 if the gate did not pass it)
	@exec $(PY) -m rollout promote $(if $(VERSION),"$(VERSION)") $(if $(FORCE),--force)

rollback: setup ## stop trying a new version, or go back to the previous default
	@exec $(PY) -m rollout rollback $(if $(VERSION),"$(VERSION)")

setup: ## install GROUP=run, train, bulk or dev (PYTHON=..., TORCH_INDEX=...)
	@$(SETUP) $(or $(GROUP),run)

##@ train

train: setup-train ## train a model (DATASET=digits, folder, ..., MODEL=cnn, ..., DATA=...)
	@exec $(PY) -m training.fitting.train $(TRAINED) $(ARGS)

seeds: setup-train ## train once with each of three seeds; print mean and deviation (DATA=...)
	@exec $(PY) -m training.fitting.train --seed 0 1 2 $(if $(DATA),--data "$(DATA)") $(ARGS)

samples: setup-train ## write a page of samples, misread ones first (DATASET=..., DATA=...)
	@exec $(PY) -m training.samples $(TRAINED) $(ARGS)

gate: setup-train ## train the network that says "this is not a digit" (DATA=...)
	@exec $(PY) -m training.gate $(if $(DATA),--data "$(DATA)") $(ARGS)

archive: $(if $(DATASET),setup-train,setup) ## build what TorchServe loads (your own model: DATASET=..., MODEL=...)
ifdef DATASET
	@exec $(PY) -m training.archive $(TRAINED) $(ARGS)
else
	@exec $(PY) -m launch.build $(if $(findstring B,$(firstword -$(MAKEFLAGS))),--anew)
endif

retrain: setup-train archive ## train a new version on what people corrected, and judge it (MODEL=...)
	@exec $(PY) -m loop $(ARGS)

##@ measure

evaluate: setup-train archive ## measure an archive's accuracy through TorchServe (MODEL=..., DATA=...)
	@exec $(PY) -m launch.temporary -- $(PY) -m training.evaluation $(if $(DATA),--data "$(DATA)") $(ARGS)

compare: setup-train ## compare all digit models in one table, through TorchServe (DATA=...)
	@exec $(PY) -m bench.compare $(if $(DATA),--data "$(DATA)") $(ARGS)

bench: setup-train archive ## measure throughput and latency with wrk (PEERS=1: other servers, too)
	@exec $(PY) -m bench.throughput $(if $(PEERS),--peers) $(ARGS)

soak: setup-train archive ## measure memory while 200,000 requests are answered
	@exec $(PY) -m bench.soak $(ARGS)

tune: setup-train archive ## find the best worker count, batch size and batch delay for this machine
	@exec $(PY) -m bench.tune $(ARGS)

chaos: setup-dev archive ## inject faults while visitors draw; report losses (SECONDS=300, SEED=1)
	@exec $(PY) -m tests.chaos

##@ containers

# compose writes ::1:7860, which is [::1]:7860 in an address.
up: ## start page, TorchServe, PostgreSQL, proxy, backups and monitoring
	@docker compose up --build --detach --wait
	@docker compose port proxy 8080 | sed 's|^\([^[]*:[^[]*\):|[\1]:|; s|^|the page: http://|'

down: ## stop everything; the data stays in volumes
	@docker compose down

ps: ## list the containers
	@docker compose ps --all

logs: ## show their logs (ARGS="--follow torchserve")
	@docker compose logs $(ARGS)

db-shell: ## open psql on the database (ARGS="-c ...")
	@docker compose exec $(if $(ARGS),-T) postgres \
		psql --host=/var/run/postgresql --username=sketchserve --dbname=sketchserve $(ARGS)

##@ develop

# First, two at a time, what waits for nothing; it is measured how much of the code that runs. Then services and other
# programs, three files at a time, as these wait for each other; after these browsers, which keep two cores busy; and one
# by one what measures times that would not be its own beside others.
TOGETHER := -n 2 --dist loadfile
WAITING := integration or browser or processes or alone
test: setup-dev archive ## run all tests (ARGS=... goes to pytest, which then runs once)
ifdef ARGS
	@exec $(PY) -m pytest $(ARGS)
else
	@$(PY) -m coverage erase; failed=0; \
	$(PY) -m coverage run -m pytest $(TOGETHER) -m "not ($(WAITING))" || failed=1; \
	$(PY) -m coverage combine --quiet; \
	printf "percentage of the code that these tests run: "; $(PY) -m coverage report --format=total || failed=1; \
	$(PY) -m pytest $(TOGETHER) -n 3 --no-loadscope-reorder -m "($(WAITING)) and not (browser or alone)" || failed=1; \
	$(PY) -m pytest $(TOGETHER) -m "browser and not alone" || failed=1; \
	$(PY) -m pytest -m alone; last=$$?; \
	[ $$failed = 0 ] || echo "make test: an earlier pytest run failed, or covered too little of the code; see above" >&2; \
	exit $$((failed + last))
endif

test-unit: setup-dev ## run the tests that start nothing and train nothing
	@exec $(PY) -m pytest $(TOGETHER) -m "not ($(WAITING) or training)" $(ARGS)

lint: setup-dev ## run ruff and mypy, as CI does
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy

format: setup-dev ## format the code with ruff
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

COMPILE := -m uv pip compile --quiet --universal --python-version 3.11 --custom-compile-command "make lock"
lock: setup-dev ## update the lock files from pyproject.toml
	$(PY) $(COMPILE) --upgrade --group dev -o requirements.lock
	for group in serve archive page run train loop bulk; do \
		$(PY) $(COMPILE) --no-annotate --group $$group -c requirements.lock -o requirements/$$group.lock || exit 1; done

clean: ## remove .venv, archives and caches (not var/: it has your data)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* model_store/*.mar model_store/*.unfinished
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
