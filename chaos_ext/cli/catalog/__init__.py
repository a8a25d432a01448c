"""`chaos catalog`: what can fail, whether the catalogue holds together, what it compiles to."""

from __future__ import annotations

import click

from chaos_ext.cli.catalog.checking import check, compile
from chaos_ext.cli.catalog.listing import list_
from chaos_ext.cli.catalog.new import new
from chaos_ext.cli.catalog.proving import prove_probes
from chaos_ext.cli.catalog.schema import schema
from chaos_ext.cli.catalog.sheet import export, import_
from chaos_ext.cli.catalog.show import show
from chaos_ext.cli.catalog.site import site
from chaos_ext.cli.catalog.status import status
from chaos_ext.cli.usage import Group


@click.group(cls=Group)
def catalog() -> None:
    """What can fail, and whether what is written about it holds together."""


for _command in (list_, show, check, compile, export, import_, new, prove_probes, schema, site, status):
    catalog.add_command(_command)
