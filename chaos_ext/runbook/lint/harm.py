"""Which commands change something, and which of these lose something for good: tables, and their lookup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from chaos_ext.language import t
from chaos_ext.runbook import shell
from chaos_ext.runbook.shell import Command, Script

Found = tuple[int, str]  # line in the code, what does it

_SQL_CLIENTS = {"psql", "mysql", "mariadb", "sqlite3", "cockroach", "bq", "sqlcmd", "cqlsh"}
_SQL_DESTROYS = (
    r"\bDROP\s+(?:DATABASE|TABLE|SCHEMA|INDEX|VIEW|ROLE|USER|TABLESPACE|EXTENSION|SUBSCRIPTION|PUBLICATION|OWNED)\b",
    r"\bTRUNCATE\b", r"\bDELETE\s+FROM\b", r"\bpg_promote\s*\(", r"\bpg_drop_replication_slot\s*\(",
)  # fmt: skip
_SQL_CHANGES = (
    *_SQL_DESTROYS,
    r"\bINSERT\s+INTO\b", r"\bUPDATE\s+[\w.\"]+\s+SET\b", r"\bMERGE\s+INTO\b", r"\bALTER\s+\w+", r"\bGRANT\s+\w+",
    r"\bREVOKE\s+\w+", r"\bCREATE\s+(?:OR\s+REPLACE\s+|UNIQUE\s+|TEMP\w*\s+)*\w+", r"\bREINDEX\b", r"\bVACUUM\b",
    r"\bCLUSTER\s+\w+", r"\bCOPY\s+[\w.\"]+\s+FROM\b", r"\bLOCK\s+TABLE\b", r"\bSELECT\b[^;]*\bINTO\s+\w+",
    r"\bpg_(?:reload_conf|rotate_logfile|terminate_backend|cancel_backend|switch_wal|create_\w+|wal_replay_pause|"
    r"wal_replay_resume|backup_start|backup_stop|advisory_lock|logical_emit_message|stat_reset\w*)\s*\(",
    r"\bsetval\s*\(", r"\bnextval\s*\(", r"\blo_(?:create|import|unlink)\s*\(",
)  # fmt: skip

# Programs that change something whatever their arguments are.
_ALWAYS_CHANGES = {
    "rm", "rmdir", "mv", "cp", "ln", "dd", "tee", "install", "truncate", "shred", "chmod", "chown", "chgrp", "kill",
    "pkill", "killall", "reboot", "shutdown", "poweroff", "halt", "mkfs", "wipefs", "mount", "umount", "pg_rewind",
    "pg_basebackup", "pg_resetwal", "pg_restore", "pg_ctl", "pg_promote", "createdb", "dropdb", "rsync", "scp", "touch",
    "mkdir", "patch", "helm", "terraform", "ansible-playbook", "crontab", "iptables", "nft", "useradd", "userdel",
}  # fmt: skip
_ALWAYS_DESTROYS = {
    "dd", "shred", "truncate", "wipefs", "mkfs", "reboot", "shutdown", "poweroff", "halt", "pg_rewind", "pg_resetwal",
    "pg_restore", "dropdb", "killall", "pkill",
}  # fmt: skip

# The first word that is not an option → what it does. Others of the same program only look.
_VERBS_CHANGE = {
    "supervisorctl": "start stop restart signal reread update add remove clear shutdown reload",
    "systemctl": "start stop restart reload kill enable disable mask unmask isolate daemon-reload reset-failed "
    "set-property",
    "service": "",
    "release": "set activate add",
    "pg-clone": "create drop", "cache": "warm", "exports": "replay", "certificate": "issue",
    "kubectl": "apply create delete edit patch scale autoscale annotate label set replace run expose drain cordon "
    "uncordon taint rollout cp",
    "docker": "start stop restart kill rm rmi run create exec update pause unpause rename system volume network",
    "git": "push commit reset checkout clean merge rebase",
    "redis-cli": "", "valkey-cli": "",
}  # fmt: skip
_VERBS_DESTROY = {
    "supervisorctl": "shutdown remove clear",
    "kubectl": "delete drain replace",
    "docker": "rm rmi kill system volume",
    "git": "push reset clean",
    "helm": "uninstall delete rollback",
    "terraform": "destroy apply",
    "pg_ctl": "promote kill",
}
_ROLLOUT_LOOKS = {"status", "history"}
_REDIS_CHANGES = re.compile(
    r"\b(?:SET(?:EX|NX|RANGE|BIT)?|M?SETNX|MSET|GETSET|GETDEL|DEL|UNLINK|FLUSHALL|FLUSHDB|EXPIRE\w*|PEXPIRE\w*|PERSIST|RENAME\w*"
    r"|MOVE|COPY|RESTORE|MIGRATE|APPEND|INCR\w*|DECR\w*|[LR]PUSHX?|[LR]POP|LTRIM|LREM|LSET|S(?:ADD|REM|POP|MOVE)|Z(?:ADD|REM\w*|INCRBY"
    r"|POP\w*)|H(?:SET|SETNX|DEL|INCRBY\w*|MSET)|X(?:ADD|DEL|TRIM|ACK|GROUP|CLAIM)|CONFIG\s+(?:SET|RESETSTAT|REWRITE)|SHUTDOWN"
    r"|REPLICAOF|SLAVEOF|FAILOVER|BGSAVE|BGREWRITEAOF|SAVE|SCRIPT\s+FLUSH|CLIENT\s+(?:KILL|PAUSE)|DEBUG|SWAPDB|EVAL\w*"
    r"|CLUSTER\s+(?:FAILOVER|RESET|FORGET|MEET|ADDSLOTS|DELSLOTS|SETSLOT)|ACL\s+(?:SETUSER|DELUSER))\b",
    re.IGNORECASE,
)  # fmt: skip
_REDIS_DESTROYS = re.compile(
    r"(?<![-+])\b(?:FLUSHALL|FLUSHDB|DEL|UNLINK|SHUTDOWN|CLUSTER\s+RESET|REPLICAOF|SLAVEOF)\b", re.IGNORECASE
)  # not `-flushall`, which forbids it
_AWS_LOOKS = re.compile(
    r"(?:describe|get|list|head|lookup|filter|batch-get|select|scan|query|search|test|validate|simulate|estimate"
    r"|preview|view|show)-.*|ls|wait|help|tail|presign|get|query|scan"
)
_CLOUD_DESTROYS = re.compile(
    r"(?:delete|terminate|purge|deregister|remove|revoke|disassociate|detach|reset|reboot|failover|promote|restore"
    r"|release)(?:-.*)?|rm|rb|rsync|restart|stop"
)
_GCLOUD_LOOKS = {
    "list", "describe", "get", "read", "tail", "info", "version", "help", "get-iam-policy", "print-access-token",
    "get-credentials", "get-server-config", "search", "cat", "ls", "du", "stat", "get-health", "wait", "lookup",
}  # fmt: skip
_CURL_CHANGES = re.compile(
    r"-X\s*(?:POST|PUT|PATCH|DELETE)\b|--request[= ](?:POST|PUT|PATCH|DELETE)\b"
    r"|(?:^|\s)(?:-d|--data\S*|-F|--form|-T|--upload-file|--json)\b"
)
_MOST_CALLS = 30  # of functions, until a command is reached or for one command
_SHELLS = {"bash", "sh", "eval", "ssh"}
_INTO = re.compile(r"/dev/(?:null|stdout|stderr|fd/\d+|tty)|&?\d+|-")


def changes(script: Script) -> Iterator[Found]:
    """Every command that changes something outside the block, and every file it writes."""
    yield from _sql(script, _SQL_CHANGES)
    yield from _multiplied(script)
    for command, written in _with_inner(script):
        if _changes(command):
            yield written.line, f"'{_short(written)}'"
    temporary = {command.line for command in script.commands if command.name == "mktemp"}
    for target, line in script.writes_to:
        if not _INTO.fullmatch(target) and ("/" in target or "$" in target) and not temporary:
            yield line, t("writing to '{target}'", target=target)


def destroys(script: Script) -> Iterator[Found]:
    """Every command that loses something which cannot be had back."""
    yield from _sql(script, _SQL_DESTROYS)
    yield from _multiplied(script)
    for command, written in _with_inner(script):
        if _destroys(command):
            yield written.line, f"'{_short(written)}'"


def _short(command: Command) -> str:
    text = " ".join(command.words)
    return text if len(text) <= 60 else text[:57] + "…"


def _sql(script: Script, patterns: tuple[str, ...]) -> Iterator[Found]:
    if not any(command.name in _SQL_CLIENTS for command in script.commands):
        return
    for text, line in script.strings:
        for pattern in patterns:
            match = re.search(pattern, text, re.IGNORECASE)
            if match:
                yield line + text[: match.start()].count("\n"), f"'{' '.join(match[0].split())}'"
                break


def _called(script: Script, command: Command, inside: tuple[str, ...] = ()) -> Iterator[Command]:
    """The command, or what the script's function of that name hands the arguments to."""
    done = command.name in inside or len(inside) > _MOST_CALLS
    wraps = [] if done else script.functions.get(command.name, [])
    if not wraps:
        yield command
    for wrapped in wraps:
        words = (*wrapped.words[:-1], *command.words[1:])
        whole = Command(command.line, words, wrapped.assignments, command.stdin)
        yield from _called(script, whole, (*inside, command.name))


