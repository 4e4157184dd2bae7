"""`launch.py data`: from videos to a data set."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.commands import data_tools
from app.settings import Settings
from core.errors import InputError

if TYPE_CHECKING:
    from core.curation.build import Build
    from core.curation.executors import Executor


def add_parser(data: argparse.ArgumentParser) -> None:
    """The words of `data`."""
    actions = data.add_subparsers(metavar="ACTION", required=True)
    plan = actions.add_parser("plan", help="say what a build would take, after building up to 20 of its sources in a temporary folder")
    _add_sources(plan)
    plan.add_argument("--json", action="store_true", help="print JSON")
    plan.set_defaults(run=run_plan)

    build = actions.add_parser("build", help="make a data set of the videos in folders, or of clips that are drawn")
    _add_sources(build)
    build.add_argument("--out", required=True, type=Path, metavar="DIR", help="where DIR/data is written; what is there is gone on with")
    _add_executor(build)
    build.add_argument("--stages", default="", metavar="A,B", help="only these, and those before that are not done; without tars and index")
    build.set_defaults(run=run_build)

    status = actions.add_parser("status", help="say how far a build is, what was set aside and what filters left out")
    status.add_argument("out", type=Path, metavar="OUT", help="the folder of the build")
    status.set_defaults(run=run_status)

    retry = actions.add_parser("retry", help="make the shards again that failed or set something aside, and finish the build")
    retry.add_argument("out", type=Path, metavar="OUT", help="the folder of the build")
    _add_executor(retry)
    retry.set_defaults(run=run_retry)

    inspect = actions.add_parser("inspect", help="write a page with samples of a build, and what was left out and why")
    inspect.add_argument("out", type=Path, metavar="OUT", help="the folder of the build")
    inspect.add_argument("--samples", type=int, default=24, metavar="N", help="samples on the page (24)")
    inspect.add_argument("--seed", type=int, default=0, metavar="N", help="which samples (0)")
    inspect.add_argument("--page", type=Path, metavar="FILE", help="where the page is written (OUT/inspection.html)")
    inspect.set_defaults(run=run_inspect)
    data_tools.add_parsers(actions)


def run_plan(options: argparse.Namespace) -> None:
    """Print what a build would take."""
    from app.commands.console import console_job
    from core.curation.plan import as_text, plan_build

    build = _build_of(options, Path())
    with console_job() as context:
        plan = plan_build(build, _executor(), context)
    print(json.dumps(plan.as_json(), indent=1) if options.json else as_text(plan))


def run_build(options: argparse.Namespace) -> int:
    """Build a data set, or go on with one that was begun; 1 when shards failed."""
    stages = [name.strip() for name in options.stages.split(",") if name.strip()]
    return _run(_build_of(options, options.out), _executor(options.executor, options.address, options.workers), stages)


def run_retry(options: argparse.Namespace) -> int:
    """Do again what went wrong; as `run_build`."""
    from core.curation.build import open_build
    from core.words import counted

    print(f"{counted(open_build(options.out).reopen(), 'shard')} to make again", file=sys.stderr)
    return _run(open_build(options.out, refresh=True), _executor(options.executor, options.address, options.workers), [])


def run_status(options: argparse.Namespace) -> None:
    """Print how far a build is."""
    from core.curation.build import open_build
    from core.curation.status import as_text, reasons_of, states_of

    build = open_build(options.out)
    found = list(build.states())
    print(as_text(states_of(build.settings, found)))
    dropped, aside = reasons_of(build.ledger, found)
    for title, reasons in (("left out by filters", dropped), ("set aside", aside)):
        for (stage, reason), count in reasons.most_common(20):
            print(f"{title}: {count} in {stage}, {reason}")


def run_inspect(options: argparse.Namespace) -> None:
    """Write the page."""
    from core.curation.build import open_build
    from core.curation.inspection import inspection_page
    from core.files import write_text

    if options.samples < 1:
        raise InputError("--samples has to be at least 1")
    page = options.page or options.out / "inspection.html"
    write_text(page, inspection_page(open_build(options.out), options.samples, options.seed))
    print(f"{page} shows it")


def _build_of(options: argparse.Namespace, out: Path) -> Build:
    from app.commands.console import note
    from core.curation.build import Build
    from core.curation.fake import FAKE, MODELS
    from core.curation.identity import weights_of
    from core.curation.settings import CurationSettings
    from core.curation.sources import list_sources
    from core.models.store import ModelStore
    from core.training.common.overrides import with_overrides

    made_up = [f"{name}={FAKE}" for name in MODELS] if options.fake_models else []
    settings = with_overrides(CurationSettings(), [*options.settings, *made_up])
    if made_up:
        note("the models are made up: this tries the build out, and what it makes teaches nothing")
    weights = weights_of(settings, ModelStore(Settings.from_environment().models_root))
    return Build(out, list_sources(options.sources, settings.licence, note), settings, weights)


def _executor(name: str = "local", address: str = "", workers: int = 0) -> Executor:
    models = Settings.from_environment().models_root
    if name == "ray":
        from core.curation.ray_executor import RayExecutor

        return RayExecutor(models, address, workers)
    from core.curation.executors import LocalExecutor

    if address or workers:
        raise InputError("--address and --workers are for --executor ray")
    return LocalExecutor(models)


def _run(build: Build, executor: Executor, stages: list[str]) -> int:
    from app.commands.console import console_job, note
    from core.words import counted

    with console_job() as context:
        report = build.run(executor, context, stages)
    if report.aside:
        note(f"{counted(report.aside, 'input')} set aside; {build.out / 'quarantine'} says why")
    for reason in report.failed:
        note(f"failed: {reason}")
    if not stages:
        if not report.samples and not report.failed:
            raise InputError(f"no sample is left of {counted(build.sources.sources, 'source')}: `data status {build.out}` says why")
        print(f"{counted(report.samples, 'sample')} in {build.out / 'data'}")
    return 1 if report.failed else 0


def _add_executor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--executor", choices=("local", "ray"), default="local", help="what runs the shards: this process, or actors of Ray"
    )
    parser.add_argument("--address", default="", metavar="HOST:PORT", help="of a Ray cluster whose nodes share OUT (Ray on this machine)")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="with Ray: the most actors (as many as fit)")


def _add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fake-models", action="store_true", help="made-up tags, boxes, masks, captions and flow: tries shards, workers and disk out"
    )
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="a folder of videos; Panda-70M's list of them (.csv); procedural:200 for clips that are drawn",
    )
    _add_settings(parser)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set", dest="settings", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="settings (see docs/dataset.md)"
    )
