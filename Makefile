# `make demo` and `make test` need Python 3.10 or newer, and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
PROJECTS := $(wildcard pyproject.toml */*/pyproject.toml examples/plugins/*/pyproject.toml)

# uv does not read pip's settings: take over the package index that pip is told to use.
PIP_INDEX = $(or $(PIP_INDEX_URL),$(shell $(BIN)/python -m pip config get global.index-url 2>/dev/null))
INDEX = $(if $(UV_DEFAULT_INDEX)$(PIP_INDEX),UV_DEFAULT_INDEX="$(or $(UV_DEFAULT_INDEX),$(PIP_INDEX))")

.PHONY: help setup demo test lint bench docs wheels test-cuda bench-cuda test-wheels proto clean FORCE

help:          # List what can be made
	@sed -nE 's/^([a-z-]+):[^#]*# (.*)/make \1\t\2/p' Makefile | expand -t 20

setup: $(VENV)/.ready  # Make .venv with every distribution of this tree; PYTHON=python3.12 chooses

$(UV):
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit(\
	    "Caffe needs Python 3.10 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.8,<1"

$(VENV)/.ready: $(UV) $(PROJECTS)
	$(INDEX) $(UV) sync --inexact --all-packages --all-extras --quiet
	touch $@

demo: setup    # Train a small net on handwritten digits, plot it, test it
	PATH="$(CURDIR)/$(BIN):$$PATH" examples/digits/demo.sh

test: setup    # Run all tests
	$(BIN)/pytest

test-wheels: setup  # Build all wheels and use them in fresh environments, together and alone
	CAFFE_EVERY_WHEEL=1 $(BIN)/pytest tests/structure/test_wheels.py tests/structure/test_wheel_alone.py

build/cuda/site: FORCE
	rm -rf build/cuda
	$(PYTHON) -m tools.plain_wheels build/cuda/wheels
	$(PYTHON) -m pip install --quiet --no-index --no-deps --no-compile --target $@ build/cuda/wheels/*.whl

test-cuda: build/cuda/site   # Run the tests that need a GPU; PYTHON is one that has CuPy, NumPy, protobuf, pluggy and pytest, no network needed
	PYTHONSAFEPATH=1 PYTHONPATH=build/cuda/site $(PYTHON) -m caffe_core.cli device_query -gpu all
	PYTHONSAFEPATH=1 PYTHONPATH=build/cuda/site $(PYTHON) -m pytest -W default -m cuda tests/contract tests/golden tests/unit/cuda tests/unit/cudnn $(ARGS)

bench-cuda: build/cuda/site  # Time nets on a GPU beside PyTorch; PYTHON is one that has both, and CuPy
	PYTHONPATH=build/cuda/site $(PYTHON) -m benchmarks --device cuda $(ARGS)

lint: setup    # Check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup   # Time nets here and in what else is installed; ARGS="--nets lenet --quick"
	$(BIN)/python -m benchmarks $(ARGS)

docs: setup    # Write the pages of docs/layers from the source of the layers
	$(BIN)/python -m tools.layer_pages

wheels: setup  # Build a wheel of every distribution into dist/
	rm -rf dist
	$(INDEX) $(UV) build --quiet --all-packages --wheel --out-dir dist

proto: setup   # Compile the descriptors of caffe.proto
	for name in caffe resume; do \
	    $(BIN)/python -m grpc_tools.protoc --proto_path=caffe_core/proto \
	        --descriptor_set_out=caffe_core/proto/$$name.binpb $$name.proto || exit 1; \
	done

clean:         # Remove everything that was made
	rm -rf $(VENV) build dist demo
