#!/bin/sh
# A signature of a manifest, in the form that podman and skopeo verify; neither is needed to make it.
#   container.sh FILE    PULP_SIGNING_KEY_FINGERPRINT: the key; REFERENCE: the image's name; SIG_PATH: where the signature goes
# stdout: what Pulp wants to know, as JSON.
set -eu

fail() {
  echo "$1" >&2
  exit 1
}

# It goes into JSON as it is, and who may ask for a signature is not to choose what else is signed.
case $REFERENCE in
  *[!A-Za-z0-9.:/_@-]*) fail "$REFERENCE is no name of an image" ;;
esac
# The digest of these leaves a part of the file out.
if grep -Eq '"schemaVersion"[[:space:]]*:[[:space:]]*1[^0-9]' "$1"; then
  fail "manifests of schema 1 cannot be signed; convert the image"
fi

digest=$(sha256sum "$1")
payload=$(mktemp)
trap 'rm -f "$payload"' EXIT
printf '{"critical":{"identity":{"docker-reference":"%s"},"image":{"docker-manifest-digest":"sha256:%s"},"type":"atomic container signature"},"optional":{"creator":"pulp","timestamp":%s}}' \
  "$REFERENCE" "${digest%% *}" "$(date +%s)" >"$payload"
# Pulp reads it without decompressing.
gpg --yes --local-user "$PULP_SIGNING_KEY_FINGERPRINT" --compress-level 0 --sign --output "$SIG_PATH" "$payload"
printf '{"signature_path": "%s"}\n' "$SIG_PATH"
