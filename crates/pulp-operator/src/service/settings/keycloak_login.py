"""The first and the last step of a log in by Keycloak: Pulp has no page that begins one, and knows nothing of roles in a token."""

from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.html import format_html

PAGE = """<!DOCTYPE html>
<html lang="en"><title>Pulp</title>
<form method="post">
<input type="hidden" name="csrfmiddlewaretoken" value="{}">
<input type="hidden" name="next" value="{}">
<button>Log in with Keycloak</button>
</form></html>
"""


class Begin:
    """Answers who comes by a link with a button: social-auth begins a log in only when somebody asks for it on a page of Pulp's own,
    so that no other page can do it for them."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.method != "GET" or request.path != reverse("social:begin", args=["keycloak"]):
            return self.get_response(request)
        return HttpResponse(format_html(PAGE, get_token(request), request.GET.get("next", "")))


def claim(claims, path):
    """What a path leads to, if anything: each dot leads inwards, unless it belongs to a name."""
    if not isinstance(claims, dict):
        return None
    if path in claims:
        return claims[path]
    dots = [place for place, letter in enumerate(path) if letter == "."]
    within = (claim(claims.get(path[:dot]), path[dot + 1 :]) for dot in dots)
    return next((found for found in within if found is not None), None)


def names(claims, path):
    found = claim(claims, path)
    return {name for name in found if isinstance(name, str)} if isinstance(found, list) else set()


def take(backend, user, response, **_):
    role, groups = backend.setting("ADMIN_ROLE"), backend.setting("GROUP_CLAIM")
    if role:
        user.is_superuser = user.is_staff = role in names(response, backend.setting("ROLE_CLAIM"))
        user.save(update_fields=["is_superuser", "is_staff"])
    if groups:
        # Keycloak writes groups as paths.
        wanted = {name.strip("/")[:150] for name in names(response, groups)} - {""}
        user.groups.set([Group.objects.get_or_create(name=name)[0] for name in sorted(wanted)])
