"""`romi keys`: the regions' keys."""

from __future__ import annotations

import json
from pathlib import Path

import click

from orchestration.cli.console import wait_teller
from settings import load_settings


@click.option("--region", metavar="R", required=True, help="The region whose pseudonym key is rotated.")
def rotate(config: Path | None, warehouse: Path | None, as_json: bool, region: str) -> None:
    """Add a key to a region's pseudonym key, and replace every pseudonym of a person by one made with both.

    It needs no plain identifier, and what finance reads stays as it is. Keep the old key: it is still in the key file.
    If it is killed, run it again or let the next run finish it.
    """
    from operations.rights import rotation
    from privacy.keys import key_file

    settings = load_settings(config, warehouse=warehouse)
    replaced = rotation.rotate(settings, region, wait_teller(as_json))
    if as_json:
        click.echo(json.dumps({"region": region, "replaced": replaced}))
    else:
        click.echo(f"{region}: {replaced:,} pseudonyms replaced; back up {key_file(settings.warehouse)} anew")


@click.option("--region", metavar="R", help="The region whose key to print; default: the key that signs closes.")
def public(config: Path | None, warehouse: Path | None, as_json: bool, region: str | None) -> None:
    """Print the public key, in PEM, that verifies what a region or the whole warehouse has signed."""
    from operations.closes.close import signing_key
    from operations.rights.subjects import regions
    from privacy import signing
    from privacy.keys import region_key

    settings = load_settings(config, warehouse=warehouse)
    regions(settings, region)
    key = region_key(settings.warehouse, region, "certificate") if region else signing_key(settings)
    found = signing.public_key(key)
    facts = {"region": region, "fingerprint": signing.fingerprint(found), "public_key": signing.as_pem(found)}
    click.echo(json.dumps(facts) if as_json else facts["public_key"], nl=as_json)
