# Wederhoor. Bare `make` lists the targets.

PYTHON ?= python3
RECORDER := .venv/bin/recorder

.DEFAULT_GOAL := help
.PHONY: help setup run test faults check bench scan lock docs clean pictures messages

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install what is needed: Debian packages, and a virtual environment from the lock file
	@provisioning/workstation packages
	@provisioning/workstation environment "$(PYTHON)"

run: setup ## Record a meeting in one room on this machine  [SOURCE=speech.wav] [SCRIPT="start,wait:20,stop"] [OUT=folder] [CONFIG=file.toml]
	@$(RECORDER) run $(if $(SOURCE),--source "$(SOURCE)") $(if $(SCRIPT),--script "$(SCRIPT)") $(if $(OUT),--out "$(OUT)") $(if $(CONFIG),--config "$(CONFIG)")

test: setup check ## Run all tests, as many files at once as there are processors
	.venv/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

faults: setup ## All pairs of faults on real processes; the power cut of an archive killed at each of its calls (two hours)
	.venv/bin/python -m tests.faults
	.venv/bin/python -m pytest tests/storage --every-kill

check: setup ## Lint and type-check
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

scan: setup .scan/bin/wapiti ## What a public scanner finds in the pages, as each role (half an hour)
	.venv/bin/python -m tests.web.scan

.scan/bin/wapiti:
	"$(PYTHON)" -m venv .scan && .scan/bin/pip install --quiet wapiti3==3.2.3

bench: setup ## Measure an hour of recording against opusenc: CPU, memory, samples, latency  [SECONDS=3600]
	.venv/bin/python -m bench --seconds $(or $(SECONDS),3600)

docs: setup ## Draw the parts of docs/ that are made from the code
	.venv/bin/python -m recorder.meeting.drawing
	.venv/bin/python -m recorder.trial.picture
	.venv/bin/python -m hardware.generate
	.venv/bin/python -m hardware.draw
	.venv/bin/python -m tests.privacy

pictures: setup ## Take the pictures of docs/pages.md anew
	.venv/bin/python -m tests.web.pictures

messages: setup ## Find the words of the pages that are to be translated, and make what is read of them
	.venv/bin/python -m recorder.archive.web.messages

lock: ## Renew the lock files from pyproject.toml (needs uv)
	@provisioning/workstation lock

clean: ## Remove what setup and the tests made
	rm -rf .venv .scan .pytest_cache .hypothesis .mypy_cache .ruff_cache build dist *.egg-info
