
import sys

try:
    import social_django  # noqa: F401
    from social_core.backends import keycloak  # noqa: F401
except ImportError as error:
    raise SystemExit(
        f"spec.authentication.keycloak: this image cannot do it ({error}); name one in spec.images.pulp that has"
        " social-auth-app-django, or remove the field"
    ) from None

# Where keycloak_login is; after everything else, so that nothing of the image's is hidden by a script.
if "/etc/pulp/scripts" not in sys.path:
    sys.path.append("/etc/pulp/scripts")
