# Every command of the project. `make` alone lists them.
SHELL := /bin/bash
PYTHON_IN := .venv/bin/python
LISTS ?= first-light
.DEFAULT_GOAL := help
.PHONY: help run stop clean setup test test-unit test-slow check format judge bench conformance coverage audit hooks requirements messages vendor demo-break systemd

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

run:  ## set up what is missing, then run the cloud in the foreground
	@./setup.sh run
	@exec $(PYTHON_IN) -m cloud.run up

stop:  ## stop the cloud; guests and their networks stay
	@[ ! -x $(PYTHON_IN) ] || exec $(PYTHON_IN) -m cloud.run stop

clean:  ## stop the cloud and remove guests, networks and state
	@[ ! -x $(PYTHON_IN) ] || exec $(PYTHON_IN) -m cloud.run clean

setup:  ## what tests and checks need
	@./setup.sh test
	@$(PYTHON_IN) -m cloud.run prepare

test: setup  ## all tests but the slow ones; APP=networking: those of one app
	@exec $(PYTHON_IN) -m tests.run $(if $(APP),--app $(APP))

test-unit:  ## the tests that need no root, no process and no socket (tests/unit.py); APP=networking: those of one app
	@[ -x $(PYTHON_IN) ] || ./setup.sh test
	@exec $(PYTHON_IN) -m tests.run --unit $(if $(APP),--app $(APP))

test-slow:  ## the slow tests (APP=vm: of one folder): other databases and brokers, every kill; goes on where it was cut
	@./setup.sh slow
	@$(PYTHON_IN) -m cloud.run prepare
	@exec $(PYTHON_IN) -m tests.run --slow $(if $(APP),--app $(APP))

check: setup  ## format, lint, types, import contracts, measures, migrations, templates, translations
	@exec $(PYTHON_IN) -m tests.check

format:  ## put every file into the project's format
	.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format --quiet . ; .venv/bin/djlint --reformat --quiet portal/templates

judge: setup  ## the measures of the house beside their limits; LOWER=1 keeps what got better
	@exec $(PYTHON_IN) -m tests.judge $(if $(LOWER),--lower)

coverage: setup  ## the lines that the fast tests run, a room a line; slower than the tests alone
	@exec $(PYTHON_IN) -m tests.coverage

audit: setup  ## known holes of what is pinned: asks pypi.org and the npm registry
	@exec $(PYTHON_IN) -m tests.advisories

hooks: setup  ## have git look at each commit (.pre-commit-config.yaml)
	@exec .venv/bin/pre-commit install

bench: setup  ## measure, one JSON line a figure
	@exec $(PYTHON_IN) -m bench

conformance: setup  ## OpenStack's own tests: make conformance LISTS="first-light smoke"
	@exec $(PYTHON_IN) -m tests.conformance $(LISTS)

requirements:  ## compile requirements/*.in to hashed pins
	@./setup.sh test
	@for name in uv base dev tempest keystone; do \
	  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    requirements/$$name.in -o requirements/$$name.txt || exit 1; done

messages: setup  ## collect the texts to translate into locale/
	@mkdir -p locale
	@STACKLING_SECRET_KEY=signs-nothing $(PYTHON_IN) manage.py makemessages --locale zh_Hans --no-obsolete --no-location --no-wrap --ignore '.venv/*' --ignore 'node_modules/*' --ignore 'var/*' --ignore 'tests/*'

vendor: setup  ## copy and bundle third-party front-end files into static/vendor
	@$(PYTHON_IN) -m cloud.run vendor

demo-break:  ## stop an agent while a server boots, and watch the recovery
	@exec $(PYTHON_IN) -m cloud.run demo-break

systemd:  ## print the unit that starts this cloud at boot: make systemd | sudo tee /etc/systemd/system/stackling.service
	@exec $(PYTHON_IN) -m cloud.run systemd
