# Spotter. `make run` shows it, `make test` proves it; both install what they need first.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

ROOT := $(CURDIR)
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
APT := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get
STAMPS := target/stamps
# rustup's own shims come first; Debian's compiler is taken where there is no rustup.
export PATH := $(HOME)/.cargo/bin:$(PATH)

BUILD_PACKAGES := build-essential cmake nasm pkg-config ca-certificates \
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev \
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav
TEST_PACKAGES := libgstrtspserver-1.0-dev gstreamer1.0-plugins-ugly gstreamer1.0-tools ffmpeg procps
BENCH_PACKAGES := wrk nginx-light python3-venv
VM_PACKAGES := qemu-system-x86 busybox-static cpio v4l-utils
BROWSER_PACKAGES := chromium

.PHONY: help
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 18

# --- what is needed ---------------------------------------------------------------------------------------------------

$(STAMPS):
	@mkdir -p $@

# $(call packages,NAME,PACKAGES): installs Debian or Ubuntu packages once.
define packages
$(STAMPS)/$(1): | $(STAMPS)
	@command -v apt-get >/dev/null || { echo "this needs Debian or Ubuntu; elsewhere install: $(2)"; exit 1; }
	@echo "== installing: $(2)"
	@$$(APT) update -qq
	@$$(APT) install -y -qq --no-install-recommends $(2) >$(STAMPS)/$(1).log 2>&1 || { tail -n 20 $(STAMPS)/$(1).log; exit 1; }
	@touch $$@
endef
$(eval $(call packages,build,$(BUILD_PACKAGES)))
$(eval $(call packages,test,$(TEST_PACKAGES)))
$(eval $(call packages,bench,$(BENCH_PACKAGES)))
$(eval $(call packages,vm,$(VM_PACKAGES)))
$(eval $(call packages,browser,$(BROWSER_PACKAGES)))

# Rust 1.92 or newer: what is there, else the distribution's.
$(STAMPS)/rust: | $(STAMPS)
	@fits() { command -v cargo >/dev/null && v=$$(rustc --version | grep -oE '1\.[0-9]+' | head -1) && [ "$${v#1.}" -ge 92 ]; }; \
	if ! fits; then \
	  $(APT) update -qq; \
	  if apt-cache show rustup >/dev/null 2>&1; then $(APT) install -y -qq rustup && rustup default stable; \
	  elif apt-cache show cargo-web >/dev/null 2>&1; then $(APT) install -y -qq cargo-web rustc-web rust-web-clippy || $(APT) install -y -qq cargo-web rustc-web; fi; \
	  fits || { echo "Rust 1.92 or newer is needed; this system's packages have none. See rustup's own site."; exit 1; }; \
	fi; rustc --version
	@touch $@

NEEDS := $(STAMPS)/build $(STAMPS)/rust

# --- the box ----------------------------------------------------------------------------------------------------------

.PHONY: build run
build: $(NEEDS) ## the release binary, target/release/spotter
	cargo build --release --locked

run: build ## a working box on the demo camera; prints its URL
	target/release/spotter run $(ARGS)

# --- proofs -----------------------------------------------------------------------------------------------------------

.PHONY: check test test-plain loom tsan miri test-vm test-browser test-cycles test-aarch64 test-box deny bench
check: $(NEEDS) $(STAMPS)/test ## formatting, lints, documentation
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --quiet

test: check ## everything that runs on any machine in minutes
	cargo test --locked
	$(MAKE) --no-print-directory test-plain

test-plain: $(NEEDS) ## the build without default features: V4L2 and the demo
	cargo build --locked --no-default-features
	target/debug/spotter snapshot 'demo:squat?size=320x240' -o target/plain.jpg
	cargo build --locked

loom: $(NEEDS) ## every interleaving of the mailbox
	RUSTFLAGS="--cfg loom" cargo test --locked --release --target-dir target/loom --test mailbox_loom

test-box: loom test-aarch64 test-vm test-browser test-cycles ## the heavier proofs

test-aarch64: | $(STAMPS) ## aarch64 with Debian's cross toolchain, under qemu-user
	cross/debian.sh install
	cross/debian.sh test

test-vm: $(NEEDS) $(STAMPS)/vm ## V4L2 against the kernel's vivid driver in a VM
	tests/vm/run.sh

test-browser: $(NEEDS) $(STAMPS)/browser ## the pages in Chromium
	tests/browser/run.sh

test-cycles: $(NEEDS) $(STAMPS)/test ## 200 times an RTSP server goes and comes back
	SPOTTER_CYCLES=200 cargo test --locked --test rtsp -- --nocapture cycles

deny: $(NEEDS) ## licences, advisories, banned crates
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check

bench: build $(STAMPS)/bench ## the promised speeds, each beside what it is compared with
	benches/all.sh
