# make learn       JupyterLab, open on lesson 1
# make test        what to run before a commit; CI runs it first
# make test-slow   many pictures, networks, servers and processes; CI runs it next
# make bench       all that is claimed about speed, in one table
# make notebooks   build and run the notebooks from lessons/ and resnet_helpers/solutions.py
# make slides      a deck of slides of each solution notebook, in slides/; needs npm

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
SOURCES := build_notebooks.py build_slides.py conftest.py resnet_helpers resnet_inputs tests benchmarks
# JupyterLab refuses to run as root unless told to; in a container one often is root.
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] && echo --allow-root)

.PHONY: learn test test-slow bench notebooks slides lint

learn: $(INSTALLED)
	@echo "Opening JupyterLab on lesson 1. Your work is saved in notebooks/; Ctrl-C twice stops it."
	cd notebooks && ../$(BIN)/jupyter lab $(AS_ROOT) --LabApp.default_url=/lab/tree/01_batchnorm.ipynb

test: $(INSTALLED) lint
	@echo "Running the tests, and every notebook, two at a time …"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder \
		--nbval --nbval-cell-timeout=300 --ignore=tests/slow \
		tests/browser notebooks/solutions tests

test-slow: $(INSTALLED)
	@echo "Running what takes longer …"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 tests/slow

bench: $(INSTALLED)
	$(BIN)/python benchmarks

lint: $(INSTALLED)
	@echo "Checking the style of the code …"
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

notebooks: $(INSTALLED)
	@echo "Building the notebooks and running the solutions …"
	$(BIN)/python build_notebooks.py

slides: $(INSTALLED) slides/node_modules
	$(BIN)/python build_slides.py

slides/node_modules:
	@echo "Getting reveal.js and MathJax, for all decks together …"
	npm install --silent --prefix slides --no-save --no-package-lock reveal.js@5.2.1 mathjax@3.2.2

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "The course needs Python 3.11 or newer: make PYTHON=/path/to/python3.12 …"; exit 1; }
	@echo "Installing the course into .venv: some minutes, and several GB for PyTorch …"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(INSTALLED)
