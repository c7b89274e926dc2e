# Everything a fresh machine needs is python3 (3.11-3.13) and make. `make help` lists the targets.
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.synced ## a virtual environment in .venv with locked installs

$(VENV)/.synced: pyproject.toml uv.lock
	@sh docker/bootstrap.sh $(VENV)
	@touch $@

demo: setup ## a whole call, recorded speech in, spoken answers out (LANGUAGE=ru|en)
	@$(BIN)/callengine demo $(if $(LANGUAGE),--language $(LANGUAGE))

test: setup ## the whole suite, on real embedded servers
	$(RUN) pytest

check: setup ## ruff, flake8-async, mypy strict, import rules
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) flake8_async --enable=ASYNC --disable=ASYNC127,ASYNC910,ASYNC911 $$(git ls-files "callengine/*.py" "backends/*.py" "tests/*.py")
	$(RUN) flake8_async --asyncio --enable=ASYNC --disable=ASYNC910,ASYNC911 $$(git ls-files "gpu/*.py")
	$(RUN) mypy
	$(BIN)/lint-imports

bench: setup ## the numbers of docs/design.md, with the machine named
	$(RUN) tests.bench

clean: ## remove the environment and what embedded servers wrote
	rm -rf $(VENV) callengine-data
