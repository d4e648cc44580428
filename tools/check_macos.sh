#!/usr/bin/env bash
# Checks the workspace for macOS, from any machine: the standard library of the target comes from
# rustup, a C compiler for the dependencies written in C from PyPI (ziglang). Where one of the two
# can't be had, it says so and is skipped. `check_macos.sh build [TARGET]` compiles and links the
# program, which may be carried to a Mac: for x86_64-apple-darwin, or aarch64-apple-darwin.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${2:-x86_64-apple-darwin}
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

tools=$PWD/target/zig/tools/$target
mkdir -p "$tools"

# Of Apple's libraries zig has only libSystem. Of the others the linker is told what there is: their
# names on a Mac, and those of their symbols that we use. One that is missing here shows as undefined.
stub() { # path install-name symbols…
  mkdir -p "$(dirname "$tools/$1")"
  {
    printf -- '--- !tapi-tbd\ntbd-version: 4\ntargets: [ x86_64-macos, arm64-macos ]\n'
    printf "install-name: '%s'\nexports:\n  - targets: [ x86_64-macos, arm64-macos ]\n" "$2"
    printf '    symbols: [ %s ]\n...\n' "$(IFS=,; echo "${*:3}")"
  } >"$tools/$1"
}
framework() { # name symbols…
  stub "$1.framework/$1.tbd" "/System/Library/Frameworks/$1.framework/Versions/A/$1" "${@:2}"
}
stub libobjc.tbd /usr/lib/libobjc.A.dylib
stub libiconv.tbd /usr/lib/libiconv.2.dylib
framework Foundation
framework CoreFoundation _CFArrayCreate _CFArrayGetCount _CFArrayGetValueAtIndex _CFDataGetBytePtr \
  _CFDataGetLength _CFDictionaryGetValueIfPresent _CFEqual _CFNumberGetValue _CFRelease _CFRetain \
  _CFStringCreateWithBytesNoCopy _CFStringGetBytes _CFStringGetCStringPtr _CFStringGetLength \
  _kCFAllocatorDefault _kCFAllocatorNull _kCFTypeArrayCallBacks
framework Security _SecCertificateCopyData _SecCopyErrorMessageString \
  _SecTrustSettingsCopyCertificates _SecTrustSettingsCopyTrustSettings

# The crate `cc` hands its compiler flags for Apple's own; zig takes the target by its own name.
cat >"$tools/cc" <<END
#!/usr/bin/env bash
flags=()
for flag in "\$@"; do
  case "\$flag" in
    --target=* | -mmacosx-version-min=*) ;;
    *) flags+=("\$flag") ;;
  esac
done
exec "$PWD/$venv/bin/python" -m ziglang cc -target ${target%%-*}-macos -L"$tools" -F"$tools" "\${flags[@]}"
END
cat >"$tools/ar" <<END
#!/usr/bin/env bash
exec "$PWD/$venv/bin/python" -m ziglang ar "\$@"
END
chmod +x "$tools/cc" "$tools/ar"

name=${target//-/_}
export "CC_$name=$tools/cc" "AR_$name=$tools/ar"
export "CARGO_TARGET_${name^^}_LINKER=$tools/cc"
export CRATE_CC_NO_DEFAULTS=1
export ZIG_GLOBAL_CACHE_DIR=$PWD/target/zig/cache

if [ "${1:-}" = build ]; then
  $cargo build --locked --target $target --bin argosy
else
  $cargo clippy --locked --target $target --workspace --all-targets -- -D warnings
fi
