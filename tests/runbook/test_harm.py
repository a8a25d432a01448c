"""Which commands change something, which lose something, and which only look."""

from __future__ import annotations

import pytest

from chaos_ext.runbook import shell
from chaos_ext.runbook.lint import harm

LOOKS, CHANGES, DESTROYS = "looks", "changes", "destroys"


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("psql -c 'SELECT pg_is_in_recovery()'", LOOKS),
        ("psql -c 'SELECT * FROM updates'", LOOKS),
        ("psql -c \"ALTER SYSTEM SET primary_conninfo = 'x'\"", CHANGES),
        ("psql -c 'SELECT pg_reload_conf()'", CHANGES),
        ("psql -c 'SELECT pg_promote(true, 10)'", DESTROYS),
        ("psql <<'SQL'\nSELECT 1;\nDELETE FROM t;\nSQL", DESTROYS),
        ("sql='DROP TABLE t'; psql -c \"$sql\"", DESTROYS),
        ("echo 'DROP TABLE t'", LOOKS),
        ("supervisorctl status pg-a", LOOKS),
        ("supervisorctl -c x.conf restart pg-a", CHANGES),
        ("if ! out=$(supervisorctl stop pg-a); then exit 1; fi", CHANGES),
        ("sudo -u postgres rm -rf /var/lib/x", DESTROYS),
        ("timeout 5 env A=1 rm /x", DESTROYS),
        ("/bin/rm -r \"$DIR\"", DESTROYS),
        ("rm note.txt", CHANGES),
        ("bash -c 'rm -rf \"$DIR\"'", DESTROYS),
        ("ssh \"$NODE\" 'systemctl restart x'", CHANGES),
        ("release current intake", LOOKS),
        ("release previous intake", LOOKS),
        ("release set intake database=x", CHANGES),
        ("release activate intake v1", CHANGES),
        ("kubectl -n shop get pods -o json", LOOKS),
        ("kubectl describe pod x", LOOKS),
        ("kubectl rollout history deploy/x", LOOKS),
        ("kubectl rollout undo deploy/x", CHANGES),
        ("kubectl -n shop scale deploy/x --replicas=3", CHANGES),
        ("kubectl --context \"$C\" delete pod x", DESTROYS),
        ("kubectl exec x -- rm -rf /data", DESTROYS),
        ("kubectl exec x -- cat /data", LOOKS),
        ("aws rds describe-db-clusters --region \"$R\"", LOOKS),
        ("aws s3 ls s3://b", LOOKS),
        ("aws rds modify-db-instance --x y", CHANGES),
        ("aws rds failover-db-cluster --x y", DESTROYS),
        ("aws sqs purge-queue --queue-url \"$Q\"", DESTROYS),
        ("aws s3 rm s3://b/k", DESTROYS),
        ("gcloud sql instances describe x", LOOKS),
        ("gcloud sql instances patch x", CHANGES),
        ("gcloud compute instances delete x", DESTROYS),
        ("valkey-cli -h \"$H\" --scan --pattern 'a*'", LOOKS),
        ("valkey-cli GET a", LOOKS),
        ("valkey-cli CONFIG SET maxmemory 1", CHANGES),
        ("redis-cli flushall", DESTROYS),
        ("curl -fsS \"$URL/health\"", LOOKS),
        ("curl -X DELETE \"$URL/x\"", CHANGES),
        ("curl -d '{}' \"$URL/x\"", CHANGES),
        ("kill -0 1", LOOKS),
        ("kill 1", CHANGES),
        ("kill -9 1", DESTROYS),
        ("sed 's/a/b/' file", LOOKS),
        ("sed -i 's/a/b/' file", CHANGES),
        ("find /x -name y", LOOKS),
        ("find /x -delete", DESTROYS),
        ("git log", LOOKS),
        ("git push --force", DESTROYS),
        ("pg_basebackup -D x", CHANGES),
        ("pg_rewind -D x", DESTROYS),
        ("dd if=/dev/zero of=/dev/sda", DESTROYS),
        ("echo x > /etc/hosts", CHANGES),
        ("echo x >> \"$FILE\"", CHANGES),
        ("cmd > /dev/null 2>&1", LOOKS),
        ("# rm -rf /", LOOKS),
        ("cat <<'E'\nrm -rf /\nE", LOOKS),
        ('ask() { valkey-cli -h "$H" "$@"; }; ask GET x', LOOKS),
        ('ask() { valkey-cli -h "$H" "$@"; }; ask SET x y', CHANGES),
        ('ask() { valkey-cli -h "$H" "$@" 2>/dev/null | tr -d x; }; n=$(ask SET x y)', CHANGES),
        ('function ask { timeout 5 valkey-cli ${@}; }; ask FLUSHALL', DESTROYS),
        ('ask() { valkey-cli "$1"; }; ask GET SET', LOOKS),
        ('pod() { kubectl exec "$P" -- "$@"; }; pod cat /x', LOOKS),
        ('pod() { kubectl exec "$P" -- "$@"; }; pod rm -rf /x', DESTROYS),
        ('ask() { on "$N" "$@"; }; on() { valkey-cli -h "$@"; }; ask DEL x', DESTROYS),
        ('ask() { ask "$@"; }; ask GET x', LOOKS),
        ('rm() { command rm -i "$@"; }; rm /x', DESTROYS),
        ('rm() { echo no; }; rm x', CHANGES),
    ],
)  # fmt: skip
def test_what_a_command_does(command: str, what: str) -> None:
    script = shell.read(command)
    got = DESTROYS if list(harm.destroys(script)) else CHANGES if list(harm.changes(script)) else LOOKS
    assert got == what
    if what is DESTROYS:
        assert list(harm.changes(script)), "what destroys also changes"


def test_a_function_is_told_by_its_call_as_it_is_written() -> None:
    script = shell.read('ask() { valkey-cli -h "$H" "$@"; }\nask GET x\nask SET x y\n')
    assert list(harm.changes(script)) == [(3, "'ask SET x y'")]
