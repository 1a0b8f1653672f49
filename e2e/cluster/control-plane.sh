# Sourced: etcd, API server, controller manager and scheduler, in the network of node1.

control_plane_pki() {
  local service=kubernetes.default.svc
  authority
  certificate apiserver kube-apiserver kubernetes \
    "DNS:kubernetes,DNS:kubernetes.default,DNS:$service,DNS:$service.cluster.local,IP:127.0.0.1,IP:$services.0.1,IP:$(node_ip node1)"
  certificate front-proxy front-proxy kubernetes DNS:front-proxy
  user admin admin system:masters
  user controller-manager system:kube-controller-manager kubernetes
  user scheduler system:kube-scheduler kubernetes
  user proxy system:kube-proxy kubernetes
}

start_etcd() {
  # Without fsync: a machine that loses power loses this cluster, and one that does not is much faster.
  start node1 etcd etcd --data-dir "$state/etcd" --unsafe-no-fsync \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
    --initial-cluster default=http://127.0.0.1:2380
  wait_for 60 "etcd answers" nsenter --net="/run/netns/$CLUSTER-node1" curl -fsS http://127.0.0.1:2379/health
}

start_apiserver() {
  local pki=$state/pki
  render audit.yaml node1 >"$state/audit.yaml"
  local flags=(
    --etcd-servers=http://127.0.0.1:2379
    --advertise-address="$(node_ip node1)"
    --secure-port=6443
    --service-cluster-ip-range="$services.0.0/16"
    --allow-privileged=true

    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key"
    --client-ca-file="$pki/ca.crt"
    --authorization-mode=Node,RBAC
    --enable-admission-plugins=NodeRestriction
    --service-account-issuer=https://kubernetes.default.svc.cluster.local
    --service-account-key-file="$pki/service-account.pub"
    --service-account-signing-key-file="$pki/service-account.key"

    --kubelet-client-certificate="$pki/admin.crt" --kubelet-client-key="$pki/admin.key"
    # By name a node could not be found: nothing on this machine resolves it, and exec and logs would fail.
    --kubelet-preferred-address-types=InternalIP

    --requestheader-client-ca-file="$pki/ca.crt" --requestheader-allowed-names=front-proxy
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group
    --requestheader-extra-headers-prefix=X-Remote-Extra-
    --proxy-client-cert-file="$pki/front-proxy.crt" --proxy-client-key-file="$pki/front-proxy.key"

    --audit-policy-file="$state/audit.yaml" --audit-log-path="$state/log/audit.log"
    --audit-log-maxsize=100 --audit-log-maxbackup=3

    # Half a minute instead of five: a test of a lost node waits for its pods to be moved.
    --default-not-ready-toleration-seconds=30 --default-unreachable-toleration-seconds=30
  )
  start node1 apiserver kube-apiserver "${flags[@]}"
  wait_for 120 "the API server is ready" kubectl get --raw /readyz
}

start_controllers() {
  local pki=$state/pki
  # A lost node is seen after 20 s (kubelet.yaml renews its lease every 5 s), not after 50 s.
  start node1 controller-manager kube-controller-manager --kubeconfig="$state/controller-manager.kubeconfig" \
    --leader-elect=false --use-service-account-credentials --root-ca-file="$pki/ca.crt" \
    --service-account-private-key-file="$pki/service-account.key" \
    --cluster-signing-cert-file="$pki/ca.crt" --cluster-signing-key-file="$pki/ca.key" \
    --node-monitor-grace-period=20s --node-monitor-period=2s
  start node1 scheduler kube-scheduler --kubeconfig="$state/scheduler.kubeconfig" --leader-elect=false
}
