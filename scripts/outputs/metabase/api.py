"""Metabase over HTTP: a request and its answer, or one sentence on why there is none.

Touches nothing but the network. Written against Metabase 0.63; what it sends is looked at in
tests/support/metabase_api.py.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from scripts.base.errors import UserError

# Seconds; adding a database makes Metabase open it before it answers.
TIMEOUT = 60.0


class StartingError(UserError):
    """Nothing answers, or Metabase says that it is still starting."""


class RefusedError(UserError):
    """Metabase knows neither the key nor the password."""


class Metabase:
    """One Metabase server.

    Attributes:
        url: its address, as http://127.0.0.1:3000.
    """

    def __init__(
        self, url: str, *, key: str | None = None, session: str | None = None, timeout: float = TIMEOUT
    ) -> None:
        """Name the server, and an API key or a session's id; raises UserError for what is no address."""
        # Imported late: a build without Metabase need not wait for it.
        import requests

        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UserError(f"METABASE_URL={url}: expected an address such as https://metabase.example.com.")
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._http = requests.Session()
        # A company's proxy knows nothing of this machine.
        self._http.trust_env = parts.hostname not in ("127.0.0.1", "localhost")
        if key:
            self._http.headers["X-API-KEY"] = key
        if session:
            self._http.headers["X-Metabase-Session"] = session

    def get(self, path: str, **parameters: Any) -> Any:
        """The answer to GET, decoded; parameters go into the address."""
        return self._call("GET", path, None, parameters)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer to POST."""
        return self._call("POST", path, body or {}, {})

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer to PUT."""
        return self._call("PUT", path, body, {})

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None, parameters: Mapping[str, Any]
    ) -> Any:
        """Send a request.

        Raises StartingError where nothing answers in time, RefusedError for a key or password that Metabase
        does not know, UserError for all else but success.
        """
        import requests

        where = f"{self.url}{path}"
        try:
            answer = self._http.request(
                method,
                where,
                json=body,
                params=dict(parameters),
                timeout=self._timeout,
                # A key goes to the address that was given and to no other.
                allow_redirects=False,
            )
        except requests.Timeout:
            raise StartingError(
                f"{where}: no answer within {self._timeout:g} s; look whether Metabase is busy or still starting."
            ) from None
        except requests.RequestException as error:
            raise StartingError(
                f"{where}: cannot be reached ({_reason(error)}); look whether Metabase runs at this address."
            ) from None
        if answer.status_code in (301, 302, 303, 307, 308):
            raise UserError(
                f"{where}: sends on to {answer.headers.get('Location')}; give that server's address as METABASE_URL."
            )
        if answer.status_code == 503:
            raise StartingError(f"{where}: Metabase is still starting; wait a minute and try again.")
        if answer.status_code == 401:
            raise RefusedError(
                f"{where}: Metabase refused the login; check the API key or the password that you gave it."
            )
        if answer.status_code == 403:
            raise UserError(
                f"{where}: Metabase does not allow this; use an API key of the group Administrators."
            )
        if not answer.ok:
            raise UserError(f"{where}: Metabase answered {answer.status_code}: {_words(answer)}.")
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError:
            raise UserError(
                f"{where}: answered with something that is no JSON; is this the address of a Metabase?"
            ) from None


def _reason(error: Exception) -> str:
    """The innermost reason, without the layers of the library around it."""
    inner: BaseException = error
    while inner.__context__ is not None:
        inner = inner.__context__
    return getattr(inner, "strerror", None) or type(inner).__name__


def _words(answer: Any) -> str:
    """What Metabase says of a mistake: plain text, a message, or a sentence per field."""
    try:
        said = answer.json()
    except ValueError:
        said = answer.text
    if isinstance(said, dict):
        fields = said.get("errors")
        if isinstance(fields, dict) and fields:
            said = "; ".join(
                f"{name}: {text if isinstance(text, str) else json.dumps(text)}"
                for name, text in fields.items()
            )
        else:
            said = said.get("message") or json.dumps(said)
    return " ".join(str(said).split())[:300].rstrip(".") or "nothing"
