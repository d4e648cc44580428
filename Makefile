# All that a fresh machine needs beside Rust comes from the lock file. `make test` is the whole gate.
CARGO ?= cargo

.PHONY: build check test bench soak

build:
	$(CARGO) build --locked --release --bin argosy

# Formatting, lints as errors, the crates' order, and the licences and sources of what is used.
check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace -- -D warnings
	python3 tools/crate_order.py

test: check
	$(CARGO) test --locked --workspace

bench:
	$(CARGO) bench --locked -p argosy-cli --bench figures
