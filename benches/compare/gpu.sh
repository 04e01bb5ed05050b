#!/usr/bin/env bash
# One command for a machine with a GPU: checks that the backend computes what Flex does, then times it beside PyTorch on the same card.
set -euo pipefail
cd "$(dirname "$0")/../.."

usage() {
  cat <<'TEXT'
usage: [VARIABLE=VALUE...] benches/compare/gpu.sh [WORK...]

Builds with the backend, runs the conformance suite and the tests of the GPU kernels on it, compares energies and gradients
with PyTorch's, and only then times each WORK (default: the list below) and a whole Fashion-MNIST run, beside PyTorch eager and
through torch.compile on the same card. Prints Markdown tables with versions, and keeps them in benches/compare/gpu-results.md
unless that exists (OUT names another file). A first build takes about half an hour. Needs an idle machine.

environment:
  BACKEND        vulkan (default), cuda, wgpu, metal or rocm
  DEVICE         the number of the device, as `ebm devices` has it (default: 0)
  PYTHON         a Python 3 with benches/compare/requirements.txt (default: python3)
  FASHION_MNIST  folder of IDX files (default: /usr/share/datasets/fashion-mnist; left out where there is none)
  COMPILE_MODE   mode of torch.compile (default: default)
  OUT            where the tables go
  TORCH_DEVICE   cpu tries the script out without a CUDA device
  CHECKS_ONLY=1  stops before anything is timed
TEXT
}
case ${1:-} in -h | --help) usage; exit ;; esac
fail() { printf '%s\n' "$@" >&2; exit 1; }
note() { printf '\n== %s (%ss)\n' "$1" "$SECONDS" >&2; }

backend=${BACKEND:-vulkan} python=${PYTHON:-python3} data=${FASHION_MNIST:-/usr/share/datasets/fashion-mnist}
mode=${COMPILE_MODE:-default} out=${OUT:-benches/compare/gpu-results.md} torch_device=${TORCH_DEVICE:-cuda}
case $backend in
  vulkan | cuda | wgpu | metal | rocm) ;;
  *) fail "BACKEND=$backend is no GPU backend: choose vulkan, cuda, wgpu, metal or rocm" ;;
esac
[ ! -e "$out" ] || fail "$out exists: move it away, or name another file with OUT"
command -v cargo >/dev/null || fail "a Rust toolchain is needed: https://rustup.rs"
checks_only=${CHECKS_ONLY:-}
if [ -z "$checks_only" ]; then
  install="$python -m pip install -r benches/compare/requirements.txt"
  for module in torch numpy safetensors; do
    "$python" -c "import $module" 2>/dev/null || fail "$python has no $module: install it ($install), or set PYTHON"
  done
  [ "$torch_device" = cpu ] || "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' ||
    fail "PyTorch finds no CUDA device: install a build of it for CUDA, and NVIDIA's driver"
fi

# In a target folder of its own: these features mean another build of burn.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/ebm/target-$backend}"
export EBM_BACKEND=$backend EBM_DEVICE=${DEVICE:-0}
features=(--features "$backend")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export CRITERION_HOME="$scratch/criterion"

note "build"
cargo build --release --workspace --locked "${features[@]}" --bins --examples
ebm="$CARGO_TARGET_DIR/release/ebm"
"$ebm" devices
line=$("$ebm" devices | grep "^$backend " || true)
[[ $line == *" 0: "* ]] || fail "$backend finds no device: $line"

note "conformance and kernels on $backend"
cargo test --release --workspace --locked "${features[@]}" --test conformance --test gpu_kernels >&2
[ -z "$checks_only" ] || { echo "the checks passed on $backend; nothing was timed (CHECKS_ONLY)"; exit; }

note "agreement with PyTorch"
bench() { cargo bench --quiet --workspace --locked "${features[@]}" "$@"; }
bench --bench agreement -- "$scratch/agreement.safetensors" >&2
"$python" benches/compare/agreement.py "$scratch/agreement.safetensors" >"$scratch/agreement" ||
  fail "$(cat "$scratch/agreement")" "PyTorch doesn't compute what $backend does; nothing was timed"

works=("$@")
[ $# -gt 0 ] || works=(
  boltzmann_update/rbm_784_500_pcd_1
  langevin_10_steps/mlp_swish_128
  langevin_10_steps/conv_net_swish_128
  training_step/conv_net_28x28
  annealed_importance_100_temperatures/rbm_784_500_hidden_summed
)
ours() { # work: median in ms
  local bench=negative_phase
  case $1 in
    training_step/*) bench=training_step ;;
    boltzmann_update/*) bench=boltzmann ;;
    annealed_importance_*) bench=annealed_importance ;;
  esac
  bench --bench "$bench" -- --exact "$1" >/dev/null 2>"$scratch/log" || fail "$(cat "$scratch/log")"
  "$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["median"]["point_estimate"] / 1e6)' \
    "$CRITERION_HOME/$1/new/estimates.json"
}
theirs() { # options and work: median in ms
  "$python" benches/compare/gpu.py --device "$torch_device" "$@" | awk '{ print $3 }'
}
row() { # name, unit, ours, eager, compiled
  "$python" - "$@" <<'PYTHON' | tee -a "$scratch/table" >&2
import sys
name, unit, ours, *others = sys.argv[1:]
cells = "".join(f" {float(o):.3g} {unit} | {float(o) / float(ours):.2f} |" if o else " | |" for o in others)
print(f"| `{name}` | {float(ours):.3g} {unit} |{cells}")
PYTHON
}

note "timing"
for work in "${works[@]}"; do
  a=$(ours "$work")
  b=$(theirs "$work")
  c=$(theirs --compile "$mode" "$work")
  row "$work" ms "$a" "$b" "$c"
done
if [ -d "$data" ]; then
  note "Fashion-MNIST, 6,000 updates"
  start=$(date +%s.%N)
  "$ebm" train --preset fashion-mnist --data "$data" --out "$scratch/run" >&2
  a=$("$python" -c "import time; print(time.time() - $start)")
  b=$(theirs --fashion-mnist "$data")
  c=$(theirs --compile "$mode" --fashion-mnist "$data")
  row fashion_mnist_6000_updates s "$a" "$b" "$c"
fi

{
  echo "Ratios are theirs over ours: above 1, we are faster."
  echo
  echo "| work | ebm, $backend | PyTorch eager | ratio | torch.compile ($mode) | ratio |"
  echo "|---|--:|--:|--:|--:|--:|"
  cat "$scratch/table"
  echo
  echo "Medians, f32 (PyTorch without TF32), commit $(git describe --always --dirty 2>/dev/null || echo unknown)."
  echo "Our run of Fashion-MNIST writes pictures and checkpoints, PyTorch's doesn't."
  echo
  echo '```text'
  echo "$line"
  "$python" -c 'import torch; print("PyTorch", torch.__version__, torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU")'
  command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
  rustc --version
  echo '```'
  echo
  echo "Largest differences between ours and PyTorch's, same weights and input:"
  echo
  cat "$scratch/agreement"
} >"$scratch/results"
# Appears whole.
mv -n "$scratch/results" "$out"
cat "$out"
