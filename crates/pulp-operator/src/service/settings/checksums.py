"""Fits the checksums of all artifacts to those that are allowed: computes what is missing (`add`), and removes what is too much (`fit`).

`add` comes before processes are replaced: those that are still at work may want what the new list no longer has, and those to come what
the old one had not. `fit` comes after, and sees also to what was made in between.
"""

import sys

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import CommandError, call_command  # noqa: E402
from django.db.models import Q  # noqa: E402
from pulpcore import constants  # noqa: E402
from pulpcore.app.models import Artifact  # noqa: E402

allowed = settings.ALLOWED_CONTENT_CHECKSUMS
if sys.argv[1] == "add":
    # What is not known is not removed either.
    constants.ALL_KNOWN_CONTENT_CHECKSUMS = set(allowed)
try:
    # Called so, it runs without the checks that precede it in a shell: those refuse to run it as long as a checksum is missing.
    call_command("handle-artifact-checksums")
except CommandError as error:
    missing = Q()
    for name in allowed:
        missing |= Q(**{name: None})
    count = Artifact.objects.filter(missing).count()
    sys.exit(
        f"spec.allowedContentChecksums: {count} artifacts have no file any more that a checksum could be computed from; repair or"
        f" remove that content, or set the field back ({' '.join(str(error).split())})"
    )
