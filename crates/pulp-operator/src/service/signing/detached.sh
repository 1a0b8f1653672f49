#!/bin/sh
# A detached signature beside a file: the repomd.xml of an RPM repository, the manifest of a collection.
#   detached.sh FILE    PULP_SIGNING_KEY_FINGERPRINT: the key
# stdout: what Pulp wants to know, as JSON.
set -eu

gpg --yes --local-user "$PULP_SIGNING_KEY_FINGERPRINT" --armor --detach-sign --output "$1.asc" "$1"
printf '{"file": "%s", "signature": "%s"}\n' "$1" "$1.asc"
