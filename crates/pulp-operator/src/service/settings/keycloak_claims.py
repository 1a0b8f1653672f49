"""The last step of a log in by Keycloak: what the token says of roles and groups becomes so in Pulp."""

from django.contrib.auth.models import Group


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
