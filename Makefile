# Bare `make` runs everything CI runs on one Python: format, lint, types, contracts, tests.
PYTHON ?= python3
DEVICE_SOURCES := pyproject.toml hatch_build.py $(shell find edge models export -type f -not -name '*.pyc')
EPISODE ?= seeds/gradient-dissent_johannes-otterbach_whisper-timed.txt

.PHONY: all check check-fast fix demo test test-device test-smoke test-arm64 models heads examples quality bench bench-peers \
  bench-generation clean

all: check test

# The device side alone: onnxruntime, numpy, tokenizers, click, and this project.
demo: .venv-demo/ready
	.venv-demo/bin/edge summarize $(EPISODE)

.venv-demo/ready: $(DEVICE_SOURCES)
	$(PYTHON) -m venv .venv-demo
	.venv-demo/bin/python -m pip install --quiet --disable-pip-version-check .
	touch $@

# Two test files at a time, each file's tests in one process: they share models.
PYTEST_OPTIONS ?= -n 2 --dist loadfile

# Everything: device side, export side, tests. torch is pinned to its CPU build's version.
test: .venv/ready
	.venv/bin/python -m pytest $(PYTEST_OPTIONS)

# What one runs before every commit.
check-fast: check
	.venv/bin/python -m pytest $(PYTEST_OPTIONS) -m 'not slow and not export'

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	  --editable '.[export,train,test,dev]'
	touch $@

check: .venv/ready
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

fix: .venv/ready
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

# The device tests on another Python, or on the lowest supported versions:
#   make test-device PYTHON=python3.13
#   make test-device PYTHON=python3.10 CONSTRAINTS=constraints-lowest.txt
CONSTRAINTS ?= /dev/null
DEVICE_VENV ?= .venv-device
test-device:
	rm -rf $(DEVICE_VENV)
	$(PYTHON) -m venv $(DEVICE_VENV)
	$(DEVICE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
	  -c $(CONSTRAINTS) '.[test]'
	$(DEVICE_VENV)/bin/python -m pytest $(PYTEST_OPTIONS) -m 'not export and not slow' \
	  -p no:cacheprovider

# Whether it installs and works on another Python: the model's golden sample, a digest by the
# command and through the door. From another folder, so that nothing of the checkout helps.
#   make test-smoke PYTHON=python3.12
SMOKE_VENV ?= .venv-smoke
test-smoke:
	rm -rf $(SMOKE_VENV)
	$(PYTHON) -m venv $(SMOKE_VENV)
	$(SMOKE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check .
	cd $(SMOKE_VENV) && bin/edge models verify
	cd $(SMOKE_VENV) && bin/edge summarize $(abspath $(EPISODE)) --quiet > digest.txt && grep -q '^CHAPTERS' digest.txt
	cd $(SMOKE_VENV) && bin/python -c "import edge; assert edge.digest('$(abspath $(EPISODE))').summary"

# The kit for a Raspberry Pi 4 on emulated cores of one, and x86 without VNNI: on Debian or Ubuntu.
test-arm64: .venv/ready
	tests/emulated/prepare.sh build/arm64
	.venv/bin/python -m pytest tests/emulated -rA

# Rebuild the committed default bundle.
models: .venv/ready
	.venv/bin/edge-export build minilm-l6 --precision int8 --output models/minilm-l6/int8 --force

# Learn the heads of the default bundle again: make heads DATA=FOLDER (docs/training.md).
heads: .venv/ready
	.venv/bin/edge-export train models/minilm-l6/int8 --data $(DATA)

# The digests of all seeds, as they come out.
examples: .venv-demo/ready
	.venv-demo/bin/edge summarize seeds --format md --output docs/examples --force

# Every quality table: make quality DATA=FOLDER [MODEL=BUNDLE] [EPISODES=all]. The heads of MODEL
# must not have learned from the annotated episodes that are scored; tags and names of podcasts are
# scored by heads that have not seen the podcast.
MODEL ?= models/minilm-l6/int8
EPISODES ?= dev
quality: .venv/ready
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	  --editable '.[quality]'
	for form in full no_speakers no_punctuation broken_lines; do \
	  .venv/bin/python -m benchmarks.quality key-points summaries chapters keyphrases adverts titles \
	    --data $(DATA) --model $(MODEL) --episodes $(EPISODES) --form $$form || exit 1; \
	done
	.venv/bin/python -m benchmarks.quality meetings --data $(DATA) --model $(MODEL)
	.venv/bin/edge-export train $(MODEL) --data $(DATA) --part phrases --folds build/folds
	.venv/bin/python -m benchmarks.quality tags mentions --data $(DATA) --model $(MODEL) \
	  --folds build/folds

# What a digest costs on this machine, the device side alone. Let nothing else run meanwhile.
bench: .venv-demo/ready
	.venv-demo/bin/edge bench

# The cold command beside its peers, each in an environment of its own (6 GB in all).
bench-peers: .venv/ready
	test -d build/bench/minilm-l6-fp32 || .venv/bin/edge-export build minilm-l6 --precision fp32 \
	  --output build/bench/minilm-l6-fp32
	.venv/bin/python -m benchmarks.peers

# What writing costs, against llama.cpp, optimum, PyTorch and CTranslate2. The first run builds
# llama.cpp and all models (a quarter of an hour and 3 GB); CMAKE_ARGS reaches llama.cpp's build.
bench-generation: .venv-generation/ready
	.venv-generation/bin/python -m benchmarks.peers.prepare_generation
	.venv-generation/bin/python -m benchmarks.generation decoder
	.venv-generation/bin/python -m benchmarks.generation batch
	.venv-generation/bin/python -m benchmarks.generation summarizer
	.venv-generation/bin/python -m benchmarks.generation episode
	.venv-generation/bin/python -m benchmarks.generation seq2seq

.venv-generation/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-generation
	.venv-generation/bin/python -m pip install --quiet --disable-pip-version-check \
	  -c constraints.txt torch
	.venv-generation/bin/python -m pip install --quiet --disable-pip-version-check \
	  --no-cache-dir -c constraints.txt --editable '.[export,peers]'
	touch $@

clean:
	rm -rf .venv .venv-* build dist
