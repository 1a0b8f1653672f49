# Sourced: images in the nodes' containerd.

ctr_of() { # NODE ARGUMENTS...
  local node=$1
  shift
  ctr --address "$state/nodes/$node/containerd.sock" --namespace k8s.io "$@"
}

kubelet_knows() { # NODE REFERENCE: until the CRI plugin has seen an import, the kubelet would try to pull
  ctr_of "$1" images list "name==$2" | grep -q io.cri-containerd.image=managed
}

load_images() { # NODE ARCHIVE...
  local node=$1 archive index reference digest
  shift
  for archive; do
    index=$(tar -xOf "$archive" index.json)
    read -r reference digest < <(jq -r '.manifests[0] | .annotations["org.opencontainers.image.ref.name"] + " " + .digest' <<<"$index")
    ctr_of "$node" images list "name==$reference" | grep -q "$digest" && continue
    step "$reference to $node" import "$node" "$archive" "$reference"
  done
}

import() { # NODE ARCHIVE REFERENCE
  ctr_of "$1" images import "$2" >/dev/null
  wait_for 30 "$1 knows $3" kubelet_knows "$1" "$3"
}
