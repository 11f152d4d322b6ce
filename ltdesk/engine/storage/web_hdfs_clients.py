"""The clients of the package ``hdfs``, for the kinds of authentication that the environment names."""

from __future__ import annotations

import os
import re
from getpass import getuser

import requests
from hdfs.client import Client, InsecureClient, TokenClient

from ltdesk.errors import StorageError

AUTH, TOKEN = "LTDESK_HDFS_AUTH", "LTDESK_HDFS_TOKEN"
"""Environment: ``simple`` (the default) or ``kerberos``; a delegation token, which goes before both."""


def urls_of(hosts: str, secure: bool) -> list[str]:
    """9870 and 9871 are WebHDFS's usual ports."""
    scheme, port = ("https", 9871) if secure else ("http", 9870)
    named = [host if re.search(r":\d+$", host) else f"{host}:{port}" for host in hosts.split(",") if host]
    return list(dict.fromkeys(f"{scheme}://{host}" for host in named))


def client_for(url: str, user: str, timeout: tuple[float, float]) -> Client:
    """The client for the environment's kind of authentication. Raises StorageError where it is not installed."""
    if own := token():
        return TokenClient(url, own, timeout=timeout, session=requests.Session())
    if os.environ.get(AUTH, "simple").lower() == "simple":
        return InsecureClient(url, user=user or _own_name(url), timeout=timeout, session=requests.Session())
    if os.environ[AUTH].lower() != "kerberos":
        raise StorageError(f"{AUTH}={os.environ[AUTH]}: is not known", "Set it to simple or kerberos.")
    try:
        from hdfs.ext.kerberos import KerberosClient
    except ImportError as error:
        raise StorageError(
            f"Kerberos needs a package: {error}", "Install it: pip install 'ltdesk[kerberos]'."
        ) from error
    return KerberosClient(url, timeout=timeout, session=requests.Session())


def _own_name(url: str) -> str:
    try:
        return getuser()
    except (KeyError, OSError, ImportError) as error:  # as in a container that knows this user by number alone
        way_out = "Write it as in webhdfs://USER@NAMENODE:9870/PATH."
        raise StorageError(f"{url}: asks for a user's name, and this user has none here", way_out) from error


def token() -> str:
    return os.environ.get(TOKEN, "")
