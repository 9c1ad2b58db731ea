#!/bin/sh
# A month: build, then ask about drift. What the examples beside it start; takes what make build takes, as SOURCE=path.
# Ends with the build's code, or with 4 or 5 where the build went well and the month drifts (docs/operations.md).
set -u
umask 077
cd "$(dirname "$0")/../.." || exit 1

tries=0
while :; do
    .venv/bin/python -m scripts.build LOG=json "$@"
    code=$?
    tries=$((tries + 1))
    # Another build of this warehouse runs: wait for it, an hour at most.
    if [ "$code" -ne 3 ] || [ "$tries" -ge 7 ]; then break; fi
    sleep 600
done

case $code in
    0) # Published. 0, 4 and 5 are what the drift comes to.
        .venv/bin/python -m scripts.status FORMAT=json
        code=$?
        case $code in
            4) echo "published; the month drifts: watch it" >&2 ;;
            5) echo "published; the month drifts: look at it, then make retrain" >&2 ;;
        esac ;;
    1) echo "refused: the sentence above says what to change; to start it again changes nothing" >&2 ;;
    2) echo "the delivery did not pass: look at it; the last version stays in use" >&2 ;;
    3) echo "another build has been running for an hour: look at the process that the sentence names" >&2 ;;
    70) echo "a fault of the program: report it, with warehouse/logs/traceback.txt" >&2 ;;
    130 | 143) echo "stopped: start it again" >&2 ;;
esac
exit "$code"
