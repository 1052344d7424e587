#!/usr/bin/env bash
# What xpnet does on a machine with an NVIDIA GPU, on one Markdown page, within eight minutes and without a network:
# the tests on CuPy, `xpnet check`, the benchmark against torch and JAX, and compute-sanitizer on the kernels.
#
#   bash benchmarks/on_gpu.sh [PAGE]          # on_gpu.md, where none is named
#
# Run it from anywhere, in an environment with CuPy, pytest, hypothesis and array-api-strict; with torch for CUDA,
# jax[cuda13], nvmath-python and pytest-xdist more of it runs. Each part has a time limit of its own, and the page says of
# each whether it passed, failed, was cut off, or could not run and why. The exit code is 1 unless all that ran passed and
# the tests and the check did run.
#
# PRETEND_CUDA=1 runs it on the pretended CUDA of tests/pretend_cuda, to try the script itself; the page says so.
# PARTS="tests check" runs some of the parts, SECONDS_OF_TESTS and the like change their limits.
set -u

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
PAGE=$(realpath -m "${1:-on_gpu.md}")
PYTHON=${PYTHON:-python}
PARTS=" ${PARTS:-tests check bench memory races} "
LOGS=$(mktemp -d)
trap 'rm -rf "$LOGS"' EXIT
STARTED=$(date +%s)
BAD=0

export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
export PRETEND_CUDA=${PRETEND_CUDA:-0}

say() { printf '%s\n' "$@" >>"$PAGE"; }

# Why a part cannot run, or nothing. These are asked before each part.
lacks_module() { "$PYTHON" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$1') is not None)" && echo "$1 is not installed"; }
pretended() { [ "$PRETEND_CUDA" = 1 ] && echo "there is no GPU: CuPy runs on a pretended CUDA"; }
lacks_program() { command -v "$1" >/dev/null || echo "$1 is not there"; }

# part NAME TITLE SECONDS REASON COMMAND...: run a command within its time, and say what became of it.
part() {
    local name=$1 title=$2 limit=$3 reason=$4
    shift 4
    case "$PARTS" in *" $name "*) ;; *) return ;; esac
    local log="$LOGS/$name" begun code verdict
    say "" "## $title" "" "\`${*//"$LOGS/"/}\`" ""
    if [ -n "$reason" ]; then
        say "**Not run**: $reason."
        echo "$name: not run, $reason"
        case "$name" in tests | check) BAD=1 ;; esac
        return
    fi
    begun=$(date +%s)
    timeout -s INT -k 5 "$limit" "$@" >"$log" 2>&1 </dev/null # interrupted, pytest tells what has failed so far
    code=$?
    case $code in
    0) verdict="Passed" ;;
    124 | 137) verdict="Cut off after $limit seconds" ;;
    *) verdict="Failed with exit code $code" ;;
    esac
    [ $code = 0 ] || BAD=1
    say "**$verdict**, in $(($(date +%s) - begun)) s. The last lines:" "" '```'
    tail -n 25 "$log" | tr -d '\r' | cut -c 1-200 >>"$PAGE"
    say '```'
    echo "$name: $verdict"
}

mkdir -p "$(dirname "$PAGE")" && : >"$PAGE" || exit 1
if [ "$PRETEND_CUDA" != 1 ] && ! nvidia-smi >/dev/null 2>&1; then
    say "# xpnet on a GPU" "" "Nothing ran: nvidia-smi finds no NVIDIA GPU on this machine."
    echo "no NVIDIA GPU is here: nvidia-smi does not run" >&2
    exit 1
fi

say "# xpnet on a GPU" "" "| | |" "|---|---|" "| date | $(date -u +'%Y-%m-%d %H:%M') UTC |"
if [ "$PRETEND_CUDA" = 1 ]; then
    say "| GPU | **none: a pretended CUDA on the CPU**; nothing below says anything about a GPU |"
else
    nvidia-smi --query-gpu=name,memory.total,driver_version,compute_cap --format=csv,noheader |
        while IFS=, read -r gpu memory driver capability; do
            say "| GPU |$(printf ' %s,%s, compute capability%s' "$gpu" "$memory" "$capability") |" "| driver |$driver |"
        done
fi
say "| commit | $(git rev-parse --short HEAD 2>/dev/null || echo unknown)$([ -z "$(git status --porcelain 2>/dev/null)" ] || echo ', changed') |"
"$PYTHON" - >>"$PAGE" 2>>"$LOGS/versions" <<'PYTHON_TEXT'
import platform
from importlib.metadata import distributions

names = {"numpy", "cupy-cuda12x", "cupy-cuda13x", "torch", "jax", "nvmath-python", "array-api-compat", "pytest"}
found = sorted({(d.name.lower(), d.version) for d in distributions() if d.name and d.name.lower() in names})
print(f"| Python | {platform.python_version()}, {', '.join(f'{name} {version}' for name, version in found)} |")
try:
    import cupy

    version = cupy.cuda.runtime.runtimeGetVersion()
    print(f"| CUDA runtime | {version // 1000}.{version % 1000 // 10} |")
except Exception as error:
    print(f"| CUDA runtime | CuPy does not work: {type(error).__name__}: {error} |".replace("\n", " "))
PYTHON_TEXT

workers=()
[ -z "$(lacks_module xdist)" ] && workers=(-n 4)
kernels=(tests/kernels/test_cuda_sources.py -k "bodies_compute and float32" -p no:cacheprovider)
racers="xpnet-captured,xpnet,torch,torch-fused,torch-compile,jax"

part tests "The tests on CuPy" "${SECONDS_OF_TESTS:-170}" "$(lacks_module cupy || lacks_module pytest)" \
    env XPNET_REQUIRE=cupy "$PYTHON" -m pytest -q -k "cupy or cuda or captured" --maxfail 50 "${workers[@]}"
part check "Every layer's gradient" "${SECONDS_OF_CHECK:-40}" "$(lacks_module cupy)" \
    "$PYTHON" -m xpnet check --backend cupy
part bench "The benchmark" "${SECONDS_OF_BENCH:-170}" "$(pretended || lacks_module cupy)" \
    "$PYTHON" -m benchmarks --gpu --workloads all --competitors "$racers" --rounds 3 --markdown "$LOGS/bench.md"
if [ -s "$LOGS/bench.md" ]; then
    say "" "<details><summary>Its tables</summary>" ""
    grep -v '^!\[' "$LOGS/bench.md" >>"$PAGE"
    say "" "</details>"
fi
part memory "compute-sanitizer: memory" "${SECONDS_OF_MEMORY:-45}" "$(pretended || lacks_program compute-sanitizer)" \
    compute-sanitizer --tool memcheck --error-exitcode 9 "$PYTHON" -m pytest -q "${kernels[@]}"
part races "compute-sanitizer: races" "${SECONDS_OF_RACES:-45}" "$(pretended || lacks_program compute-sanitizer)" \
    compute-sanitizer --tool racecheck --error-exitcode 9 "$PYTHON" -m pytest -q "${kernels[@]}"

say "" "All of it took $(($(date +%s) - STARTED)) s."
echo "wrote $PAGE"
exit $BAD
