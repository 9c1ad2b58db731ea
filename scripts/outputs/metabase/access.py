"""The keys to a Metabase of our own: first set-up, login, an API key, and the files they are kept in.

Reads and writes warehouse/metabase/, a folder for its owner alone: admin.txt (e-mail and password), api_key.json.
Nothing of it is printed or handed to a program on its command line.
"""

import json
import os
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.base.errors import UserError
from scripts.base.files import whole_file
from scripts.base.paths import METABASE
from scripts.outputs.metabase.api import TIMEOUT, Metabase, RefusedError, StartingError

URL, KEY, PASSWORD = "METABASE_URL", "METABASE_API_KEY", "METABASE_PASSWORD"
ADMIN, API_KEY = "admin.txt", "api_key.json"
# Its name in Metabase's list of API keys.
KEY_NAME = "card-segments"


@dataclass(frozen=True)
class Access:
    """Where a Metabase is, and an API key for it."""

    url: str
    key: str

    def client(self, timeout: float = TIMEOUT) -> Metabase:
        """Speak to it, with the API key."""
        return Metabase(self.url, key=self.key, timeout=timeout)


def access_from_environment() -> Access | None:
    """The Metabase that METABASE_URL and METABASE_API_KEY name; None where neither is set.

    Raises UserError where only one of them is.
    """
    url, key = os.environ.get(URL, ""), os.environ.get(KEY, "")
    if not url and not key:
        return None
    if not url or not key:
        raise UserError(
            f"{URL if key else KEY}: not set, and {KEY if key else URL} is; set both for a Metabase that you run,"
            " or neither for one in Docker."
        )
    return Access(url, key)


def recorded_access(warehouse: Path) -> Access | None:
    """The Metabase that `make metabase` set up; None where it did not."""
    path = warehouse / METABASE / API_KEY
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Access(found["url"], found["key"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError):
        raise UserError(f"{path}: cannot be read; remove it and run make metabase again.") from None


def own_folder(warehouse: Path) -> Path:
    """Make the folder of keys, for its owner alone."""
    folder = warehouse / METABASE
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise UserError(
            f"{folder}: cannot be made for you alone ({error.strerror}); check the folder's permissions."
        ) from None
    return folder


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone may read, whole or not at all."""
    with whole_file(path, private=True) as partial:
        partial.write_text(text, encoding="utf-8")


def new_password() -> str:
    """A password that passes Metabase's strictest rule: letters of both cases, a digit and a sign."""
    while True:
        password = secrets.token_urlsafe(24)
        if all(re.search(kind, password) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[-_]")):
            return password


def wait_until_up(url: str, seconds: float) -> None:
    """Wait until Metabase says that it is ready; raises UserError after so many seconds."""
    client = Metabase(url, timeout=5.0)
    deadline = time.monotonic() + seconds
    while True:
        try:
            client.get("/api/health")
            return
        except StartingError as error:
            if time.monotonic() >= deadline:
                raise UserError(
                    f"{url}: Metabase is not up after {seconds:g} s; give it longer, as in WAIT=900, or read"
                    f" what it says: make metabase-logs. Last: {error}"
                ) from None
            time.sleep(1.0)


def check_email(email: str, warehouse: Path) -> None:
    """Raise UserError where the first set-up will need an e-mail address and has none, before Docker works for minutes."""
    kept = any((warehouse / METABASE / name).exists() for name in (ADMIN, API_KEY))
    if email or not kept:
        _check_address(email)


def obtain_access(url: str, email: str, site_name: str, warehouse: Path) -> Access:
    """The API key of a Metabase of our own: kept from before, or made after the first set-up or a login.

    Args:
        url: where it answers.
        email: the administrator's; needed for the first set-up alone.
        site_name: what Metabase calls itself then.
        warehouse: where the keys are kept.

    Raises UserError where the e-mail is missing or Metabase refuses.
    """
    kept = recorded_access(warehouse)
    if kept is not None:
        access = Access(url, kept.key)
        try:
            access.client().get("/api/user/current")
        except RefusedError:
            pass
        else:
            if access != kept:
                _keep(access, warehouse)
            return access
    client = Metabase(url, session=_session(url, email, site_name, warehouse))
    access = Access(url, _api_key(client))
    _keep(access, warehouse)
    return access


def _keep(access: Access, warehouse: Path) -> None:
    text = json.dumps({"url": access.url, "key": access.key}, indent=1) + "\n"
    write_private(own_folder(warehouse) / API_KEY, text)


def _session(url: str, email: str, site_name: str, warehouse: Path) -> str:
    """The id of a session as administrator; the first one sets Metabase up."""
    client = Metabase(url)
    properties = client.get("/api/session/properties")
    admin = own_folder(warehouse) / ADMIN
    known = admin.read_text(encoding="utf-8").splitlines() if admin.exists() else []
    name = email or (known[0] if known else "")
    if not properties.get("has-user-setup"):
        _check_address(name)
        password = os.environ.get(PASSWORD, "")
        if not password:
            password = new_password()
            # Kept first: a set-up that is cut off must not leave a password that nobody knows.
            write_private(admin, f"{name}\n{password}\n")
        made = client.post(
            "/api/setup",
            {
                "token": properties["setup-token"],
                "user": {"email": name, "password": password},
                "prefs": {"site_name": site_name, "allow_tracking": False},
            },
        )
        return str(made["id"])
    password = os.environ.get(PASSWORD, "") or (known[1] if len(known) > 1 else "")
    if not name or not password:
        raise UserError(
            f"{admin}: not there, and this Metabase is set up already; give its administrator's EMAIL= and"
            f" the password in the environment as {PASSWORD}."
        )
    try:
        return str(client.post("/api/session", {"username": name, "password": password})["id"])
    except UserError as error:
        raise UserError(
            f"{url}: the login of {name} failed; give the administrator's EMAIL= and the password in the"
            f" environment as {PASSWORD}. Metabase: {error}"
        ) from None


def _check_address(email: str) -> None:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise UserError(
            f"EMAIL={email}: Metabase needs its administrator's e-mail address once, as in"
            " make metabase EMAIL=you@example.com."
        )


def _api_key(client: Metabase) -> str:
    """An API key of the administrators; one of our name whose text is lost is made anew."""
    ours = [key for key in client.get("/api/api-key") if key["name"] == KEY_NAME]
    if ours:
        return str(client.put(f"/api/api-key/{ours[0]['id']}/regenerate", {})["unmasked_key"])
    groups: list[dict[str, Any]] = client.get("/api/permissions/group")
    administrators = [group["id"] for group in groups if group["name"] == "Administrators"]
    if not administrators:
        raise UserError(f"{client.url}: has no group Administrators, which the API key needs.")
    made = client.post("/api/api-key", {"name": KEY_NAME, "group_id": administrators[0]})
    return str(made["unmasked_key"])
