# Sourced: the end of a whole cluster, and the proof of it.

remove_cluster() {
  local node dir clusters
  for node in $(known_nodes); do kill_node "$node"; done
  for node in $(known_nodes); do remove_node "$node"; done
  ip link del "$bridge" 2>/dev/null || true
  awk -v folder="$state/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | tac | xargs -rd '\n' -n1 umount --lazy
  for dir in /sys/fs/cgroup/*/"$cgroup"; do find "$dir" -depth -type d -exec rmdir {} +; done
  # Made for nodes to mount over: what others keep there stays, and so does what nodes of another cluster have mounted.
  clusters=(/sys/fs/cgroup/freezer/theforeman-cluster*)
  [ "${#clusters[@]}" -gt 0 ] || rmdir --ignore-fail-on-non-empty "${own[@]}" 2>/dev/null || true
  rm -rf --one-file-system "$state"
}

# A cluster that broke half way may have lost its folder, or never got so far as to make one.
known_nodes() {
  {
    nodes
    for dir in "$freezer"/*/; do basename "$dir"; done
    ip netns list | sed -n "s/^$CLUSTER-\(node[0-9]\).*/\1/p"
  } | sort -u
}

leftovers() { # one line for each thing that is still there
  local dir
  [ ! -e "$state" ] || echo "folder $state"
  # By its folder on the command line: a process that got out of our cgroup.
  pgrep -lf "^[^ ]*(etcd|kube[a-z-]*|containerd[a-z0-9-]*) .*$state/" | sed 's/^/process /' || true
  awk -v folder="$state/" 'index($2, folder) == 1 { print "mount " $2 }' /proc/mounts
  ip -o link show | awk -F': ' '{ print $2 }' | sed 's/@.*//' | grep -xE "$bridge|$CLUSTER-node[0-9]" | sed 's/^/network interface /' || true
  ip netns list | awk '{ print $1 }' | grep -xE "$CLUSTER-node[0-9]" | sed 's/^/network namespace /' || true
  ip route show | grep -E "^($pods|$services)\." | sed 's/^/route /' || true
  for dir in /sys/fs/cgroup/*/"$cgroup"; do echo "cgroup $dir"; done
}
