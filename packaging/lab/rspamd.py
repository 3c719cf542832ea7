# SPDX-License-Identifier: BSD-2-Clause
"""An rspamd in a folder of its own: no network, no modules, one rule that tells what it was told.

A message asks for what is to happen to it by its header: `X-Lab-Action` (an action by name),
`X-Lab-Score` (a number), `X-Lab-Milter` (headers to add and remove). GTUBE is rejected.
"""

import os
import pwd
import urllib.request

from . import ports
from .neighbour import Neighbour

# In two halves, so that this file is none itself.
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
SYMBOL = "LAB_TOLD"  # fires for every message

PROGRAM = "/usr/bin/rspamd"
USER = "_rspamd"  # its package's

CONFIGURATION = """
options {{
    pidfile = "{folder}/rspamd.pid";
    tempdir = "{data}";
    hs_cache_dir = "{data}";
    cache_file = "{data}/symbols.cache";
    dynamic_conf = "{data}/dynamic";
    history_file = "{data}/history";
    stats_file = "{data}/stats.ucl";
    control_socket = "{data}/control.sock mode=0600";
    url_tld = "{folder}/tld.dat";
    filters = "";
    rrd = "";
    disable_hyperscan = true;
    dns {{ nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }}
}}
logging {{ type = "console"; level = "info"; }}
worker "normal" {{ bind_socket = "{host}:{port}"; {socket} count = 1; }}
actions {{
    reject = 15; add_header = 6; greylist = 4;
    quarantine = {{ flags = ["no_threshold"]; }} discard = {{ flags = ["no_threshold"]; }}
    lab_custom = {{ flags = ["no_threshold"]; }}
}}
lua = "{folder}/rules.lua";
"""

RULES = """
local function told(task)
    local ip, from = task:get_from_ip(), task:get_from('smtp')
    local rcpts = task:get_recipients('smtp') or {}
    local names = {}
    for _, rcpt in ipairs(rcpts) do names[#names + 1] = rcpt.addr end
    return {
        'ip=' .. (ip and ip:is_valid() and ip:to_string() or '-'),
        'user=' .. (task:get_user() or '-'),
        'helo=' .. (task:get_helo() or '-'),
        'host=' .. (task:get_hostname() or '-'),
        'queue_id=' .. (task:get_queue_id() or '-'),
        'from=' .. (from and from[1] and from[1].addr or '-'),
        'rcpts=' .. #rcpts,
        'rcpt=' .. table.concat(names, ' '),
    }
end

rspamd_config.LAB_SCORE = { score = 1.0, callback = function(task)
    local score = tonumber(task:get_header('X-Lab-Score'))
    if score then return true, score end
end }

rspamd_config.LAB_TOLD = { score = 0.0, callback = function(task)
    local action, told_now = task:get_header('X-Lab-Action'), told(task)
    if task:get_header('X-Lab-Milter') then
        local lines = {}
        for _, line in ipairs(told_now) do lines[#lines + 1] = line end
        task:set_milter_reply({
            add_headers = { ['X-Lab-Told'] = lines, ['X-Lab-Top'] = { value = 'top', order = 0 } },
            remove_headers = { ['X-Lab-Milter'] = 0 },
        })
    end
    if action then task:set_pre_result(action, 'the lab said so') end
    return true, 1.0, told_now
end }
"""


class Rspamd(Neighbour):
    """Listens on a port and on a UNIX socket."""

    NAME = "rspamd"

    def __init__(self, folder: str):
        super().__init__(folder, "data/rspamd.sock")

    def command_line(self) -> list[str]:
        data = os.path.join(self.folder, "data")
        os.makedirs(data, mode=0o755, exist_ok=True)
        if os.getuid() == 0:
            os.chown(data, pwd.getpwnam(USER).pw_uid, -1)
        texts = {"rspamd.conf": CONFIGURATION.format(
                     folder=self.folder, data=data, host=ports.HOST, port=self.port,
                     socket=f'bind_socket = "{self.socket} mode=0666";'),
                 "rules.lua": RULES, "tld.dat": "com\nnet\norg\ntest\n"}
        for name, text in texts.items():
            self.write(name, text)
        user = ["-u", USER, "-g", USER] if os.getuid() == 0 else []
        return [PROGRAM, "-f", "-c", os.path.join(self.folder, "rspamd.conf"), *user]

    def answers(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{ports.HOST}:{self.port}/ping", timeout=2) as reply:
            return reply.read().startswith(b"pong")
