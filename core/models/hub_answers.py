"""What the hub's answers mean to a person: every failure of a transfer is one sentence that says
what to do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from core.errors import ModelMissingError, StudioError
from core.files import is_full, storage_error
from core.models.model import ModelEntry


def way_in(model: ModelEntry, root: Path | None) -> str:
    """How a person comes by the weights of a gated model; empty for others.

    Args:
        model: The model.
        root: The folder where a person's own models lie, or None.
    """
    if not model.gated:
        return ""
    by_hand = "" if root is None else f", or copy its files to {root / model.name}"
    return f"accept the licence on huggingface.co/{model.repository} and start with your HF_TOKEN{by_hand}"


def refused(model: ModelEntry, root: Path | None) -> ModelMissingError:
    """What to tell a person to whom the hub does not give the weights of a gated model."""
    return _missing(model, f"the weights of '{model.name}' are gated: {way_in(model, root)}")


@contextlib.contextmanager
def on_hub(model: ModelEntry, root: Path | None) -> Iterator[None]:
    """Work with the hub.

    Args:
        model: What is fetched.
        root: The folder where a person's own models lie, or None.

    Yields:
        Nothing; do the transfer inside the block.

    Raises:
        ModelMissingError: The hub does not give what is asked for, or the connection is lost.
        StorageError: The disk is full.
    """
    from httpx2 import HTTPError
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
    from huggingface_hub.utils import logging as hub_logging

    hub_logging.set_verbosity_error()  # its warning of every try hides the one sentence that a person needs
    try:
        yield
    except OfflineModeIsEnabled as error:
        raise _missing(
            model, f"the model '{model.name}' can't be fetched while HF_HUB_OFFLINE is set: start without it, or copy its files by hand"
        ) from error
    except HfHubHTTPError as error:
        raise _answered(model, root, error) from error
    except (HTTPError, OSError) as error:
        # HTTPError is the base of what the hub's client raises when a transfer breaks off.
        if isinstance(error, OSError) and is_full(error):
            raise storage_error(Path(error.filename or "the folder for models"), error) from error
        gate = f" (it is gated, too: {way_in(model, root)})" if model.gated else ""
        lost = f"the model '{model.name}' could not be fetched from {model.repository}"
        raise _missing(model, f"{lost}: check the network connection, then fetch it again{gate}") from error


def _answered(model: ModelEntry, root: Path | None, error: Exception) -> StudioError:
    """The sentence for an answer of the hub that is no file."""
    from huggingface_hub import get_token
    from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, RevisionNotFoundError

    code = int(getattr(getattr(error, "response", None), "status_code", 0))
    if isinstance(error, GatedRepoError) or (model.gated and code in (401, 403, 404)):
        return refused(model, root)
    where = f"the hub has no {model.repository}"
    if isinstance(error, RevisionNotFoundError):
        return _missing(model, f"{where} of the revision {model.revision}: fetch with --revision main to take the newest one")
    if isinstance(error, EntryNotFoundError):
        return _missing(model, f"{where} with the files of '{model.name}' (404): copy them by hand, or install a newer version")
    if code in (401, 403):
        token = "refuses your HF_TOKEN" if get_token() else "wants a person who is known there"
        return _missing(model, f"the hub {token} for {model.repository} ({code}): start with an HF_TOKEN that may read it")
    if code == 404:
        return _missing(model, f"{where} (404): check HF_ENDPOINT, or copy the files by hand")
    return _missing(model, f"the hub answers {code} instead of {model.repository}: try again later")


def _missing(model: ModelEntry, text: str) -> ModelMissingError:
    return ModelMissingError(text, repository=model.repository, download_mb=model.download_mb)
