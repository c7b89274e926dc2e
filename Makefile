# Everything a fresh machine needs is python3 (3.11-3.13) and make. `make help` lists the targets.
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m
# Tests wait more than they work. Each worker but the last, which has what only computes, has servers of its own.
WORKERS = 5
PYTEST = $(RUN) pytest -n $(WORKERS)
PYTHON_FILES = $$(find $(1) -name '*.py')
SPHINX = $(RUN) sphinx -E -a -d build/doctrees
# 127: httpx is the project's choice. 114: wants every startable function listed by name, and `run` is started in many ways.
TRIO_RULES := --enable=ASYNC --disable=ASYNC127,ASYNC114,ASYNC910,ASYNC911
# 110, 912: a test looks again and again at what only the world can change: a process, a record, a port.
# 124: a test of what needs Trio's clock is async, whether it awaits or not.
TEST_RULES := $(TRIO_RULES),ASYNC110,ASYNC912,ASYNC124
ASYNCIO_RULES := --asyncio --enable=ASYNC --disable=ASYNC910,ASYNC911

# The environment in .venv is the only one in use, whichever is active where make is called.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-asterisk test-deploy check bench bench-dialog bench-stt docs docs-links reference clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## a virtual environment in .venv with locked installs (PYTHON=python3.12 picks the interpreter)
	@PYTHON='$(PYTHON)' sh .ci/bootstrap

demo: setup ## a whole call: recorded speech in, spoken answers out (LANGUAGE=ru|en)
	@$(BIN)/callengine demo $(if $(findstring command,$(origin LANGUAGE)),--language $(LANGUAGE))

test: setup ## the suite, on real embedded servers (ARGS="-k turns" picks tests; WORKERS=0: in one process)
	@$(PYTEST) -m "not asterisk and not deployment" $(ARGS)

test-asterisk: setup ## calls through a real Asterisk, fetched from Debian without root (ASTERISK_ROOT=... uses another)
	@$(PYTEST) -m asterisk tests/asterisk $(ARGS)

test-deploy: setup ## HAProxy, Prometheus, standbys, images by their steps (as root), with Debian's programs
	@$(PYTEST) -m deployment tests/deploy $(ARGS)

check: setup ## ruff, flake8-async, mypy strict, import rules, links between the pages of docs/
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	@echo "flake8-async: callengine backends, tests, gpu"
	@$(RUN) flake8_async $(TRIO_RULES) $(call PYTHON_FILES,callengine backends)
	@$(RUN) flake8_async $(TEST_RULES) $(call PYTHON_FILES,tests)
	@$(RUN) flake8_async $(ASYNCIO_RULES) $(call PYTHON_FILES,gpu)
	$(RUN) mypy
	$(BIN)/lint-imports --no-logo
	@$(SPHINX) -q -W --keep-going -b html docs build/docs

bench: setup ## the numbers of docs/design.md, with the machine named
	@$(RUN) tests.bench $(ARGS)

bench-dialog: setup ## a conversation at the wire: waits, interruptions, noises, what the record says was heard (8 min)
	@$(RUN) tests.bench.dialog $(ARGS)

bench-stt: setup ## whisper-server against faster-whisper as it comes, words never lost, STT_GATE, a stream's cost (40 min)
	@$(RUN) tests.bench.stt $(ARGS)
	@$(RUN) tests.bench.stt_never_lost
	@$(RUN) tests.bench.stt_gate
	@$(RUN) tests.bench.stt_streams

docs: setup ## the site of docs/ in build/docs (REPOSITORY_URL=https://.../blob/main: where links to other files lead)
	@$(SPHINX) -q -W --keep-going -b html docs build/docs
	@echo build/docs/index.html

docs-links: setup ## ask for every address outside that the pages name; the only target here that needs a network
	@$(SPHINX) -b linkcheck docs build/links

reference: setup ## write the pages of docs/reference that are made from the code
	@$(RUN) tests.docs.reference

clean: ## remove the environment, tool caches, and callengine-data with all calls recorded by embedded servers
	rm -rf $(VENV) callengine-data dist build .*_cache .hypothesis
	find callengine backends gpu tests -name __pycache__ -prune -exec rm -rf {} +
