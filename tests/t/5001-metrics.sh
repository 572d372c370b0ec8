#!/bin/sh
# Metrics: what Prometheus reads, and what its alerts say.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/web.sh"
three_images
template bad.json busybox.tar scripts/bad.sh
printf 'exit 7\n' | script scripts/bad.sh
jq '.images.bad = {"template": "bad.json"}' kiln.json > "$T/kiln.json" && mv "$T/kiln.json" kiln.json
commit bad
web_service
start_web
lints() {
	if ! command -v promtool > /dev/null; then skip "$1" 'promtool is not installed'; curl -s "$url/metrics" > "$T/metrics"; return; fi
	curl -s "$url/metrics" > "$T/metrics"; out=$(promtool check metrics < "$T/metrics" 2>&1); is "$1" "$? $out" '0 '
}

lints 'promtool takes them without kilnd'
is 'which is told' "$(metric kiln_up)" 0
get /healthz; is 'kiln-web lives' "$code" 200
get /readyz; is 'and is not ready' "$code" 503
start_daemon
until_ok eval '[ "$(metric "kiln_builds_total{result=\"success\"}")" = 3 ] && [ "$(metric "kiln_builds_total{result=\"failed\"}")" = 1 ]'
lints 'and with it'
get /metrics; is 'their type' "$(header Content-Type)" 'text/plain; version=0.0.4; charset=utf-8'
is 'kilnd answers' "$(metric kiln_up)" 1
is 'images by state' "$(metric 'kiln_images{phase="live"}') $(metric 'kiln_images{phase="failed"}')" '3 1'
is 'builds by result' "$(metric 'kiln_builds_total{result="success"}') $(metric 'kiln_builds_total{result="failed"}')" '3 1'
is 'as many were timed' "$(metric 'kiln_build_seconds_count{result="success"}')" 3
is 'with what they took' "$(metric 'kiln_build_seconds_sum{result="success"}' | awk '{ print ($1 > 0 && $1 < 600) }')" 1
is 'an age for each that is live' "$(grep -c '^kiln_live_age_seconds{repository="images",image=' "$T/metrics")" 3
is 'held ones' "$(kiln hold web --config "$T/service.json"; metric kiln_images_held)" 1
is 'its own memory' "$(metric process_resident_memory_bytes | awk '{ print ($1 > 1e6 && $1 < 1e8) }')" 1
is 'when it was started' "$(metric process_start_time_seconds | awk -v now="$(date +%s)" '{ print (now - $1 < 600 && now - $1 > -60) }')" 1
is 'its descriptors' "$(metric process_open_fds | awk '{ print ($1 > 3 && $1 < 100) }')" 1
is 'the events are those of the history' "$(metric kiln_events_total)" "$(kiln verify --json --config "$T/service.json" | jq .events)"
printf 'true\n' | script scripts/bad.sh; commit good
until_ok eval '[ "$(metric "kiln_builds_total{result=\"success\"}")" = 4 ]'
is 'counters only grow' "$(metric 'kiln_builds_total{result="failed"}') $(metric 'kiln_builds_total{result="success"}')" '1 4'

# ---- a real Prometheus ----

if command -v prometheus > /dev/null && command -v promtool > /dev/null; then
	query_port=$(free_port)
	cat > "$T/prometheus.yml" <<-EOF
	global: {scrape_interval: 1s, evaluation_interval: 1s}
	rule_files: ["$ROOT/contrib/prometheus/kiln.rules.yml"]
	scrape_configs: [{job_name: kiln, authorization: {credentials_file: "$T/token"}, static_configs: [{targets: ["127.0.0.1:$port"]}]}]
	EOF
	succeeds 'the example of alert rules is valid' promtool check rules "$ROOT/contrib/prometheus/kiln.rules.yml"
	succeeds 'and each alert fires when it should' promtool test rules "$ROOT/contrib/prometheus/kiln.rules.test.yml"
	prometheus --config.file="$T/prometheus.yml" --storage.tsdb.path="$T/tsdb" --web.listen-address="127.0.0.1:$query_port" \
		> "$T/prometheus.out" 2>&1 & prometheus=$!
	background="$background $prometheus"
	query() { curl -s -G "http://127.0.0.1:$query_port/api/v1/query" --data-urlencode "query=$1" | jq -r '[.data.result[] | .value[1]] | join(" ")'; }
	until_ok eval '[ "$(query kiln_up)" = 1 ]'
	is 'Prometheus reads them' "$(query kiln_up) $(query 'up{job="kiln"}')" '1 1'
	is 'image by image' "$(query 'count(kiln_live_age_seconds{repository="images"})')" 4
	is 'and what is the sum of it' "$(query 'sum(kiln_builds_total)')" 5
	stop "$daemon"
	until_ok eval '[ "$(query kiln_up)" = 0 ]'
	is 'it sees kilnd go' "$(query kiln_up)" 0
	until_ok eval '[ -n "$(query '"'"'ALERTS{alertname="KilnDown"}'"'"')" ]'
	is 'and thinks of an alert' "$(query 'ALERTS{alertname="KilnDown", alertstate="pending"}')" 1
	stop "$prometheus"
else
	skip 'Prometheus reads them' 'prometheus is not installed'
	stop "$daemon"
fi

# ---- who may read them ----

stop "$web"
jq '.listen.hosts = ["kiln.example.org"]' "$T/service.json" > "$T/new.json" && mv "$T/new.json" "$T/service.json"
start_web
get /metrics -H 'Host: evil.example'; is 'by a name that is not ours: nobody' "$code" 421
get /metrics -H 'Host: kiln.example.org'; is 'by a name of a proxy: not without the token' "$code $(header WWW-Authenticate)" '401 Bearer realm="kiln"'
get /metrics -H 'Host: kiln.example.org' -H 'Authorization: Bearer wrong'; is 'nor with a wrong one' "$code" 401
get /metrics -H 'Host: kiln.example.org' -H "Authorization: Bearer $token"; is 'but with it' "$code" 200
get /metrics -H 'X-Forwarded-For: 192.0.2.1'; is 'for somebody behind a proxy: the same' "$code" 401
get /healthz -H 'Host: kiln.example.org'; is 'health is for everybody' "$code" 200
for _ in $(seq 12); do get /metrics -H 'X-Forwarded-For: 192.0.2.1' -H 'Authorization: Bearer wrong'; done
is 'guessing is slowed down' "$code $(header Retry-After | grep -c '[1-9]')" '429 1'
get /metrics -H 'X-Forwarded-For: 192.0.2.1' -H "Authorization: Bearer $token"; is 'for nobody who has it' "$code" 200
done_testing
