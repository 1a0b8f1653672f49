"""Writes, reads and deletes a small object where artifacts are to be kept. What is wrong is said in one line, with the field to mend.

Arguments: the fields of the manifest that say which bucket, with which keys, and where.
"""

import os
import signal
import sys
import uuid

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

BUCKET, KEYS, SERVER = sys.argv[1:]

# The clients of object stores try again for many minutes.
LIMIT = 25


def answered(error):
    """The HTTP status, as the clients of S3, Azure and Google have it each in its own way; None if nobody answered."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return getattr(error, "status_code", None) or getattr(error, "code", None)


def told(error):
    status, kind = answered(error), type(error).__name__
    options = settings.STORAGES["default"]["OPTIONS"]
    name = options.get("bucket_name") or options.get("azure_container")
    refused = any(word in kind for word in ("Credentials", "Authentication", "Refresh", "Malformed"))
    if status in (401, 403) or refused:
        return f'{KEYS}: refused in "{name}"; correct it, or let it write, read and delete there'
    if status == 404 or "Validation" in kind:
        return f'{BUCKET}: there is no "{name}"; create it, or correct the name'
    if status is None:
        return f"{SERVER}: no object store answers there; correct it, or see why the store does not answer"
    return f'{BUCKET}: "{name}" does not keep an object'


def late(*_):
    said = f"{SERVER}: no object store has answered there within {LIMIT} s; correct it, or see why"
    print(said, file=sys.stderr, flush=True)
    # Not by an exception: that would wait for threads that wait for the store.
    os._exit(1)


def try_it():
    wanted = uuid.uuid4().hex.encode()
    name = default_storage.save(f"operator-check-{uuid.uuid4()}", ContentFile(wanted))
    with default_storage.open(name) as file:
        found = file.read()
    default_storage.delete(name)
    if found != wanted:
        sys.exit(f"{BUCKET}: what is read is not what was written; its store does not keep objects as they are")


signal.signal(signal.SIGALRM, late)
signal.alarm(LIMIT)
try:
    try_it()
except Exception as error:
    # Azure goes on with an id and a time, which are others at each try, and with all of its answer.
    said = " ".join(str(error).split("RequestId:")[0].split())
    code = getattr(error, "error_code", None)
    code = getattr(code, "value", code)
    sys.exit(f"{told(error)} ({f'{code}: {said}' if code else said})")
print("an object was written, read and deleted")
