#!/bin/bash
# run_shared.sh PROGRAM [--swapped]: runs conformance_onnx on every shared ONNX case; with --swapped
# on one case whose expected output is another case's, which must be reported as a failure.
# 77 tells ctest "skipped".
set -euo pipefail
cases=${HEADLIGHT_SHARED:-$HEADLIGHT_SOURCE/../shared}/conformance/onnx
if [[ ! -d $cases ]]; then
  echo "skipped: shared data absent: $cases (set HEADLIGHT_SHARED)"
  exit 77
fi
if [[ ${2:-} != --swapped ]]; then
  exec "$1" "$cases"
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp -r --no-preserve=mode "$cases/test_attention_4d/." "$scratch"
cp --no-preserve=mode "$cases/test_attention_4d_softcap/test_data_set_0/output_0.pb" \
  "$scratch/test_data_set_0/"
if "$1" "$scratch"; then
  echo "a wrong expected output was not noticed"
  exit 1
fi
