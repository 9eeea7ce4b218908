#!/usr/bin/env bash
# Makes ErrorSentinelCore.xcframework of the library in Rust, for devices and for the simulator.
#
# Takes a Mac with Xcode and a Rust toolchain. Not run yet as a whole: that the library is built for a device is what the
# tests check, elsewhere than on a Mac; the rest is not.
set -euo pipefail
cd "$(dirname "$0")"
root=../../..
out=${CARGO_TARGET_DIR:-$root/target}
name=liberror_sentinel_ffi.a

# Delivery is the system's, by URLSession; the names of functions come with the application's symbols.
build() {
  rustup target add "$1"
  cargo build --locked --release --package error-sentinel-ffi --no-default-features --target "$1" --manifest-path "$root/Cargo.toml"
}

for target in aarch64-apple-ios aarch64-apple-ios-sim x86_64-apple-ios; do build "$target"; done
mkdir -p "$out/ios/simulator"
lipo -create "$out/aarch64-apple-ios-sim/release/$name" "$out/x86_64-apple-ios/release/$name" -output "$out/ios/simulator/$name"

# Swift takes a header by a module.
headers=$out/ios/include
mkdir -p "$headers"
cp "$root/sdk-ffi/include/error_sentinel.h" "$headers/"
printf 'module ErrorSentinelCore {\n  header "error_sentinel.h"\n  export *\n}\n' > "$headers/module.modulemap"

rm -rf ErrorSentinelCore.xcframework
xcodebuild -create-xcframework \
  -library "$out/aarch64-apple-ios/release/$name" -headers "$headers" \
  -library "$out/ios/simulator/$name" -headers "$headers" \
  -output ErrorSentinelCore.xcframework
