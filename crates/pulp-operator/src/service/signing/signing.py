"""Looks whether signing works (`look`), or makes Pulp's signing services those of the manifest (`register`).

`SERVICES` is a list in JSON: `field` of the manifest, `name`, `class` and `script` of each service, and whether the script is a
user's (`given`). What is wrong is said in one line, with the field to mend.

A service that is there already gets the key and the script in place, so that whatever refers to it goes on referring to it. Pulp's own
command can only remove and add. One that is no longer wanted goes, unless something refers to it; of that tells the termination
message of `register`, as JSON.
"""

import ast
import json
import os
import shutil
import subprocess
import sys

import django

django.setup()

from django.apps import apps  # noqa: E402
from django.db import transaction  # noqa: E402
from pulpcore.app.models import SigningService  # noqa: E402

# Whatever has its script here was registered by the operator.
OURS = "/etc/pulp/signing/bin/"
KEY, PASSPHRASE = "spec.signing.key", "spec.signing.passphrase"


def gpg(*arguments):
    return subprocess.run(["gpg", *arguments], capture_output=True, text=True)


def short(text):
    return " ".join(str(text).split())


def chosen():
    """Fingerprint of the key that signs; it is there, and neither expired nor revoked."""
    if shutil.which("gpg") is None:
        sys.exit("spec.images.pulp: there is no gpg in this image; name one that has it, or remove spec.signing")
    keys, wanted = {}, os.environ.get("FINGERPRINT")
    record = None
    for line in gpg("--with-colons", "--list-secret-keys").stdout.splitlines():
        fields = line.split(":")
        if fields[0] == "sec":
            record = fields
        elif fields[0] == "fpr" and record:
            keys[fields[9]], record = record, None
    if not keys:
        sys.exit(f"{KEY}: there is no secret key in it; put there what `gpg --armor --export-secret-keys` prints")
    if wanted and wanted not in keys:
        sys.exit(f"spec.signing.fingerprint: {KEY} holds no secret key {wanted}; it holds {', '.join(keys)}")
    if not wanted and len(keys) > 1:
        sys.exit(f"spec.signing.fingerprint: {KEY} holds several keys; say which one signs: {', '.join(keys)}")
    fingerprint = wanted or next(iter(keys))
    validity, capabilities = keys[fingerprint][1], keys[fingerprint][11]
    state = {"e": "has expired", "r": "is revoked", "d": "is disabled"}.get(validity)
    if state:
        sys.exit(f"{KEY}: {fingerprint} {state}; extend it and export it anew, or take another one")
    # In capitals: with all of its subkeys.
    if "S" not in capabilities:
        sys.exit(f"{KEY}: {fingerprint} cannot sign; take a key that can, or add a subkey that can")
    return fingerprint


def unlocked(fingerprint):
    """Public key; a signature can be made with the secret one."""
    tried = subprocess.run(
        ["gpg", "--status-fd", "1", "--local-user", fingerprint, "--detach-sign", "--output", "/dev/null", "--yes", "-"],
        input="a signature to try", capture_output=True, text=True,
    )
    if tried.returncode:
        if "Bad passphrase" in tried.stderr:
            sys.exit(f"{PASSPHRASE}: it does not open {fingerprint}; correct it, or the key")
        if "NEED_PASSPHRASE" in tried.stdout:
            sys.exit(f"{PASSPHRASE}: {fingerprint} is locked; name the Secret with its passphrase")
        sys.exit(f"{KEY}: nothing can be signed with {fingerprint}: {short(tried.stderr)}")
    return gpg("--armor", "--export", fingerprint).stdout


def services(fingerprint, public):
    """Those of the manifest, not yet saved; each has made a signature that Pulp itself could verify."""
    found = []
    for service in json.loads(os.environ["SERVICES"]):
        field, name = service["field"], service["name"]
        label, class_ = service["class"].split(":")
        try:
            model = apps.get_model(label, class_)
        except LookupError:
            sys.exit(
                f"{field}: there is no pulp_{label} to sign for; add it to spec.plugins and see that the image"
                f" has it, or remove {field}"
            )
        there = SigningService.objects.filter(name=name)
        if there.exists() and not model.objects.filter(name=name).exists():
            sys.exit(f'{field}.name: "{name}" is a signing service of another kind in this Pulp; choose another name')
        fields = {"public_key": public, "pubkey_fingerprint": fingerprint, "script": service["script"]}
        made = model(name=name, **fields)
        try:
            made.validate()
        except Exception as error:
            at = f"{field}.script" if service["given"] else field
            sys.exit(f"{at}: a signature for trial failed: {told(error)}")
        found.append((made, fields))
    return found


def told(error):
    """What a script said against it, which Pulp hands on as the text of bytes; or the exception itself."""
    if isinstance(error, KeyError):
        return f"what it prints has no {error}"
    text = str(error)
    if text.startswith(("b'", 'b"')):
        text = ast.literal_eval(text).decode(errors="replace")
    return short(text) or type(error).__name__


def users(service):
    """How many objects refer to a service, which is a row of its own kind and one of all kinds."""
    count = 0
    for relation in service._meta.get_fields(include_hidden=True):
        if not relation.auto_created or relation.concrete:
            continue
        if relation.one_to_one:
            child = relation.related_model.objects.filter(pk=service.pk).first()
            count += users(child) if child and child._meta.model is not service._meta.model else 0
        elif relation.one_to_many and relation.model is service._meta.model:
            referring = relation.related_model._base_manager
            count += referring.filter(**{relation.field.name: service.pk}).count()
    return count


def unwanted(names):
    """Services of ours that are no longer in the manifest, and how many objects refer to each."""
    return [(it, users(it)) for it in SigningService.objects.filter(script__startswith=OURS).exclude(name__in=names)]


def register(found):
    for made, fields in found:
        # Not by its save, which refuses any change; that it works has just been seen.
        changed = type(made).objects.filter(name=made.name).update(**fields)
        if not changed:
            made.save()
        print(f"{made.name} {'has' if changed else 'was added with'} key {made.pubkey_fingerprint}")
    kept = {}
    for service, count in unwanted([made.name for made, _ in found]):
        if count:
            kept[service.name] = count
        else:
            service.delete()
            print(f"{service.name} was removed")
    return kept


def main(what):
    found, fingerprint = [], None
    if json.loads(os.environ["SERVICES"]):
        fingerprint = chosen()
        found = services(fingerprint, unlocked(fingerprint))
    if what == "look":
        return print("all signatures could be verified")
    with transaction.atomic():
        kept = register(found)
    names = [made.name for made, _ in found]
    with open("/dev/termination-log", "w") as answer:
        json.dump({"fingerprint": fingerprint, "services": names, "kept": kept}, answer)


main(sys.argv[1])
