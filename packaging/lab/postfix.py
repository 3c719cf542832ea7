# SPDX-License-Identifier: BSD-2-Clause
"""A private Postfix: Debian's package unpacked, all of its state in one folder.

The machine's own mail system is neither read nor changed: no package is installed, no user is
made, no port below 1024 is used. Postfix wants a user and a group that nobody else uses; two of
those that every Debian has are taken, since they own nothing but their names.
"""

import fcntl
import glob
import grp
import os
import pwd
import re
import subprocess
from dataclasses import dataclass, field
from typing import Optional

from . import ports
from .process import Process, wait_until

OWNER = "news"          # mail_owner
SETGID_GROUP = "uucp"   # setgid_group
PRIVS = "nobody"        # default_privs

QUEUE_FOLDERS = ("incoming", "active", "deferred", "defer", "bounce", "trace", "flush", "hold",
                 "saved", "corrupt", "private")


def unpack(folder: str) -> str:
    """Debian's postfix, unpacked below `folder` once, however many ask at the same time."""
    os.makedirs(folder, exist_ok=True)
    tree = os.path.join(folder, "postfix")
    with open(os.path.join(folder, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(os.path.join(tree, "ready")):
            return tree
        for old in glob.glob(os.path.join(folder, "postfix_*.deb")):
            os.unlink(old)
        # APT::Sandbox::User: else apt warns that its own user cannot write here.
        subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", "postfix"],
                       cwd=folder, check=True, stdin=subprocess.DEVNULL)
        package, = glob.glob(os.path.join(folder, "postfix_*.deb"))
        subprocess.run(["dpkg-deb", "-x", package, tree], check=True)
        with open(os.path.join(tree, "ready"), "w", encoding="ascii"):
            pass
    return tree


def environment(tree: str) -> dict[str, str]:
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C",
            "LD_LIBRARY_PATH": os.path.join(tree, "usr/lib/postfix")}


def command_environment(tree: str) -> dict[str, str]:
    """Of a program that starts Postfix's commands by their names."""
    env = environment(tree)
    return {**env, "PATH": os.path.join(tree, "usr/sbin") + ":" + env["PATH"]}


def program(tree: str, name: str) -> str:
    """smtp-source, smtp-sink, postqueue and their like."""
    return os.path.join(tree, "usr/sbin", name)


@dataclass
class Filter:
    """Where Postfix's content_filter hands mail to, and how it comes back."""
    protocol: str = "lmtp"                       # the first hop's client: lmtp or smtp
    nexthop: str = "unix:postern/lmtp.sock"      # or inet:HOST:PORT (lmtp), [HOST]:PORT (smtp)
    processes: int = 20
    recipient_limit: int = 1000
    options: dict[str, str] = field(default_factory=dict)


@dataclass
class Options:
    """What differs from one private Postfix to the next."""
    port_in: int = 0
    port_reinject: int = 0
    port_final: int = 0         # where everything is delivered to in the end
    content_filter: Optional[Filter] = None
    final_processes: int = 50
    main: dict[str, str] = field(default_factory=dict)      # added to main.cf, last word
    reinject: dict[str, str] = field(default_factory=dict)  # of the smtpd behind the filter


