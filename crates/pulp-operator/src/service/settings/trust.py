"""Writes the file that all clients in this pod take their certificate authorities from: those of this image, whichever distribution it
is of, and those of spec.trustedCertificates."""

import glob
import re

CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
# Debian, Red Hat, SUSE, Alpine.
SYSTEMS = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
]


def files():
    yield from SYSTEMS
    try:
        import certifi

        yield certifi.where()
    except ImportError:
        pass
    yield from sorted(glob.glob("/etc/pulp/trusted/*"))


found = {}
for name in files():
    try:
        with open(name, "rb") as file:
            found.update(dict.fromkeys(CERTIFICATE.findall(file.read())))
    except FileNotFoundError:
        continue
with open("/tmp/authorities.pem", "wb") as file:
    file.write(b"\n".join(found) + b"\n")
