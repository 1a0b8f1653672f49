#!/bin/sh
# Makes a keyring of the key that signs, and becomes the command that it is given.
#
# A key that cannot be used keeps nobody from anything else: it is told where services are registered, and by whatever is to be signed.
set -eu

secret=/etc/pulp/signing/key

# Begun anew each time: what a container that was killed has left may be locked.
rm -rf "$GNUPGHOME"
mkdir -m 700 "$GNUPGHOME"
# Where scripts of users' look for it.
ln -sfn "$GNUPGHOME" "$HOME/.gnupg"
{
  # Nobody is there to be asked, whichever script calls gpg.
  printf '%s\n' batch no-tty 'pinentry-mode loopback'
  if [ -e "$secret/passphrase" ]; then echo "passphrase-file $secret/passphrase"; fi
} >"$GNUPGHOME/gpg.conf"
gpg --quiet --import "$secret/key" || echo "nothing can be signed: the key in spec.signing.key cannot be taken into a keyring" >&2

exec "$@"
