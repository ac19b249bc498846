# The first target that needs the environment makes it: `make demo` works on a fresh clone.
# Choose another interpreter with `make demo PYTHON=python3.12`.

BIN := .venv/bin
INSTALLED := .venv/.installed
JOBS ?= 2
TESTS ?=

# nbgrader calls `alembic` by name, so the environment's programs must be on the path. One thread
# in each process: the tests run several at once.
WITH := PATH="$(CURDIR)/$(BIN):$$PATH" OMP_NUM_THREADS=1

.PHONY: help demo test build lint audit a-gpu gpu clean

help:
	@echo "make demo    make a small class of submissions, grade it, say how to open the report"
	@echo "make test    run the tests (TESTS='tests/course_lib -k norm' for some of them)"
	@echo "make build   build the notebooks from solutions/ and course_lib/"
	@echo "make audit   prove that every check fails on wrong answers and passes on right ones"
	@echo "make gpu     run all that needs a GPU: tests, grading with --device cuda, the kernels' times"
	@echo "make lint    look for mistakes in style and types"
	@echo "make clean   remove what was built; the environment .venv stays"

$(INSTALLED): pyproject.toml constraints.txt scripts/setup.sh autograder/box/kernelspec/kernel.json
	@PYTHON="$(PYTHON)" scripts/setup.sh

demo: $(INSTALLED)
	$(WITH) $(BIN)/course demo

test: $(INSTALLED)
	$(WITH) $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(TESTS)

build: $(INSTALLED)
	$(WITH) $(BIN)/course build

audit: $(INSTALLED)
	$(WITH) $(BIN)/course audit

# Asked before anything is installed.
a-gpu:
	@nvidia-smi -L >/dev/null 2>&1 || test -e /dev/nvidia0 || test -e /dev/dxg || { \
	  echo "This needs an NVIDIA GPU, and this machine has none: on one where \`nvidia-smi\` lists it," \
	    "\`make gpu\` again. Nothing was run." >&2; exit 1; }

gpu: a-gpu $(INSTALLED)
	@$(WITH) $(BIN)/python -m benchmarks.gpu

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

clean:
	rm -rf build .pytest_cache .mypy_cache .ruff_cache *.egg-info
	find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