class Postfix:
    """Folder, configuration and processes of one instance."""

    def __init__(self, tree: str, folder: str, options: Options):
        self.tree = tree
        self.folder = folder
        self.options = options
        self.port_in = ports.take(options.port_in)
        self.port_reinject = ports.take(options.port_reinject)
        self.conf = os.path.join(folder, "conf")
        self.queue = os.path.join(folder, "queue")
        self.log = os.path.join(folder, "postfix.log")
        self.master: Optional[Process] = None

    # Configuration

    def write_configuration(self) -> None:
        self._make_folders()
        with open(os.path.join(self.conf, "main.cf"), "w", encoding="utf-8") as file:
            for name, value in self._main().items():
                file.write(f"{name} = {value}\n")
        with open(os.path.join(self.conf, "master.cf"), "w", encoding="utf-8") as file:
            file.write(self._master())
        with open(os.path.join(self.conf, "dynamicmaps.cf"), "w", encoding="ascii"):
            pass

    def _make_folders(self) -> None:
        owner = pwd.getpwnam(OWNER)
        setgid = grp.getgrnam(SETGID_GROUP).gr_gid
        data = os.path.join(self.folder, "data")
        for path in (self.folder, self.conf, self.queue, data):
            os.makedirs(path, mode=0o755, exist_ok=True)
        os.chown(data, owner.pw_uid, 0)
        os.makedirs(os.path.join(self.queue, "pid"), exist_ok=True)
        for name in QUEUE_FOLDERS:
            path = os.path.join(self.queue, name)
            os.makedirs(path, mode=0o700, exist_ok=True)
            os.chown(path, owner.pw_uid, 0)
        for name, mode in (("public", 0o710), ("maildrop", 0o730)):
            path = os.path.join(self.queue, name)
            os.makedirs(path, exist_ok=True)
            os.chown(path, owner.pw_uid, setgid)
            os.chmod(path, mode)
        # Postfix would make it for root alone, and Postern follows it.
        with open(self.log, "a", encoding="ascii"):
            os.chmod(self.log, 0o644)

    def _main(self) -> dict[str, str]:
        usr = os.path.join(self.tree, "usr")
        final = f"final:[127.0.0.1]:{self.options.port_final}"
        main = {
            "compatibility_level": "3.7",
            "queue_directory": self.queue,
            "data_directory": os.path.join(self.folder, "data"),
            "daemon_directory": os.path.join(usr, "lib/postfix/sbin"),
            "command_directory": os.path.join(usr, "sbin"),
            "shlib_directory": os.path.join(usr, "lib/postfix"),
            "meta_directory": self.conf,
            "mail_owner": OWNER,
            "setgid_group": SETGID_GROUP,
            "default_privs": PRIVS,
            "import_environment": "MAIL_CONFIG MAIL_LOGTAG LANG=C LD_LIBRARY_PATH POSTLOG_SERVICE",
            "maillog_file": self.log,
            "maillog_file_prefixes": self.folder,
            "myhostname": "mx.postern.test",
            "mydomain": "postern.test",
            "mydestination": "",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "mynetworks": "127.0.0.0/8",
            "alias_maps": "", "alias_database": "", "local_recipient_maps": "",
            "smtp_dns_support_level": "disabled",
            "smtp_host_lookup": "native",
            "smtpd_relay_restrictions": "permit_mynetworks,reject",
            "smtpd_recipient_restrictions": "permit_mynetworks,reject",
            "smtpd_authorized_xforward_hosts": "127.0.0.0/8",
            "smtpd_client_connection_count_limit": "0",
            "smtpd_error_sleep_time": "0",
            "smtpd_peername_lookup": "no",
            "local_header_rewrite_clients": "",
            "append_dot_mydomain": "no",
            "default_transport": final, "relay_transport": final,
            "local_transport": final, "virtual_transport": final,
            "final_destination_recipient_limit": "1000",
            "final_destination_concurrency_limit": str(self.options.final_processes),
            "default_destination_concurrency_failed_cohort_limit": "0",
            "final_initial_destination_concurrency": "20",
            "message_size_limit": "60000000",
            "mailbox_size_limit": "0",
            "queue_minfree": "0",
            "default_process_limit": "100",
            "smtputf8_enable": "yes",
            "enable_long_queue_ids": "yes",
            "notify_classes": "",
            # Deferred mail comes back within seconds: nobody waits five minutes for a test.
            "queue_run_delay": "2s", "minimal_backoff_time": "2s", "maximal_backoff_time": "3s",
        }
        if self.options.content_filter is not None:
            main.update(self._filter_main(self.options.content_filter))
        main.update(self.options.main)
        return main

    @staticmethod
    def _filter_main(content_filter: Filter) -> dict[str, str]:
        return {
            "content_filter": f"postern:{content_filter.nexthop}",
            "receive_override_options": "no_address_mappings",
            "postern_destination_recipient_limit": str(content_filter.recipient_limit),
            "postern_destination_concurrency_limit": str(content_filter.processes),
            "postern_initial_destination_concurrency": str(content_filter.processes),
            "postern_destination_concurrency_failed_cohort_limit": "0",
        }

    def _master(self) -> str:
        lines = [
            "postlog unix-dgram n - n - 1 postlogd",
            f"127.0.0.1:{self.port_in} inet n - n - - smtpd",
            "cleanup unix n - n - 0 cleanup",
            "qmgr unix n - n 300 1 qmgr",
            "rewrite unix - - n - - trivial-rewrite",
            "bounce unix - - n - 0 bounce",
            "defer unix - - n - 0 bounce",
            "trace unix - - n - 0 bounce",
            "flush unix n - n 1000? 0 flush",
            "proxymap unix - - n - - proxymap",
            "showq unix n - n - - showq",
            "error unix - - n - - error",
            "retry unix - - n - - error",
            "discard unix - - n - - discard",
            "anvil unix - - n - 1 anvil",
            "scache unix - - n - 1 scache",
            f"final unix - - n - {self.options.final_processes} smtp",
            "  -o smtp_send_xforward_command=yes -o disable_mime_output_conversion=yes",
            "  -o smtp_line_length_limit=0 -o syslog_name=postfix/final",
        ]
        if self.options.content_filter is not None:
            lines += self._filter_master(self.options.content_filter)
            lines += self._reinject_master()
        return "\n".join(lines) + "\n"

    @staticmethod
    def _filter_master(content_filter: Filter) -> list[str]:
        name = content_filter.protocol
        options = {
            f"{name}_send_xforward_command": "yes",
            "disable_mime_output_conversion": "yes",
            f"{name}_connection_cache_on_demand": "no",
            f"{name}_line_length_limit": "0",
            f"{name}_generic_maps": "", f"{name}_header_checks": "", f"{name}_body_checks": "",
            f"{name}_mime_header_checks": "", f"{name}_nested_header_checks": "",
            f"{name}_data_done_timeout": "1200s",
            f"{name}_tls_security_level": "none", f"{name}_sasl_auth_enable": "no",
        }
        if name == "smtp":
            options.update({"smtp_fallback_relay": "", "smtp_bind_address": ""})
        options.update(content_filter.options)
        lines = [f"postern unix - - n - {content_filter.processes} {name}"]
        return lines + [f"  -o {key}={value}" for key, value in options.items()]

    def _reinject_master(self) -> list[str]:
        own = [f"  -o {key}={value}" for key, value in self.options.reinject.items()]
        return [
            f"127.0.0.1:{self.port_reinject} inet n - n - 50 smtpd",
            "  -o content_filter=",
            "  -o receive_override_options=no_unknown_recipient_checks,no_header_body_checks,"
            "no_milters",
            "  -o smtpd_client_restrictions= -o smtpd_helo_restrictions= "
            "-o smtpd_sender_restrictions=",
            "  -o smtpd_relay_restrictions= -o smtpd_recipient_restrictions=permit_mynetworks,"
            "reject",
            "  -o smtpd_data_restrictions= -o smtpd_end_of_data_restrictions=",
            "  -o mynetworks=127.0.0.0/8 -o smtpd_authorized_xforward_hosts=127.0.0.0/8",
            "  -o local_header_rewrite_clients=",
            "  -o smtpd_tls_security_level=none -o smtpd_sasl_auth_enable=no",
            "  -o smtpd_forbid_bare_newline=reject -o smtpd_forbid_bare_newline_exclusions=",
            "  -o smtpd_forbid_unauth_pipelining=yes -o smtpd_error_sleep_time=0",
            "  -o smtpd_client_connection_count_limit=0 -o smtpd_client_connection_rate_limit=0",
            "  -o syslog_name=postfix/reinject",
            *own,
        ]

    # Life

    def start(self) -> None:
        self.write_configuration()
        self.launch()

    def launch(self) -> None:
        """With the configuration as it lies there."""
        env = dict(environment(self.tree), MAIL_CONFIG=self.conf)
        master = os.path.join(self.tree, "usr/lib/postfix/sbin/master")
        self.master = Process("postfix master", [master, "-c", self.conf, "-d"],
                              os.path.join(self.folder, "master.out"), env)
        wait_until(self._is_up, 20, f"Postfix listens on {self.port_in}, see {self.log}")

    def _is_up(self) -> bool:
        if self.master is not None and not self.master.is_running():
            raise RuntimeError(f"Postfix did not start:\n{self.log_text()}")
        return not ports.is_free(self.port_in)

    def stop(self) -> None:
        if self.master is not None:
            self.master.stop()
            self.master = None

    def run(self, name: str, *arguments: str) -> str:
        """A Postfix command on this instance; its output."""
        env = dict(environment(self.tree), MAIL_CONFIG=self.conf)
        done = subprocess.run([program(self.tree, name), "-c", self.conf, *arguments], env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        return done.stdout

    def reload(self) -> None:
        self.write_configuration()
        assert self.master is not None
        self.master.signal(1)

    # Looking

    def log_text(self) -> str:
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def log_lines(self, pattern: str) -> list[str]:
        wanted = re.compile(pattern)
        return [line for line in self.log_text().splitlines() if wanted.search(line)]

    def queued(self) -> int:
        """Messages that Postfix still has."""
        count = 0
        for name in ("maildrop", "incoming", "active", "deferred", "hold", "corrupt"):
            for _, _, files in os.walk(os.path.join(self.queue, name)):
                count += len(files)
        return count
