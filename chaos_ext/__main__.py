"""`python -m chaos_ext …` is `chaos …`, but a Ctrl-C while Python still imports ends it without a traceback."""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is started yet; each command takes it back

from chaostoolkit.cli import cli  # noqa: E402

if __name__ == "__main__":
    cli()
