
# django-auth-ldap wants objects where lists stand above. Nothing that a user wrote is code here, or becomes it.
try:
    import ldap
    from django_auth_ldap import config
except ImportError as error:
    raise SystemExit(
        f"spec.authentication.ldap: this image cannot do it ({error}); name one in spec.images.pulp that has django-auth-ldap,"
        " or remove the field"
    ) from None


def search(places):
    searches = [config.LDAPSearch(base, getattr(ldap, scope), text) for base, scope, text in places]
    return config.LDAPSearchUnion(*searches) if searches else None


def option(name, value):
    try:
        return getattr(ldap, name), value
    except AttributeError:
        raise SystemExit(
            f"spec.authentication.ldap.connection.options: python-ldap of this image knows no {name}; remove it"
        ) from None


def required(some, every, none):
    query = config.LDAPGroupQuery
    wanted = [query(group) for group in every] + [~query(group) for group in none]
    if some:
        alternatives = query(some[0])
        for group in some[1:]:
            alternatives |= query(group)
        wanted.append(alternatives)
    whole = None
    for part in wanted:
        whole = part if whole is None else whole & part
    return whole


AUTH_LDAP_USER_SEARCH = search(AUTH_LDAP_USER_SEARCH)
AUTH_LDAP_GROUP_SEARCH = search(AUTH_LDAP_GROUP_SEARCH)
if AUTH_LDAP_GROUP_TYPE is not None:
    kind, arguments = AUTH_LDAP_GROUP_TYPE
    AUTH_LDAP_GROUP_TYPE = getattr(config, kind)(**arguments)
AUTH_LDAP_REQUIRE_GROUP = required(*AUTH_LDAP_REQUIRE_GROUP)
AUTH_LDAP_CONNECTION_OPTIONS = dict(option(name, value) for name, value in AUTH_LDAP_CONNECTION_OPTIONS)
# A connection with options of its own knows nothing of the authorities that all the others trust.
authorities = ldap.get_option(ldap.OPT_X_TLS_CACERTFILE)
if authorities:
    AUTH_LDAP_CONNECTION_OPTIONS = {ldap.OPT_X_TLS_CACERTFILE: authorities, **AUTH_LDAP_CONNECTION_OPTIONS}
