# make learn       JupyterLab, open on lesson 1
# make test        what to run before a commit; CI runs it first
# make test-slow   many pictures, networks, servers and processes; CI runs it next
# make bench       all that is claimed about speed, in one table
# make nbgrader    the lessons as an nbgrader course, in the folder nbgrader (COURSE=… for another)
# make notebooks   build and run the notebooks from lessons/ and resnet_helpers/solutions.py
# make site        build a site to read of the notebooks
# make slides      a deck of slides of each solution notebook, in slides/; needs npm
#
# By hand, since each downloads gigabytes or needs a published copy:
# make test-floor          the tests with the oldest versions that pyproject.toml allows
# make test-environments   the tests with other Pythons and other versions, Colab's among them
# make publish-check       whether the published copy is one that a learner can use
#
# TORCH=cpu with any of them: PyTorch's CPU build, smaller by gigabytes, where PyTorch's own index
# can be reached.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
SITE_INSTALLED := .venv-site/installed
TORCH_INDEX ?= https://download.pytorch.org/whl/$(TORCH)
SOURCES := build_notebooks.py build_nbgrader.py build_slides.py publish_check.py conftest.py \
	resnet_helpers resnet_inputs site tests benchmarks
COURSE ?= nbgrader
TESTS := --ignore=tests/slow --ignore=tests/browser tests
# JupyterLab refuses to run as root unless told to; in a container one often is root.
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] && echo --allow-root)

.PHONY: learn test test-slow test-floor test-environments bench lint nbgrader notebooks site slides \
	publish-check

learn: $(INSTALLED)
	@echo "Opening JupyterLab on lesson 1. Your work is saved in notebooks/; Ctrl-C twice stops it."
	cd notebooks && ../$(BIN)/jupyter lab $(AS_ROOT) --LabApp.default_url=/lab/tree/01_batchnorm.ipynb

test: $(INSTALLED) lint
	@echo "Running the tests, and every notebook, two at a time …"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder \
		--nbval --nbval-cell-timeout=300 --ignore=tests/slow \
		tests/browser notebooks/solutions tests

test-slow: $(INSTALLED) site
	@echo "Running what takes longer …"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 tests/slow

# uv alone resolves to the lowest versions, and is used for nothing else.
test-floor:
	@$(call can_install,.venv-uv)
	@echo "Installing the oldest versions of everything into .venv-floor …"
	$(PYTHON) -m venv .venv-uv
	.venv-uv/bin/python -m pip install uv
	.venv-uv/bin/uv venv --clear --python 3.11 .venv-floor
	.venv-uv/bin/uv pip install --python .venv-floor/bin/python --resolution lowest-direct \
		--editable '.[dev]'
	OMP_NUM_THREADS=1 .venv-floor/bin/python -m pytest -n 2 $(TESTS)
	OMP_NUM_THREADS=1 .venv-floor/bin/python -m pytest --nbval --nbval-cell-timeout=300 \
		notebooks/solutions/06_hooks.ipynb notebooks/solutions/07_training.ipynb
	OMP_NUM_THREADS=2 .venv-floor/bin/python -m pytest --nbval --nbval-cell-timeout=300 \
		notebooks/solutions/07_training.ipynb

test-environments:
	$(PYTHON) tests/environments.py

bench: $(INSTALLED)
	$(BIN)/python benchmarks

lint: $(INSTALLED)
	@echo "Checking the style of the code …"
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

notebooks: $(INSTALLED)
	@echo "Building the notebooks and running the solutions …"
	$(BIN)/python build_notebooks.py

nbgrader: $(INSTALLED)
	$(BIN)/python build_nbgrader.py $(COURSE)

site: $(SITE_INSTALLED)
	@echo "Building the site …"
	.venv-site/bin/python site/build.py

publish-check: $(INSTALLED) $(SITE_INSTALLED)
	$(BIN)/python publish_check.py

slides: $(INSTALLED) slides/node_modules
	$(BIN)/python build_slides.py

slides/node_modules:
	@echo "Getting reveal.js and MathJax, for all decks together …"
	npm install --silent --prefix slides --no-save --no-package-lock reveal.js@5.2.1 mathjax@3.2.2

$(INSTALLED): pyproject.toml
	@$(call can_install,.venv)
	@echo "Installing the course into .venv: some minutes, and up to 3 GB to download for PyTorch …"
	$(PYTHON) -m venv .venv
ifdef TORCH
	$(BIN)/python -m pip install --retries 1 --timeout 15 --index-url $(TORCH_INDEX) \
		torch torchvision \
		|| echo "PyTorch for $(TORCH) could not be had from $(TORCH_INDEX): the usual one instead."
endif
	$(BIN)/python -m pip install --editable '.[dev]'
	@# The tests need nbgrader; its buttons in JupyterLab are not for learners.
	@$(BIN)/jupyter labextension disable @jupyter/nbgrader 2>/dev/null
	@for page in formgrader validate_assignment assignment_list course_list; do \
		$(BIN)/jupyter server extension disable --sys-prefix \
			nbgrader.server_extensions.$$page >/dev/null 2>&1; done
	@touch $(INSTALLED)

# The extra `site` alone, without the course and its PyTorch.
$(SITE_INSTALLED): pyproject.toml
	@$(call can_install,.venv-site)
	@echo "Installing Jupyter Book into .venv-site …"
	$(PYTHON) -m venv .venv-site
	$(PYTHON) -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
		print(*project["optional-dependencies"]["site"], sep="\n")' > .venv-site/requirements.txt
	.venv-site/bin/python -m pip install --requirement .venv-site/requirements.txt
	@touch $(SITE_INSTALLED)

# Whether an environment can be made in this folder by $(PYTHON): one sentence if not.
define can_install
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "The course needs Python 3.11 or newer: make PYTHON=/path/to/python3.12 …"; exit 1; }; \
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make environments: on Debian and Ubuntu, sudo apt install python3-venv."; \
		exit 1; }; \
	mkdir -p $(1) 2>/dev/null && touch $(1)/writable 2>/dev/null && rm $(1)/writable || { \
		echo "Nothing can be written to $(CURDIR): copy the course into a folder of your own."; \
		exit 1; }
endef
