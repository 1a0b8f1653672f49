# Sourced by e2e/bench/run: what a web server in front of Pulp's content server costs.

pulp() { # METHOD PATH [CURL ARGUMENT...]: as the administrator, through the web
  local method=$1 path=$2
  shift 2
  curl --silent --show-error --fail --noproxy '*' --cacert "$state/pulp-ca.crt" --resolve "$host:443:$web" \
    --user "admin:$password" --request "$method" "https://$host$path" "$@"
}

created() { # the first resource that a task made
  local task=$1 state_now
  for _ in $(seq 300); do
    state_now=$(pulp GET "$task" | jq --raw-output .state)
    [ "$state_now" != completed ] || { pulp GET "$task" | jq --raw-output '.created_resources[0] // empty'; return; }
    [ "$state_now" != failed ] || fail "a task of Pulp failed: $(pulp GET "$task")"
    sleep 1
  done
  fail "a task of Pulp did not end: $task"
}

publish() { # a small and a large file, under /pulp/content/bench/
  local repository publication file
  repository=$(pulp POST /pulp/api/v3/repositories/file/file/ --json '{"name": "bench"}' | jq --raw-output .pulp_href)
  for file in small:1000 large:64000000; do
    head --bytes "${file#*:}" /dev/urandom >"$state/bench-file"
    created "$(pulp POST /pulp/api/v3/content/file/files/ --form "file=@$state/bench-file" --form "relative_path=${file%:*}" \
      --form "repository=$repository" | jq --raw-output .task)" >/dev/null
  done
  rm "$state/bench-file"
  publication=$(created "$(pulp POST /pulp/api/v3/publications/file/file/ --json "{\"repository\": \"$repository\"}" | jq --raw-output .task)")
  created "$(pulp POST /pulp/api/v3/distributions/file/file/ \
    --json "{\"name\": \"bench\", \"base_path\": \"bench\", \"publication\": \"$publication\"}" | jq --raw-output .task)" >/dev/null
}

# wrk has no --resolve, so the web is asked by its address; it does not check certificates.
measure() { # URL FIELD: requests a second, or megabytes
  wrk --threads 2 --connections 8 --duration 10s --timeout 60s --header "Host: $host" "$1" | awk -v field="$2" '
    function bytes(text) { return text * (text ~ /GB/ ? 1000 : text ~ /MB/ ? 1 : 0.001) }
    /^Requests\/sec/ && field == "requests" { printf "%.0f", $2 }
    /^Transfer\/sec/ && field == "bytes" { printf "%.1f", bytes($2) }'
}

compare() { # TITLE PATH FIELD
  local direct through
  direct=$(measure "http://$content:24816/pulp/content/bench/$2" "$3")
  through=$(measure "https://$web/pulp/content/bench/$2" "$3")
  echo "| $1 | $direct | $through | $(awk "BEGIN {printf \"%.2f\", $through / $direct}") |"
}

downloads() { # NAMESPACE PULP
  local space=$1 name=$2
  command -v wrk >/dev/null || apt-get install --yes --quiet=2 wrk >/dev/null
  host=$name.$space.svc
  web=$(kubectl --namespace "$space" get service "$name" --output jsonpath='{.spec.clusterIP}')
  content=$(kubectl --namespace "$space" get service "$name-content" --output jsonpath='{.spec.clusterIP}')
  password=$(kubectl --namespace "$space" get secret "$name-admin-password" --output jsonpath='{.data.password}' | base64 -d)
  kubectl --namespace "$space" get secret "$name-server-tls" --output jsonpath='{.data.ca\.crt}' | base64 -d >"$state/pulp-ca.crt"
  publish
  downloaded=$(compare "requests a second" small requests; compare "MB a second" large bytes)
}
