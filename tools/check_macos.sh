#!/usr/bin/env bash
# Checks the workspace for macOS, from any machine: the standard library of the target comes from
# rustup, a C compiler for the dependencies written in C from PyPI (ziglang). Where one of the two
# can't be had, it says so and is skipped. `build` as its argument links the program too.
set -euo pipefail
cd "$(dirname "$0")/.."

target=x86_64-apple-darwin
venv=target/zig
cargo=${CARGO:-cargo}

skip() {
  echo "check-macos is skipped: $1"
  exit 0
}

if ! [ -d "$(rustc --print target-libdir --target $target)" ]; then
  timeout 120 rustup target add $target >/dev/null 2>&1 ||
    skip "the standard library of $target is not here, and rustup can't fetch it"
fi
if ! [ -x $venv/bin/python ] || ! $venv/bin/python -c 'import ziglang' 2>/dev/null; then
  python3 -m venv $venv 2>/dev/null || skip "python3 can't make a virtual environment"
  timeout 300 $venv/bin/pip install --quiet 'ziglang>=0.13' >/dev/null 2>&1 ||
    skip "the C compiler can't be fetched from PyPI (ziglang)"
fi

# The crate `cc` hands its compiler flags for Apple's own; zig takes the target by its own name.
tools=$PWD/target/zig/tools
mkdir -p "$tools"
cat >"$tools/cc" <<END
#!/usr/bin/env bash
flags=()
for flag in "\$@"; do
  case "\$flag" in
    --target=* | -mmacosx-version-min=* | -liconv) ;;
    *) flags+=("\$flag") ;;
  esac
done
exec "$PWD/$venv/bin/python" -m ziglang cc -target x86_64-macos "\${flags[@]}"
END
cat >"$tools/ar" <<END
#!/usr/bin/env bash
exec "$PWD/$venv/bin/python" -m ziglang ar "\$@"
END
chmod +x "$tools/cc" "$tools/ar"

export CC_x86_64_apple_darwin="$tools/cc" AR_x86_64_apple_darwin="$tools/ar"
export CARGO_TARGET_X86_64_APPLE_DARWIN_LINKER="$tools/cc"
export CRATE_CC_NO_DEFAULTS=1
export ZIG_GLOBAL_CACHE_DIR=$PWD/target/zig/cache

if [ "${1:-}" = build ]; then
  $cargo build --locked --target $target --bin argosy
else
  $cargo clippy --locked --target $target --workspace --all-targets -- -D warnings
fi
