"""What `chaos` gains: thin commands, light to import, because `chaos` loads all of them every time.

Loading any of them puts the gate before Chaos Toolkit's activities. A plugin that cannot be loaded is only a warning
to Chaos Toolkit; so when the gate cannot be put there, the command ends.
"""

import sys

try:
    from chaos_ext.safety import gate

    gate.install()
except Exception as error:
    sys.stderr.write(f"chaos_ext.safety.gate: {type(error).__name__}: {error}\n")
    raise SystemExit(3) from error