def _with_inner(script: Script) -> Iterator[tuple[Command, Command]]:
    """The commands that are run, also by functions, other shells and containers; each with what is written for it."""
    for written in script.commands:
        for command in islice(_called(script, written), _MOST_CALLS):
            yield command, written
            yield from ((nested, nested) for nested in _handed_on(command))


def _multiplied(script: Script) -> Iterator[Found]:
    """Functions that call each other so often that nobody can say what they do."""
    for written in script.commands:
        if next(islice(_called(script, written), _MOST_CALLS, None), None):
            yield (
                written.line,
                t(
                    "'{command}', which calls more than {most} others",
                    command=_short(written),
                    most=_MOST_CALLS,
                ),
            )


def _handed_on(command: Command) -> Iterator[Command]:
    """What it hands to another shell or container."""
    inner = ""
    if command.name in _SHELLS and len(command.words) > 1:
        inner = command.words[-1]
    elif command.name in ("kubectl", "docker") and "exec" in command.words:
        rest = command.words[command.words.index("exec") + 1 :]
        inner = " ".join(rest[rest.index("--") + 1 :] if "--" in rest else rest[1:])
    for nested in shell.read(inner).commands if inner else ():
        yield Command(command.line, nested.words, nested.assignments, nested.stdin)


def _verb(command: Command) -> str:
    """The first word that is neither an option nor the value of one."""
    words = list(command.words[1:])
    while words and words[0].startswith("-"):
        words = words[1:] if "=" in words[0] or len(words) < 2 or words[1].startswith("-") else words[2:]
    if not words:
        # Options without a value swallowed the verb: any word will do.
        words = [word for word in command.words[1:] if not word.startswith("-")][-1:]
    return words[0] if words else ""


