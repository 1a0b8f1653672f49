#!/bin/sh
# Both signatures of a release of a Debian repository: inside and beside.
#   deb.sh FILE    PULP_SIGNING_KEY_FINGERPRINT: the key; PULP_TEMP_WORKING_DIR: a folder for this release alone
# stdout: what Pulp wants to know, as JSON.
set -eu

folder=${PULP_TEMP_WORKING_DIR:-$(dirname "$1")}

sign() {
  gpg --yes --local-user "$PULP_SIGNING_KEY_FINGERPRINT" "$@"
}

sign --clearsign --output "$folder/InRelease" "$1"
sign --armor --detach-sign --output "$folder/Release.gpg" "$1"
printf '{"signatures": {"inline": "%s", "detached": "%s"}}\n' "$folder/InRelease" "$folder/Release.gpg"
