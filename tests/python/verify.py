"""Verifies an access token as any other service would: with PyJWT, and what the service publishes.

verify.py URL ISSUER, the token on standard input: prints its claims as JSON, or on standard error why it is refused.
"""

import json
import sys
import urllib.request

import jwt

url, issuer = sys.argv[1:]
token = sys.stdin.read().strip()

with urllib.request.urlopen(f"{url}/.well-known/openid-configuration", timeout=10) as answer:
    configuration = json.load(answer)
assert configuration["issuer"] == issuer, configuration
# Where the service is asked here is not where it is for others.
keys = configuration["jwks_uri"].replace(issuer, url)
key = jwt.PyJWKClient(keys).get_signing_key_from_jwt(token)
algorithms = configuration["id_token_signing_alg_values_supported"]
try:
    claims = jwt.decode(
        token,
        key,
        algorithms=algorithms,
        audience=issuer,
        issuer=issuer,
        options={"require": ["exp", "iat", "nbf", "sub", "jti"]},
    )
except jwt.InvalidTokenError as error:
    sys.exit(f"refused: {type(error).__name__}")
print(json.dumps(claims))
