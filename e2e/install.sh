# Sourced by e2e/demo and e2e/run: a cluster, the images in it, and operators installed with their own charts, each in a namespace of
# its name.
#   CLUSTER=existing     uses the current kubeconfig, and pushes the images to REGISTRY (registry.example.com/path)
existing=
if [ "${CLUSTER:-}" = existing ]; then
  existing=yes
  unset CLUSTER
  mine=${KUBECONFIG-}
fi
. "$(dirname "${BASH_SOURCE[0]}")/cluster/lib.sh"
root=$(realpath "$here/../..")
if [ -n "$existing" ]; then
  # Images and tools are this machine's business, the cluster is the user's.
  if [ -n "$mine" ]; then export KUBECONFIG=$mine; else unset KUBECONFIG; fi
  state=$CACHE/existing
  mkdir -p "$state"
fi

# What each operator runs: the parts of its chart's `images`, which are names of images here.
declare -A runs=(
  [foreman-operator]="foreman candlepin postgresql valkey httpd"
  [pulp-operator]="pulp nginx postgresql valkey"
  [smart-proxy-operator]="smart-proxy httpd"
  [backup-operator]=""
)
# Those that the stories need.
operators=(foreman-operator pulp-operator smart-proxy-operator backup-operator)
# Images besides.
extra=()
# Values of all charts besides.
closed=()

up() {
  if [ -n "$existing" ]; then
    [ -n "${REGISTRY:-}" ] || fail "CLUSTER=existing needs REGISTRY, a registry that you can push to and the cluster can pull from, for example REGISTRY=registry.example.com/me"
    "$here/packages"
    "$root/e2e/tools/build" kubernetes helm
    kubectl version >/dev/null || fail "no cluster answers at the current kubeconfig; try: kubectl version"
    [ -n "$(kubectl get storageclass --output=name)" ] || fail "the cluster has no StorageClass; volumes need one"
  else
    "$here/up"
  fi
}

images() { # [OPERATOR...]: theirs and those that they run; every image there is if nothing is said
  local operator names=()
  for operator; do names+=(${runs[$operator]}); done
  [ $# -gt 0 ] || set -- "${operators[@]}"
  mapfile -t names < <(printf '%s\n' "${names[@]}" | sort -u)
  "$root/e2e/images/build" ${names[@]} >"$state/images"
  [ "${#extra[@]}" = 0 ] || "$root/e2e/images/build" "${extra[@]}" >>"$state/images"
  for operator; do "$root/e2e/operator-image" "$operator"; done >>"$state/images"
}

spread() { # the images to where pods find them
  local name image archive
  if [ -z "$existing" ]; then
    mapfile -t archives < <(cut -d' ' -f3 "$state/images")
    "$here/load" "${archives[@]}" >/dev/null
    return
  fi
  while read -r name image archive; do
    grep -qsx "$REGISTRY/${image#localhost/}" "$state/pushed" && continue
    buildah push --quiet "$image" "docker://$REGISTRY/${image#localhost/}"
    echo "$REGISTRY/${image#localhost/}" >>"$state/pushed"
  done <"$state/images"
}

reference() { # NAME
  local image
  image=$(awk -v name="$1" '$1 == name { print $2; exit }' "$state/images")
  [ -z "$existing" ] && echo "$image" || echo "$REGISTRY/${image#localhost/}"
}

chart() { # NAMESPACE NAME [HELM ARGUMENT...]: installs or upgrades only what is another chart or has other values
  local space=$1 name=$2 wanted deployed
  shift 2
  wanted=$( { find "$root/charts/$name" -type f -print0 | sort -z | xargs -0 sha256sum; printf '%s\n' "$@"; } | sha256sum | cut -c1-16)
  deployed=$(helm history "$name" --namespace "$space" --max 1 --output json 2>/dev/null \
    | jq -r '.[-1] | select(.status == "deployed") | .description' || true)
  [ "$wanted" != "$deployed" ] || return 0
  helm upgrade --install "$name" "$root/charts/$name" --namespace "$space" --take-ownership --wait --timeout 5m \
    --description "$wanted" "$@" >/dev/null
}

operator() { # OPERATOR [NAMESPACE...]: those in which it may work from the start; others grant it the right themselves
  local operator=$1 part image values=(--set scope=cluster "${closed[@]}")
  shift
  image=$(reference "$operator")
  for part in ${runs[$operator]}; do
    values+=(--set "images.$part=$(reference "$part")")
  done
  [ $# = 0 ] || values+=(--set "namespaces={$(IFS=,; echo "$*")}")
  namespace "$operator"
  chart "$operator" "$operator-crds"
  chart "$operator" "$operator" --set "image.repository=${image%:*}" --set-string "image.tag=${image##*:}" "${values[@]}"
}

namespace() { # NAME: with the strictest of the Pod Security Standards
  kubectl get namespace "$1" >/dev/null 2>&1 || kubectl create namespace "$1" >/dev/null
  kubectl label --overwrite namespace "$1" pod-security.kubernetes.io/enforce=restricted >/dev/null
}
