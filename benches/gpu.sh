#!/usr/bin/env bash
# All that there is to measure on a GPU, in one go: the checks first, then networks, kernels, products, an empty dispatch,
# and PyTorch on the same, if it is there with CUDA. Prints Markdown, for which it wants a python3; says what it lacks.
#
#   WGRAD=FILE       the program                [default: built here with cargo]
#   DEVICE=gpu       as --device takes it
#   PYTHON=FILE      a Python with PyTorch      [default: python3]
#   RUNS=3 TIME=3    runs and seconds of each measurement
#   LINES=FILE       where the JSON lines are kept [default: not kept]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if [ -z "${WGRAD:-}" ]; then
    (cd "$here/.." && cargo build --release --quiet)
    WGRAD=$here/../target/release/wgrad
fi
device=${DEVICE:-gpu} runs=${RUNS:-3} time=${TIME:-3} python=${PYTHON:-python3}
lines=${LINES:-$(mktemp)}
[ -n "${LINES:-}" ] || trap 'rm -f "$lines"' EXIT
: > "$lines"

printf '## The device\n\n'
"$WGRAD" devices | sed 's/^/    /'
if command -v nvidia-smi > /dev/null; then
    nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.max.sm,power.draw,utilization.gpu --format=csv | sed 's/^/    /'
fi
printf '\n## The checks\n\n'
if ! "$WGRAD" doctor --device "$device" > "$lines.doctor" 2>&1; then
    sed 's/^/    /' "$lines.doctor"
    rm -f "$lines.doctor"
    echo "the checks failed: nothing is measured" >&2
    exit 1
fi
tail -n 1 "$lines.doctor" | sed 's/^/    /'
rm -f "$lines.doctor"

bench() { "$WGRAD" bench "$@" --device "$device" --runs "$runs" --seconds "$time" --json | tee -a "$lines" > /dev/null; }
# A process each, so that first step and memory are those of the work alone.
lacks=()
for work in w1 w2 w3 w5 resnet20; do bench "$work" --kernels || lacks+=("wgrad on $work"); done
squares="gemm gemm4096"
# On a software driver the large products take minutes.
if [ "$device" = gpu ] && "$WGRAD" devices --json | head -n 1 | grep -q '"kind":"software"'; then squares=gemm512; fi
for work in $squares gemmw1 gemmw2 dispatch; do bench "$work" || lacks+=("wgrad on $work"); done
# Products in float16, where the adapter lists cooperative matrices that fit; what it lacks is said by name.
in_f16() { bench "$1" --precision f16 2> "$lines.f16" || lacks+=("$1 in float16: $(tail -n 1 "$lines.f16")"); }
in_f16 gemmw1
if [ ! -s "$lines.f16" ]; then for work in $squares gemmw2 w1 w2; do in_f16 "$work"; done; fi
rm -f "$lines.f16"
if ! command -v "$python" > /dev/null; then
    lacks+=("PyTorch: there is no $python")
elif ! "$python" "$here/gpu_torch.py" "$runs" "$time" w1 w2 w3 gemm 2> "$lines.torch" >> "$lines"; then
    lacks+=("PyTorch: $(tail -n 1 "$lines.torch")")
else
    while read -r line; do lacks+=("$line"); done < <(grep '^left out' "$lines.torch" | sed 's/^left out: //' || true)
fi
rm -f "$lines.torch"

printf '\n## What was measured\n\n'
for what in ${lacks[@]+"${lacks[@]}"}; do printf 'lacking: %s\n\n' "$what"; done
python3 "$here/table.py" wgrad < "$lines"
