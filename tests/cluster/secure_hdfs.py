"""HDFS in secure mode: a Kerberos realm of its own (MIT's KDC, by k5test), and TLS by an authority of its own.

WebHDFS is there both ways, with TLS and without; who asks is let in by Kerberos or by a delegation token, not by name.
"""

from __future__ import annotations

import getpass
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.cluster.hdfs import Hdfs
from tests.ports import free_port

REALM = "LTDESK.TEST"
PASSWORD = "changeit"
PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
SSL_SERVER = """\
<configuration>
  <property><name>ssl.server.keystore.location</name><value>{folder}/server.p12</value></property>
  <property><name>ssl.server.keystore.type</name><value>pkcs12</value></property>
  <property><name>ssl.server.keystore.password</name><value>{password}</value></property>
  <property><name>ssl.server.keystore.keypassword</name><value>{password}</value></property>
</configuration>
"""


def why_not_secure() -> str:
    """Why there can be no Kerberos and TLS here; empty where there can. Whether there can be any HDFS is not asked."""
    for program in ("krb5kdc", "kdb5_util", "kadmin.local"):
        if not shutil.which(program, path=PATH):
            return f"there is no {program} for Kerberos (Debian: krb5-kdc krb5-admin-server)"
    if not shutil.which("openssl"):
        return "there is no openssl to make certificates with (Debian: openssl)"
    try:
        import k5test  # noqa: F401
        import requests_kerberos  # noqa: F401
    except ImportError as error:
        return f"{error}: pip install 'ltdesk[kerberos]' k5test"
    return ""


class Realm:
    """A KDC that knows the daemons and this user.

    environment : by which this user's programs find it, and are let in
    keytab : the daemons' keys
    """

    def __init__(self) -> None:
        import k5test

        port = free_port()
        address = f"127.0.0.1:{port}"
        # names of hosts are taken as they are given: they are addresses
        names = {"dns_canonicalize_hostname": "false", "rdns": "false"}
        listen = {"kdc_listen": address, "kdc_tcp_listen": address, "kdc_ports": None, "kdc_tcp_ports": None}
        self._realm = k5test.K5Realm(
            realm=REALM,
            portbase=port,
            krb5_conf={"libdefaults": names, "realms": {"$realm": {"kdc": address}}},
            kdc_conf={"realms": {"$realm": listen}},
            create_user=False,
            create_host=False,
            get_creds=False,
        )
        self.keytab = Path(self._realm.keytab)
        for principal in ("hdfs/127.0.0.1", "HTTP/127.0.0.1"):
            self._add(principal, self.keytab)
        self._add(getpass.getuser(), Path(self._realm.client_keytab))
        used = ("KRB5_CONFIG", "KRB5CCNAME", "KRB5_CLIENT_KTNAME")
        self.environment: dict[str, str] = {name: str(self._realm.env[name]) for name in used}

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This process is the user's."""
        before = {name: os.environ.get(name) for name in self.environment}
        os.environ.update(self.environment)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})

    def _add(self, principal: str, keytab: Path) -> None:
        self._realm.addprinc(principal)
        self._realm.extract_keytab(principal, str(keytab))

    def stop(self) -> None:
        self._realm.stop()


def make_certificates(folder: Path, hosts: list[str]) -> None:
    """In a folder: an authority ``ca.pem``, and ``server.p12``, its certificate for hosts, for Java."""
    folder.mkdir(parents=True, exist_ok=True)

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "rsa:2048", "-noenc")
    (folder / "names").write_text("subjectAltName=" + ",".join(f"IP:{host}" for host in hosts))
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=ltdesk tests")
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=hdfs")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "names", "-out", "server.pem")  # fmt: skip
    openssl("pkcs12", "-export", "-in", "server.pem", "-inkey", "server.key", "-out", "server.p12",
            "-passout", f"pass:{PASSWORD}")  # fmt: skip
    (folder / "ssl-server.xml").write_text(SSL_SERVER.format(folder=folder, password=PASSWORD))


class SecureHdfs(Hdfs):
    """A cluster that lets nobody in by name.

    realm : its Kerberos
    authority : the certificate by which its own are trusted
    secure_netloc : host and port of the NameNode with TLS
    """

    def __init__(self, root: Path, realm: Realm, datanodes: int = 2) -> None:
        super().__init__(root, datanodes)
        self.realm, self.authority = realm, root / "tls" / "ca.pem"
        self._secure_port = free_port()
        self._secure_data_ports = [free_port() for _ in self.hosts]
        make_certificates(root / "tls", ["127.0.0.1", *self.hosts])
        self._class_path = f"{root / 'tls'}:{self._class_path}"
        self._jvm += [f"-Djava.security.krb5.conf={realm.environment['KRB5_CONFIG']}"]

    @property
    def secure_netloc(self) -> str:
        return f"127.0.0.1:{self._secure_port}"

    def get(self, url: str) -> bytes:
        return self._asked("GET", url)

    def token(self) -> str:
        """A delegation token of this user."""
        told = json.loads(self._asked("GET", f"http://{self.netloc}/webhdfs/v1/?op=GETDELEGATIONTOKEN&renewer=nobody"))
        return str(told["Token"]["urlString"])

    def cancel(self, token: str) -> None:
        self._asked("PUT", f"http://{self.netloc}/webhdfs/v1/?op=CANCELDELEGATIONTOKEN&token={token}")

    def _asked(self, method: str, url: str) -> bytes:
        """What is answered to this user, by Kerberos. Raises OSError."""
        from requests_kerberos import OPTIONAL, HTTPKerberosAuth

        with self.realm.entered():
            answer = requests.request(method, url, timeout=5, auth=HTTPKerberosAuth(OPTIONAL))  # DataNodes ask for none
        answer.raise_for_status()
        return answer.content

    def _properties(self) -> dict[str, str]:
        daemons = ("dfs.namenode.kerberos.principal", "dfs.datanode.kerberos.principal")
        names = dict.fromkeys(daemons, f"hdfs/127.0.0.1@{REALM}")
        keytabs = (
            "dfs.namenode.keytab.file", "dfs.datanode.keytab.file", "dfs.web.authentication.kerberos.keytab",
        )  # fmt: skip
        return super()._properties() | names | dict.fromkeys(keytabs, str(self.realm.keytab)) | {
            "hadoop.security.authentication": "kerberos",
            "hadoop.security.auth_to_local": f"RULE:[2:$1@$0](hdfs@{REALM})s/.*/{getpass.getuser()}/\nDEFAULT",
            # WebHDFS goes by the settings for all of Hadoop's web pages, whose default is to believe any name
            "hadoop.http.authentication.type": "kerberos",
            "hadoop.http.authentication.kerberos.principal": f"HTTP/127.0.0.1@{REALM}",
            "hadoop.http.authentication.kerberos.keytab": str(self.realm.keytab),
            "dfs.web.authentication.kerberos.principal": f"HTTP/127.0.0.1@{REALM}",
            "dfs.block.access.token.enable": "true",
            "dfs.http.policy": "HTTP_AND_HTTPS",
            "dfs.https.server.keystore.resource": "ssl-server.xml",
            # low ports are root's, and a DataNode of ours has none
            "ignore.secure.ports.for.testing": "true",
        }  # fmt: skip

    def _name_properties(self) -> dict[str, str]:
        return super()._name_properties() | {"dfs.namenode.https-address": self.secure_netloc}

    def _data_properties(self, number: int) -> dict[str, str]:
        address = f"{self.hosts[number]}:{self._secure_data_ports[number]}"
        return super()._data_properties(number) | {"dfs.datanode.https.address": address}
