

def _identity():
    """The identity of the pods' ServiceAccount, as Azure knows it; its client takes one only as an object.

    A webhook of Azure's puts the four variables into pods whose labels ask for it.
    """
    import os
    import time

    import requests
    from azure.core.credentials import AccessToken
    from azure.core.exceptions import ClientAuthenticationError

    class Identity:
        def get_token(self, *scopes, **_):
            missing = [name for name in NAMES if name not in os.environ]
            if missing:
                raise ClientAuthenticationError(f"the pod has no {', '.join(missing)}: see that it is labelled azure.workload.identity/use=true")
            authority, tenant, client, file = (os.environ[name] for name in NAMES)
            with open(file) as token:
                form = {
                    "grant_type": "client_credentials",
                    "client_id": client,
                    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    "client_assertion": token.read(),
                    "scope": " ".join(scopes),
                }
            answer = requests.post(f"{authority.rstrip('/')}/{tenant}/oauth2/v2.0/token", data=form, timeout=20)
            if not answer.ok:
                raise ClientAuthenticationError(answer.text, response=answer)
            token = answer.json()
            return AccessToken(token["access_token"], int(time.time()) + int(token["expires_in"]))

    NAMES = ("AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE")
    return Identity()


STORAGES["default"]["OPTIONS"]["token_credential"] = _identity()
