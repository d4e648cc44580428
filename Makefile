# All that a fresh machine needs beside Rust comes from the lock file. `make test` is the whole gate.
CARGO ?= cargo

.PHONY: build check check-macos build-macos test bench soak fuzz fuzz-keep

build:
	$(CARGO) build --locked --release --bin argosy

# Formatting, lints as errors (those of the documentation too), the crates' order, the licences and sources
# of what is used, and paths in documents.
check: check-macos
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items --quiet
	python3 tools/crate_order.py
	python3 tools/house.py

# The same lints for macOS, where its standard library and a C compiler for it can be had.
check-macos:
	CARGO="$(CARGO)" tools/check_macos.sh

# The program for a Mac, linked here. Not part of `check`: all is compiled once more for it.
build-macos:
	CARGO="$(CARGO)" tools/check_macos.sh build $(TARGET)

test: check
	$(CARGO) test --locked --workspace

bench:
	$(CARGO) bench --locked -p argosy-cli --bench figures

# Looks for texts that make the readers fail. Needs a nightly compiler and cargo-fuzz. There is no unsafe
# code in what is tested, so no sanitizer, which would slow the search down.
FUZZ_TARGETS := yaml expression tags depends when jsonpath patch
FUZZ_SECONDS ?= 600
fuzz:
	for target in $(FUZZ_TARGETS); do \
	  mkdir -p fuzz/target/found/$$target || exit 1; \
	  tar xzf fuzz/found/$$target.tar.gz -C fuzz/target/found/$$target || exit 1; \
	  $(CARGO) +nightly fuzz run --sanitizer none $$target fuzz/target/found/$$target fuzz/corpus/$$target -- \
	    -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 || exit 1; \
	done

# Keeps the texts that `make fuzz` has found for the next search.
fuzz-keep:
	for target in $(FUZZ_TARGETS); do \
	  tar czf fuzz/found/$$target.tar.gz --sort=name --mtime=@0 --owner=0 --group=0 \
	    -C fuzz/target/found/$$target . || exit 1; \
	done

# Plays random worlds for an hour. A seed that fails is printed.
SOAK_SECONDS ?= 3600
FIRST_SEED ?= 1000000
soak:
	SOAK_SECONDS=$(SOAK_SECONDS) FIRST_SEED=$(FIRST_SEED) $(CARGO) test --locked --release -p argosy-sim --test random -- --nocapture
