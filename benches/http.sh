#!/usr/bin/env bash
# The HTTP face beside nginx on this machine: the same bytes, wrk with one thread, turn by turn, so that what else runs
# here meets both. Prints the best of the rounds, the ratio and the target; exits 1 when a target is missed.
#
#   benches/http.sh target/release/spotter bench http --seconds 600
#                                   or any COMMAND... that serves one fixed picture at /snapshot, prints HOST:PORT on its
#                                   first line, or a JSON object with "address", and ends when its standard input does
#   ROUNDS=3 SECONDS_EACH=5         how often, and for how long each time
set -euo pipefail

ROUNDS=${ROUNDS:-3}
SECONDS_EACH=${SECONDS_EACH:-5}
[ $# -gt 0 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
for tool in nginx wrk curl awk; do
    command -v "$tool" >/dev/null || { echo "$0 needs $tool" >&2; exit 2; }
done

work=$(mktemp -d)
coproc SERVED { exec "$@"; }
# shellcheck disable=SC2153 # what was sourced sets it
served_pid=$SERVED_PID
serving=${SERVED[1]}
nginx_pids=()
finish() {
    exec {serving}>&- || true
    for pid in "${nginx_pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait "$served_pid" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
read -r -t 20 address <&"${SERVED[0]}" || { echo "$* printed no address" >&2; exit 1; }
address=${address#*\"address\":\"}
ours="http://${address%%\"*}/snapshot"

mkdir -p "$work/www"
curl -sSf "$ours" -o "$work/www/snapshot.jpg"
chmod 755 "$work" "$work/www"

# One worker, files kept open, as many requests on a connection as come, no log: nginx at its best.
start_nginx() { # NAME PORT SENDFILE
    cat >"$work/$1.conf" <<CONF
worker_processes 1;
daemon off;
pid $work/$1.pid;
error_log $work/$1.log;
events { worker_connections 512; }
http {
    access_log off; sendfile $3; tcp_nopush off; tcp_nodelay on;
    keepalive_requests 1000000000; open_file_cache max=10 inactive=60s;
    types { image/jpeg jpg; }
    client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work; uwsgi_temp_path $work;
    scgi_temp_path $work;
    server { listen 127.0.0.1:$2; root $work/www; }
}
CONF
    nginx -c "$work/$1.conf" -e "$work/$1.log" &
    nginx_pids+=($!)
    for _ in $(seq 100); do
        curl -sf "http://127.0.0.1:$2/snapshot.jpg" -o /dev/null && return
        sleep 0.05
    done
    cat "$work/$1.log" >&2
    exit 1
}
# Below the ports that the kernel hands out.
port=$((12000 + RANDOM % 20000))
start_nginx sendfile "$port" on
start_nginx copy "$((port + 1))" off

# Requests per second and p99 in milliseconds of one run.
measure() { # URL CONNECTIONS
    wrk -t1 "-c$2" "-d${SECONDS_EACH}s" --latency "$1" >"$work/out"
    if grep -q 'Non-2xx' "$work/out"; then cat "$work/out" >&2; exit 1; fi
    awk '/Requests\/sec/ { rate = $2 }
         $1 == "99%" { unit = $2; sub(/[0-9.]+/, "", unit); p99 = $2 + 0
                       if (unit == "us") p99 /= 1000; else if (unit == "s") p99 *= 1000 }
         END { print rate, p99 }' "$work/out"
}

better() { # OLD NEW: the faster of two "rate p99"
    awk -v a="$1" -v b="$2" 'BEGIN { split(a, x); split(b, y); print (y[1] > x[1]) ? b : a }'
}

missed=0
printf '%s bytes, %s rounds of %s s each, best round\n' "$(stat -c %s "$work/www/snapshot.jpg")" "$ROUNDS" "$SECONDS_EACH"
printf '%5s %12s %8s %12s %8s %12s %8s %7s %7s\n' conns 'spotter/s' 'p99 ms' 'sendfile/s' 'p99 ms' 'copy/s' 'p99 ms' ratio target
for connections in 1 4 64; do
    own="0 0" file="0 0" copy="0 0"
    for _ in $(seq "$ROUNDS"); do
        own=$(better "$own" "$(measure "$ours" "$connections")")
        file=$(better "$file" "$(measure "http://127.0.0.1:$port/snapshot.jpg" "$connections")")
        copy=$(better "$copy" "$(measure "http://127.0.0.1:$((port + 1))/snapshot.jpg" "$connections")")
    done
    target=0.95
    [ "$connections" = 64 ] && target=0.85
    awk -v c="$connections" -v o="$own" -v f="$file" -v n="$copy" -v t="$target" 'BEGIN {
        split(o, x); split(f, y); split(n, z); best = y[1] > z[1] ? y[1] : z[1]; ratio = x[1] / best
        bad = ratio < t || (c == 4 && x[2] > 1)
        printf "%5d %12.0f %8.2f %12.0f %8.2f %12.0f %8.2f %7.2f %7.2f%s\n", c, x[1], x[2], y[1], y[2], z[1], z[2], ratio, t, bad ? "  MISSED" : ""
        exit bad }' || missed=1
done
exit "$missed"
