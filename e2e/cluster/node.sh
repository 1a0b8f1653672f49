# Sourced: one node, from its network namespace to its kubelet, and its end.

cgroups() { # NODE: the node's folder in every hierarchy
  for hierarchy in /sys/fs/cgroup/*/; do echo "$hierarchy$cgroup/$1"; done
}

node_cgroups() { # NODE
  local dir parent
  for dir in $(cgroups "$1"); do
    parent=$(dirname "$dir")
    mkdir -p "$dir"
    # A cpuset without processors takes no process.
    if [ -e "$dir/cpuset.cpus" ]; then
      for file in cpuset.cpus cpuset.mems; do
        cat "$(dirname "$parent")/$file" >"$parent/$file"
        cat "$parent/$file" >"$dir/$file"
      done
    fi
  done
}

machine() { # what all nodes share: a bridge with the machine at its first address, the disk with the volumes
  ip link add "$bridge" type bridge
  ip addr add "$machine_ip/24" dev "$bridge"
  ip link set "$bridge" up
  # Pods of one cluster reach the API server of another; the machine as a whole forwards nothing that it did not before.
  sysctl -qw "net.ipv4.conf.$bridge.forwarding=1"
  # Tests on the machine reach Services by their address, as pods do.
  ip route replace "$services.0.0/16" via "$(node_ip node1)"

  mkdir -p "$state/ns" "$state/volumes"
  # The kernel keeps a mount namespace only below a private mount.
  mount --bind "$state/ns" "$state/ns"
  mount --make-private "$state/ns"
  # What a test mounts in a volume, a small file system to fill up for instance, is mounted for the nodes too.
  mount --bind "$state/volumes" "$state/volumes"
  mount --make-shared "$state/volumes"
}

# Folders that containerd, the CNI library and the kubelet insist on.
own=(/run/containerd /var/lib/cni /var/lib/kubelet /var/log/containers)

node_mounts() { # NODE
  local dir
  for dir in "${own[@]}"; do mkdir -p "$dir" "$state/nodes/$1/own$dir"; done
  touch "$state/ns/$1"
  # shellcheck disable=SC2016  # for the shell inside
  unshare --mount="$state/ns/$1" --propagation slave bash -euc '
    node=$1
    shift
    for dir; do mount --bind "$node/own$dir" "$dir"; done
    # Pods may ask for mounts that go both ways.
    mount --make-rshared /' mounts "$state/nodes/$1" "${own[@]}"
}

node_network() { # NODE
  local netns=$CLUSTER-$1 address other
  address=$(node_ip "$1")
  ip netns add "$netns"
  ip link add "$netns" type veth peer name eth0 netns "$netns"
  ip link set "$netns" master "$bridge" up
  ip -n "$netns" addr add "$address/24" dev eth0
  ip -n "$netns" link set lo up
  ip -n "$netns" link set eth0 up
  ip -n "$netns" route add default via "$machine_ip"
  # bridge-nf-call: an answer to a Service's client on the same bridge must pass the rules that put the Service's address back.
  nsenter --net="/run/netns/$netns" sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
  # Pods keep their address among pods, and borrow the node's towards anything else.
  nsenter --net="/run/netns/$netns" iptables -t nat -A POSTROUTING -s "$pods.0.0/16" ! -d "$pods.0.0/16" -o eth0 -j MASQUERADE

  ip route replace "$(node_pods "$1")" via "$address"
  for other in $(nodes); do
    [ "$other" != "$1" ] || continue
    ip -n "$CLUSTER-$other" route replace "$(node_pods "$1")" via "$address"
    ip -n "$netns" route replace "$(node_pods "$other")" via "$(node_ip "$other")"
  done
}

node_files() { # NODE
  local dir=$state/nodes/$1
  mkdir -p "$dir"/{cni,manifests,logs}
  render containerd.toml "$1" >"$dir/containerd.toml"
  render cni.conflist "$1" >"$dir/cni/10.conflist"
  render kubelet.yaml "$1" >"$dir/kubelet.yaml"
  # From the first moment on: what does not tolerate it would be there before a taint that is put on later.
  if [ -n "${taint:-}" ]; then
    printf '\nregisterWithTaints: [{key: %s, effect: NoSchedule}]\n' "$taint" >>"$dir/kubelet.yaml"
  fi
  render kube-proxy.yaml "$1" >"$dir/kube-proxy.yaml"
  # Pods that ask for the node's DNS get an honest refusal; the machine's resolver is out of their reach.
  echo "nameserver 127.0.0.1" >"$dir/resolv.conf"
  user "$1" "system:node:$1" system:nodes "DNS:$1,IP:$(node_ip "$1"),IP:127.0.0.1"
}

new_node() { # NODE
  mkdir -p "$state/nodes/$1"
  node_cgroups "$1"
  node_network "$1"
  node_mounts "$1"
  node_files "$1"
}

start_containerd() { # NODE
  start "$1" "containerd-$1" containerd --config "$state/nodes/$1/containerd.toml"
  # A kubelet that comes before the socket gives up.
  wait_for 60 "containerd of $1 answers" answers "$1"
}

start_kubelet() { # NODE
  local dir=$state/nodes/$1
  start "$1" "kubelet-$1" kubelet --config="$dir/kubelet.yaml" --kubeconfig="$state/$1.kubeconfig" \
    --hostname-override="$1" --node-ip="$(node_ip "$1")" --root-dir="$dir/kubelet"
  start "$1" "kube-proxy-$1" kube-proxy --config="$dir/kube-proxy.yaml"
  # A node that comes back soon after it was killed still counts as Ready.
  wait_for 120 "the kubelet of $1 answers" nsenter --net="/run/netns/$CLUSTER-$1" curl -fsS http://127.0.0.1:10248/healthz
  wait_for 120 "$1 is Ready" node_ready "$1"
}

processes() { # NODE: every process of the node, in whatever container
  find "$freezer/$1" -name cgroup.procs -exec cat {} + 2>/dev/null || true
}

nothing_runs() { [ -z "$(processes "$1")" ]; }

freeze() { # NODE FROZEN|THAWED
  echo "$2" >"$freezer/$1/freezer.state"
}

# As a power loss does it: all processes end at one instant, none can say good-bye or be started in place of another.
kill_node() { # NODE
  [ -d "$freezer/$1" ] || return 0
  freeze "$1" FROZEN
  wait_for 30 "$1 is frozen" grep -qx FROZEN "$freezer/$1/freezer.state" || true
  processes "$1" | xargs -r kill -KILL 2>/dev/null || true
  freeze "$1" THAWED
  wait_for 30 "no process of $1 is left" nothing_runs "$1"
}

remove_node() { # NODE: everything a killed node has left on this machine
  local dir
  ip link del "$CLUSTER-$1" 2>/dev/null || true
  ip netns del "$CLUSTER-$1" 2>/dev/null || true
  ip route del "$(node_pods "$1")" 2>/dev/null || true
  umount --lazy "$state/ns/$1" 2>/dev/null || true
  rm -rf --one-file-system "$state/nodes/$1" "$state/ns/$1" "$state/$1.kubeconfig" "$state/pki/$1".* "$state"/run/*-"$1".pid
  for dir in $(cgroups "$1"); do
    [ ! -d "$dir" ] || find "$dir" -depth -type d -exec rmdir {} +
  done
}
