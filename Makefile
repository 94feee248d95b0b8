# Two commands for everyone: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv

.PHONY: setup demo test lint bench wheels proto clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml $(wildcard */*/pyproject.toml)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "uv>=0.8,<1"
	$(UV) sync --inexact --all-packages --all-extras --quiet
	touch $@

test: setup
	$(BIN)/pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

proto: setup
	for name in caffe resume; do \
	    $(BIN)/python -m grpc_tools.protoc --proto_path=caffe_core/proto \
	        --descriptor_set_out=caffe_core/proto/$$name.binpb $$name.proto || exit 1; \
	done

wheels: setup
	rm -rf dist
	$(UV) build --quiet --all-packages --wheel --out-dir dist

clean:
	rm -rf $(VENV) dist demo
