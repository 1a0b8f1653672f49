"""Makes the user `admin` if there is none, and gives it the password from the environment: not by the command line, which others see."""

import os

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402

# An editor ends a file with a line break; nobody can type one.
password = os.environ["PASSWORD"].rstrip("\r\n")
admin, made = get_user_model().objects.get_or_create(
    username="admin", defaults={"is_staff": True, "is_superuser": True}
)
# A hash that already fits stays: sessions that were opened with it stay too.
if made or not admin.check_password(password):
    admin.set_password(password)
    admin.save()
print("admin was made" if made else "admin has this password")
