# Sourced: certificates and kubeconfigs, signed by the cluster's own authority.

authority() {
  local dir=$state/pki
  mkdir -p "$dir"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj "/CN=$CLUSTER-ca" \
    -keyout "$dir/ca.key" -out "$dir/ca.crt" 2>/dev/null
  openssl genrsa -out "$dir/service-account.key" 2048 2>/dev/null
  openssl rsa -in "$dir/service-account.key" -pubout -out "$dir/service-account.pub" 2>/dev/null
}

certificate() { # FILE USER GROUP NAMES
  local file=$state/pki/$1
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/O=$3/CN=$2" \
    -keyout "$file.key" -out "$file.csr" 2>/dev/null
  openssl x509 -req -in "$file.csr" -CA "$state/pki/ca.crt" -CAkey "$state/pki/ca.key" -CAcreateserial -days 365 \
    -extfile <(echo "subjectAltName=$4") -out "$file.crt" 2>/dev/null
  rm "$file.csr"
}

kubeconfig() { # USER'S CERTIFICATE: embedded, so that the file works wherever it is copied to
  local file=$1 config=(kubectl config --kubeconfig "$state/$1.kubeconfig")
  "${config[@]}" set-cluster "$CLUSTER" --server="$api" --certificate-authority="$state/pki/ca.crt" --embed-certs
  "${config[@]}" set-credentials "$file" --embed-certs \
    --client-certificate="$state/pki/$file.crt" --client-key="$state/pki/$file.key"
  "${config[@]}" set-context "$CLUSTER" --cluster="$CLUSTER" --user="$file"
  "${config[@]}" use-context "$CLUSTER"
} >/dev/null

user() { # FILE USER GROUP [NAMES]
  certificate "$1" "$2" "$3" "${4:-DNS:$1}"
  kubeconfig "$1"
}
