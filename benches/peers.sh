#!/usr/bin/env bash
# Measures wgrad and other trainers in turn within one run (A B C, A B C, …), and prints a Markdown table for each work.
# Everything is asked for by environment variables; what is not there is named and left out.
#
#   WGRAD=FILE       the program                       [default: built here with cargo]
#   DEVICES="cpu"    wgrad's devices, as --device takes them, separated by blanks
#   PEERS=DIR        the peers' programs: numpy/, jax/, torch/ with bench_NAME.py
#   PYTHON=FILE      a Python that has what those import
#   PEER_BIN=DIR     built peers: peer-burn, peer-candle, peer-gemm
#   WORKS="w1 w2 w3" also gemm
#   ROUNDS=3 TIME=5  rounds, and seconds of each measurement
#   LINES=FILE       where the JSON lines are kept      [default: not kept]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if [ -z "${WGRAD:-}" ]; then
    (cd "$here/.." && cargo build --release --quiet)
    WGRAD=$here/../target/release/wgrad
fi
devices=${DEVICES:-cpu} works=${WORKS:-w1 w2 w3} rounds=${ROUNDS:-3} time=${TIME:-5}
lines=${LINES:-$(mktemp)}
[ -n "${LINES:-}" ] || trap 'rm -f "$lines"' EXIT
: > "$lines"

say() { printf '%s\n' "$*" >&2; }

# What is measured: a name, and the command in which WORK stands for the work.
names=() commands=() missing=()
add() { names+=("$1"); commands+=("$2"); }
quoted() { printf '%q' "$1"; }

for device in $devices; do
    add "wgrad $device" "$(quoted "$WGRAD") bench WORK --device $(quoted "$device") --runs 1 --seconds $time --json"
done
scripted() { # name, module, program below PEERS, modes
    local program=${PEERS:-}/$3 mode
    if [ -z "${PEERS:-}" ] || [ ! -f "$program" ]; then missing+=("$1 (PEERS has no $3)"); return; fi
    if [ -z "${PYTHON:-}" ]; then missing+=("$1 (PYTHON is not set)"); return; fi
    if ! "$PYTHON" -c "import $2" 2>/dev/null; then missing+=("$1 (PYTHON cannot import $2)"); return; fi
    for mode in $4; do add "$1 $mode" "$(quoted "$PYTHON") $(quoted "$program") $mode WORK 1 $time"; done
}
scripted numpy numpy numpy/bench_numpy.py "hand"
scripted jax jax jax/bench_jax.py "jit scan"
scripted torch torch torch/bench_torch.py "eager compile"
built() { # name, program below PEER_BIN, backend
    local program=${PEER_BIN:-}/$2
    if [ -n "${PEER_BIN:-}" ] && [ -f "$program" ] && [ -x "$program" ]; then
        add "$1 $3" "$(quoted "$program") $3 WORK 1 $time"
    else
        missing+=("$1 (PEER_BIN has no $2)")
    fi
}
built burn peer-burn flex
built candle peer-candle cpu
case " $works " in *" gemm "*) built "GEMM crates" peer-gemm "all 2" ;; esac

for what in ${missing[@]+"${missing[@]}"}; do say "left out: $what"; done

measure() { # name, command, work
    local command=${2//WORK/$3} found
    # The crates that only multiply take no work, but a number of threads.
    [[ $1 != "GEMM crates"* ]] || command=${2//WORK /}
    if found=$(bash -c "$command" 2>"$lines.err" | grep '^{'); then
        printf '%s\n' "$found" >> "$lines"
    else
        say "left out: $1 on $3: $(tail -n 1 "$lines.err")"
    fi
    rm -f "$lines.err"
}
for round in $(seq "$rounds"); do
    for work in $works; do
        for i in "${!names[@]}"; do
            if [[ ${names[$i]} == "GEMM crates"* && $work != gemm ]]; then continue; fi
            say "round $round of $rounds: $work, ${names[$i]}"
            measure "${names[$i]}" "${commands[$i]}" "$work"
        done
    done
done

printf '%s rounds of %s s, in turn; %s cores of %s\n\n' "$rounds" "$time" "$(getconf _NPROCESSORS_ONLN)" \
    "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)"
if [ "${#missing[@]}" -gt 0 ]; then printf 'left out: %s\n' "${missing[@]}"; echo; fi
"${PYTHON:-python3}" "$here/table.py" "wgrad ${devices%% *}" < "$lines"