def _cloud_verb(command: Command) -> str:
    """aws SERVICE VERB, gcloud GROUP… VERB: the last bare word before the options, or the second for aws."""
    words = [word for word in command.words[1:] if not word.startswith("-")]
    if command.name == "aws":
        return words[1] if len(words) > 1 else ""
    known = [word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)]
    looks = [word for word in known if word in _GCLOUD_LOOKS]
    return (
        looks[0]
        if looks
        else next((word for word in known if _CLOUD_DESTROYS.fullmatch(word)), known[-1] if known else "")
    )


def _changes(command: Command) -> bool:
    name, words = command.name, command.words
    if _destroys(command):
        return True
    if name in _ALWAYS_CHANGES:
        return not (name == "pg_ctl" and "status" in words) and not (name == "kill" and "-0" in words)
    if name == "sed":
        return any(re.fullmatch(r"-[a-zA-Z]*i.*|--in-place.*", word) for word in words[1:])
    if name == "find":
        return any(word in ("-delete", "-exec", "-execdir") for word in words)
    if name in ("curl", "wget"):
        return bool(_CURL_CHANGES.search(" ".join(words))) or "--post-data" in " ".join(words)
    if name in ("redis-cli", "valkey-cli"):
        return bool(_REDIS_CHANGES.search(" ".join(words[1:])))
    if name == "aws":
        verb = _cloud_verb(command)
        return bool(verb) and not _AWS_LOOKS.fullmatch(verb)
    if name in ("gcloud", "gsutil"):
        verb = _cloud_verb(command)
        return bool(verb) and verb not in _GCLOUD_LOOKS
    if name == "kubectl" and "rollout" in words:
        return not _ROLLOUT_LOOKS & set(words)
    verbs = _VERBS_CHANGE.get(name)
    return verbs is not None and _says(command, verbs)


def _destroys(command: Command) -> bool:
    name, words = command.name, command.words
    if name in _ALWAYS_DESTROYS or name.startswith("mkfs."):
        return True
    if name == "rm":
        return any("$" in word or "/" in word or "*" in word for word in words[1:])
    if name == "kill":
        return any(word in ("-9", "-KILL", "-SIGKILL") for word in words)
    if name == "find":
        return "-delete" in words
    if name == "rsync":
        return any(word.startswith("--delete") for word in words)
    if name in ("redis-cli", "valkey-cli"):
        return bool(_REDIS_DESTROYS.search(" ".join(words[1:])))
    if name in ("aws", "gcloud", "gsutil"):
        return bool(_CLOUD_DESTROYS.fullmatch(_cloud_verb(command)))
    if name == "git":
        return (
            ("push" in words and any(w in ("-f", "--force") for w in words))
            or "--hard" in words
            or "clean" in words
        )
    verbs = _VERBS_DESTROY.get(name)
    return verbs is not None and _says(command, verbs)


def _says(command: Command, verbs: str) -> bool:
    return _verb(command) in verbs.split()
