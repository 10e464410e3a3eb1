# The two commands of the README: `make run` and `make test`. Both install what the machine lacks first.

SWIFT ?= swift
DEMO := scenarios/zone-outage/scenario.yaml
PACKAGES := libgsl-dev libyaml-dev libssl-dev pkg-config tzdata

.PHONY: run test build dependencies format benchmark curated fgd openb example slurm

## Build in release mode and run the main demonstration.
run: build
	@.build/release/seatrial run $(DEMO)

## Run all tests, the recorded decisions of the real Kubernetes components included.
test: dependencies
	$(SWIFT) test

build: dependencies
	$(SWIFT) build -c release --product seatrial

## Measure: event queue, YAML reading, scheduling, whole scenarios.
benchmark: dependencies
	$(SWIFT) build -c release --product seatrial-benchmark
	@.build/release/seatrial-benchmark all

## Run every shipped scenario again and keep its results in results/curated, which a test holds the program against.
curated: build
	@rm -rf .build/curated; \
	for folder in scenarios/*/; do \
	  name=$$(basename "$$folder"); \
	  .build/release/seatrial run "$$folder/scenario.yaml" --quiet --output .build/curated || exit 1; \
	  mkdir -p "results/curated/$$name"; \
	  cp .build/curated/"$$name"/*/seed-*/summary.csv .build/curated/"$$name"/*/seed-*/recoveries.csv "results/curated/$$name/" || exit 1; \
	  own=$$(sed -n 's/^  scheduler: *//p' "$$folder/scenario.yaml"); \
	  first=$${own:+$$folder$$own}; first=$${first:-default}; policies="--scheduler $$first"; \
	  for file in $$(grep -lx 'kind: KubeSchedulerConfiguration' "$$folder"*.yaml); do \
	    [ "$$file" = "$$first" ] || policies="$$policies --scheduler $$file"; \
	  done; \
	  [ "$$policies" = "--scheduler $$first" ] && continue; \
	  .build/release/seatrial compare "$$folder/scenario.yaml" $$policies --seeds 5 --quiet --output .build/curated >/dev/null || exit 1; \
	  cp ".build/curated/$$name/comparison.csv" "results/curated/$$name/" || exit 1; \
	done
	.build/release/seatrial sweep scenarios/node-churn/experiment.yaml --quiet --output .build/curated/node-patience >/dev/null
	cp .build/curated/node-patience/cases.csv .build/curated/node-patience/comparison.csv results/curated/node-patience/

## Repeat the published experiment with GPU-sharing policies (docs/gpu-sharing.md) and keep its tables: make fgd OPENB=DIR, where the published lists are.
fgd: openb build
	.build/release/seatrial import openb --nodes "$(OPENB)/openb_node_list_gpu_node.csv" --pods "$(OPENB)/openb_pod_list_default.csv" \
	  --output scenarios/gpu-sharing/openb
	.build/release/seatrial experiment scenarios/gpu-sharing/experiment.yaml --output .build/fgd
	cp .build/fgd/gpu-sharing-openb/runs.csv .build/fgd/gpu-sharing-openb/comparison.csv results/curated/gpu-sharing-openb/

openb:
	@for list in node_list_gpu_node pod_list_default; do \
	  [ -n "$(OPENB)" ] && [ -f "$(OPENB)/openb_$$list.csv" ] && continue; \
	  echo "make fgd OPENB=DIR: there is no openb_$$list.csv in the folder \"$(OPENB)\" (docs/gpu-sharing.md says where the lists are)" >&2; exit 2; \
	done

## The package of docs/own-policy.md: a program with a scheduling policy of its own.
# It builds into the folder of this package, so that what was built here is not built again; a package elsewhere has a folder of its own.
example: dependencies
	cd examples/own-policy && $(SWIFT) run --scratch-path ../../.build own-policy compare scenario/scenario.yaml --scheduler default --scheduler scenario/cheapest.yaml --seeds 3

## A sweep through a real Slurm of this machine, which is installed if it is missing (Debian, Ubuntu; as root).
slurm: build
	Tests/slurm/run.sh .build/release/seatrial

## Format all Swift sources in place.
format:
	$(SWIFT) format -i -r Package.swift Sources Tests examples/own-policy/Sources

# GSL, libyaml and OpenSSL are system libraries; recorded CronJobs need the system's time zones. On Debian and Ubuntu they are installed here; elsewhere the message says what to do.
dependencies:
	@if pkg-config --exists gsl yaml-0.1 libcrypto 2>/dev/null && [ -d /usr/share/zoneinfo ]; then exit 0; fi; \
	if command -v apt-get >/dev/null 2>&1; then \
	  sudo=""; [ "$$(id -u)" = 0 ] || sudo="sudo"; \
	  echo "Installing $(PACKAGES)"; \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq $(PACKAGES) >/dev/null; \
	else \
	  echo "Please install the GNU Scientific Library, libyaml and OpenSSL with their headers, and pkg-config:" >&2; \
	  echo "  Fedora: dnf install gsl-devel libyaml-devel openssl-devel pkgconf    macOS: brew install gsl libyaml openssl@3 pkgconf" >&2; \
	  exit 1; \
	fi
