# Sourced by the commands of this folder: names, addresses, and how a process of the cluster is started, found and ended.
#
# Every node lives in a network and a mount namespace of its own, the control plane in those of node1. So a cluster touches
# no port, iptables chain or mount of the machine, several can run side by side, and what a node did to its network goes with it.
# Every process of a node, containers included, is in the node's freezer cgroup: that is the record of what to stop.
set -euo pipefail
shopt -s inherit_errexit nullglob
export LC_ALL=C

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$here/env"
[[ $CLUSTER =~ ^cluster([2-9]?)$ ]] || {
  echo "CLUSTER: $CLUSTER is no name of a cluster; take cluster, cluster2, ... cluster9" >&2
  exit 2
}
number=${BASH_REMATCH[1]:-1}

state=$CACHE/$CLUSTER
bridge=br-$CLUSTER
cgroup=theforeman-$CLUSTER
freezer=/sys/fs/cgroup/freezer/$cgroup

# Nine clusters of up to nine nodes; pods and services of two clusters never share an address.
machine_net=192.168.$((80 + number))
machine_ip=$machine_net.1
api=https://$machine_net.2:6443
pods=10.$((100 + number))
services=10.$((200 + number))
# Where a registry is, if something serves one.
registry=$machine_net.2:5000

node_number() { # nodeN -> N
  [[ $1 =~ ^node([1-9])$ ]] || fail "$1: no name of a node; take node1 ... node9"
  echo "${BASH_REMATCH[1]}"
}
node_ip() { echo "$machine_net.$(($(node_number "$1") + 1))"; }
node_pods() { echo "$pods.$(node_number "$1").0/24"; }

# Nodes this cluster has, running or killed.
nodes() { for dir in "$state"/nodes/*/; do basename "$dir"; done; }

running_nodes() { for node in $(nodes); do if running "$node" "containerd-$node"; then echo "$node"; fi; done; }

fail() {
  echo "$*" >&2
  return 1
}

doing=
trap '[ -z "$doing" ] || echo "  failed  $doing" >&2' EXIT

step() { # WORDS COMMAND...: runs it and says how long it took
  local begin=$EPOCHREALTIME tenths
  doing=$1
  shift
  "$@" # without || or if: they would make the shell go on after a failure inside of it
  tenths=$(((${EPOCHREALTIME/./} - ${begin/./}) / 100000))
  printf '%4d.%d s  %s\n' $((tenths / 10)) $((tenths % 10)) "$doing"
  doing=
}

wait_for() { # SECONDS WORDS COMMAND...: until it succeeds
  local deadline=$((SECONDS + $1)) words=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || fail "still not so: $words; logs: $state/log" || return
    sleep 0.1
  done
}

render() { # CONFIG NODE: a file of config/ with this cluster's values
  local node=$2
  sed -e "s#@STATE@#$state#g; s#@NODE@#$node#g; s#@NODE_STATE@#$state/nodes/$node#g; s#@CLUSTER@#$CLUSTER#g" \
    -e "s#@NODE_PODS@#$(node_pods "$node")#g; s#@PODS@#$pods.0.0/16#g; s#@SERVICES@#$services#g; s#@CGROUP@#$cgroup#g; s#@MACHINE@#$machine_ip#g; s#@REGISTRY@#$registry#g" \
    "$here/config/$1"
}

start() { # NODE NAME COMMAND...: in the node's namespaces and cgroup, its output in log/NAME.log, its id in run/NAME.pid
  local node=$1 name=$2
  shift 2
  (
    echo "$BASHPID" >"$freezer/$node/cgroup.procs"
    exec setsid nsenter --net="/run/netns/$CLUSTER-$node" --mount="$state/ns/$node" "$@"
  ) >"$state/log/$name.log" 2>&1 </dev/null 9>&- &
  echo $! >"$state/run/$name.pid"
}

running() { # NODE NAME: the id alone does not tell, it may belong to another process by now
  local id
  id=$(cat "$state/run/$2.pid" 2>/dev/null) && grep -qx "$id" "$freezer/$1/cgroup.procs" 2>/dev/null
}

answers() { # NODE: containerd does
  ctr --address "$state/nodes/$1/containerd.sock" version >/dev/null 2>&1
}

node_ready() { kubectl wait --for=condition=Ready "node/$1" --timeout=0; }

# One command at a time changes a cluster; the lock lies outside of the state, which down removes.
lock() {
  mkdir -p "$CACHE"
  exec 9>"$CACHE/.$CLUSTER.lock"
  flock 9
}
