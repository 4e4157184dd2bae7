"""`launch.py models`: which models there are, and fetching, verifying and removing one."""

from __future__ import annotations

import sys

from app.commands.console import console_job, note
from app.editor.model_advice import advice_for, this_machine, without_engine
from core.errors import InputError
from core.models.catalogue import licences, MODELS, size_words
from core.models.fetch import begun_mb, fetch_model, is_accepted, lacking, remove_model, verify_model
from core.models.model import ModelEntry
from core.models.store import ModelStore
from core.words import counted


def list_models(store: ModelStore, device: str) -> None:
    """Print a line for each model, and below it what it would bring on this machine.

    Args:
        store: Where models lie.
        device: As --device says.
    """
    width = max(len(name) for name in MODELS)
    machine = this_machine(device)
    advice = advice_for(machine)
    for model in MODELS.values():
        if model.kind != "part":
            print(f"{model.name:<{width}} {model.kind:<10} {_state(model, store):<28} {model.title} ({_licence(model)})")
            first = " Take this one first." if advice[model.name].first else ""
            print(f"{'':<{width}} {advice[model.name].brings}{first}")
    print(without_engine(machine, advice) or f"This machine has {machine}.", file=sys.stderr)


def fetch(name: str, store: ModelStore, accepted: bool, revision: str | None) -> None:
    """Fetch a model, once its licence is accepted: by the option, by the answer to a question on a
    terminal, or before an earlier download that goes on.

    Args:
        name: A name of the catalogue.
        store: Where the model is put.
        accepted: Whether the option was given.
        revision: Another revision than the catalogue's.

    Raises:
        InputError: The licence is not accepted.
    """
    model = MODELS.get(name)
    if model is not None and model.runs and not model.ships and lacking(name, store) and not is_accepted(name, store):
        for licence in licences(model):
            note(f"{name} is under this licence: {licence}")
        if not accepted and not _asked(name):
            raise InputError(f"'{name}' is fetched when its licence is accepted: answer yes, or say --accept-licence")
        accepted = True
    with console_job() as context:
        print(f"{name} is in {fetch_model(name, store, context, accepted=accepted, revision=revision)}")


def verify(name: str, store: ModelStore) -> None:
    """Compare the files of a fetched model with the hub's hashes."""
    with console_job() as context:
        checked = verify_model(name, store, context)
    print(f"{name} is as the hub has it: {counted(checked, 'file')} verified")


def remove(name: str, store: ModelStore) -> None:
    """Delete a fetched model."""
    left = remove_model(name, store)
    print(f"{name} is removed")
    if left:
        note(f"{' and '.join(map(str, left))} stays: what was not fetched is in it")


def _asked(name: str) -> bool:
    """The answer of a person at a terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(f"Accept, and fetch {name}? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _state(model: ModelEntry, store: ModelStore) -> str:
    if store.available(model.name, model.kind):
        return "here"
    if not model.runs:
        return "not in this version yet"
    size = size_words(model)
    if model.repository is not None and (begun := begun_mb(model.name, store)) is not None:
        return f"begun, {begun} MB" + (f" of {size}" if size else "")
    return f"to fetch, {size}" if size else "to fetch"


def _licence(model: ModelEntry) -> str:
    return ", ".join(licence.name + (f": {licence.limits}" if licence.limits else "") for licence in licences(model))
